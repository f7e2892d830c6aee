#include "config.h"

#include "sync/entity.h"

#include <ctype.h>
#include <string.h>

/* The keys that csdns.upsert_KIND reads (schema/140-cloud-upsert.sql), NULL at the end. */
static const char *const domain_keys[] = {
	"id", "name", "path", "parentdomainid", "networkdomain", NULL};
static const char *const account_keys[] = {
	"id", "name", "domainid", "domain", "networkdomain", NULL};
static const char *const project_keys[] = {"id", "name", "domainid", "domain", NULL};
static const char *const network_keys[] = {"id", "name", "type", "account", "accountid", "project",
	"projectid", "domainid", "domain", "networkdomain", "vpcid", "state", NULL};
static const char *const instance_keys[] = {"id", "name", "displayname", "group", "state",
	"account", "accountid", "project", "projectid", "domainid", "domain", "created", "nic",
	NULL};
static const char *const address_keys[] = {"id", "ipaddress", "associatednetworkid", "vpcid",
	"account", "accountid", "project", "projectid", "domainid", "domain", "isstaticnat",
	"virtualmachineid", "vmipaddress", "issourcenat", "state", NULL};
static const char *const nic_keys[] = {
	"id", "networkid", "ipaddress", "ip6address", "secondaryip", "isdefault", NULL};

static const struct entity {
	const char *name;
	const char *command;
	const char *key;
	bool in_projects;
	const char *const *keys;
} entities[] = {
	[ENTITY_DOMAIN] = {"domain", "listDomains", "domain", false, domain_keys},
	[ENTITY_ACCOUNT] = {"account", "listAccounts", "account", false, account_keys},
	[ENTITY_PROJECT] = {"project", "listProjects", "project", false, project_keys},
	[ENTITY_NETWORK] = {"network", "listNetworks", "network", true, network_keys},
	[ENTITY_INSTANCE] = {"instance", "listVirtualMachines", "virtualmachine", true,
		instance_keys},
	[ENTITY_PUBLIC_ADDRESS] = {"public_address", "listPublicIpAddresses", "publicipaddress",
		true, address_keys},
	[ENTITY_NIC] = {.name = "nic", .keys = nic_keys},
};

static const struct {
	const char *name;
	enum entity_kind kind;
} classes[] = {
	{"VirtualMachine", ENTITY_INSTANCE},
	{"UserVm", ENTITY_INSTANCE},
	{"Network", ENTITY_NETWORK},
	{"IpAddress", ENTITY_PUBLIC_ADDRESS},
	{"PublicIpAddress", ENTITY_PUBLIC_ADDRESS},
	{"Account", ENTITY_ACCOUNT},
	{"Domain", ENTITY_DOMAIN},
	{"Project", ENTITY_PROJECT},
	{"Nic", ENTITY_NIC},
	{"NicSecondaryIp", ENTITY_NIC},
};

const char *entity_name(enum entity_kind kind)
{
	return kind < ENTITY_NONE ? entities[kind].name : "none";
}

enum entity_kind entity_find(const char *name)
{
	for (size_t i = 0; i < ENTITY_NONE; i++)
		if (strcmp(entities[i].name, name) == 0)
			return (enum entity_kind)i;
	return ENTITY_NONE;
}

enum entity_kind entity_find_class(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *simple = dot == NULL ? name : dot + 1;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i].name, simple) == 0)
			return classes[i].kind;
	return ENTITY_NONE;
}

const char *entity_command(enum entity_kind kind)
{
	return entities[kind].command;
}

const char *entity_key(enum entity_kind kind)
{
	return entities[kind].key;
}

bool entity_in_projects(enum entity_kind kind)
{
	return entities[kind].in_projects;
}

bool uuid_is(const char *text)
{
	for (size_t i = 0; i < UUID_SIZE - 1; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[UUID_SIZE - 1] == '\0';
}

/* No entities, and nothing else than what comes with them. */
static bool has_none(enum entity_kind kind, const json_t *answer)
{
	const json_t *list = json_object_get(answer, entities[kind].key);
	size_t others = json_object_size(answer) - (json_object_get(answer, "count") != NULL);

	if (list == NULL)
		return json_is_object(answer) && others == 0;
	return json_is_array(list) && json_array_size(list) == 0;
}

bool entity_is_behind(enum entity_kind kind, const json_t *answer)
{
	return has_none(kind, answer) && entity_count(answer) > 0;
}

const json_t *entity_list(enum entity_kind kind, const json_t *answer, bool *is_empty)
{
	const json_t *list = json_object_get(answer, entities[kind].key);

	*is_empty = has_none(kind, answer) && entity_count(answer) == 0;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return NULL;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
		if (id == NULL || !uuid_is(id))
			return NULL;
	}
	return list;
}

size_t entity_count(const json_t *answer)
{
	json_int_t count = json_integer_value(json_object_get(answer, "count"));

	return count > 0 ? (size_t)count : 0;
}

static json_t *cut(const json_t *object, const char *const *keys)
{
	json_t *copy = json_object();

	for (; copy != NULL && *keys != NULL; keys++) {
		json_t *value = json_object_get(object, *keys);
		if (value != NULL && json_object_set(copy, *keys, value) < 0) {
			json_decref(copy);
			copy = NULL;
		}
	}
	return copy;
}

json_t *entity_trim(enum entity_kind kind, const json_t *entity)
{
	json_t *copy = cut(entity, entities[kind].keys);
	const json_t *nics = json_object_get(copy, "nic");
	json_t *trimmed;

	if (copy == NULL || !json_is_array(nics))
		return copy;
	trimmed = json_array();
	for (size_t i = 0; i < json_array_size(nics); i++) {
		json_t *nic = json_array_get(nics, i);
		json_t *part = json_is_object(nic) ? cut(nic, nic_keys) : json_incref(nic);
		if (json_array_append_new(trimmed, part) < 0) {
			json_decref(trimmed);
			trimmed = NULL;
			break;
		}
	}
	if (json_object_set_new(copy, "nic", trimmed) < 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}
