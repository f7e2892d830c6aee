/*
 * verb_table: the commands, for people. tests/system/verbs.t holds names, parameters and what is
 * required against what csdns.api('listApis') says in the database.
 */
#include "tool/verb.h"

/* clang-format off */
#define PARAMS(...) (const struct verb_param[]){__VA_ARGS__, {.name = NULL}}
#define NO_PARAMS (const struct verb_param[]){{.name = NULL}}
#define MUST true
#define MAY false

#define UUID "6b7f7f5e-0d0c-4c0e-9d5a-2a4f3f6f1c11"

/* What many have. */
#define ZONE(required) {"dnszoneid", VERB_TEXT, required, "zone, by id or name", "example.org"}
#define NETWORK(required, help) {"networkid", VERB_TEXT, required, help, UUID}
#define INSTANCE(required, help) {"virtualmachineid", VERB_TEXT, required, help, UUID}
#define ACCOUNT(help) {"account", VERB_TEXT, MAY, help, "acme"}
#define DOMAIN(help) {"domainid", VERB_TEXT, MAY, help, UUID}
#define OWNER ACCOUNT("account that owns it"), DOMAIN("domain that owns it, or domain of the account")
#define OF_OWNER ACCOUNT("only those of this account"), DOMAIN("only those of this domain, or domain of the account")
#define KEYWORD {"keyword", VERB_TEXT, MAY, "only those whose name contains this", "example"}
#define PAGES {"page", VERB_INT, MAY, "page to show, from 1; with pagesize", "1"}, \
	{"pagesize", VERB_INT, MAY, "how many a page has, at most 500", "100"}
#define TTL {"ttl", VERB_INT, MAY, "time to live, in seconds", "3600"}
#define ZONE_TYPE {"type", VERB_TEXT, MAY, "Public or Private", "Public"}
#define DESCRIPTION {"description", VERB_TEXT, MAY, "for people", "web shop"}
#define RECORD_NAME(required, help) {"name", VERB_TEXT, required, help, "www"}
#define RECORD_TYPE(required) {"type", VERB_TEXT, required, "type of the records", "A"}
#define CONTENTS(required) {"contents", VERB_LIST, required, "contents of the records", "192.0.2.1,192.0.2.2"}
#define NAME_IN_ZONE "name, inside the zone, or with the zone's at its end; @ is the zone"

#define VM_NAME "name, inside the zone, or with the zone's at its end; without it the host name"

#define MANY(name, command, one) \
	{name, VERB_JSON, MUST, "array of objects with the parameters of \"" command "\"", "'[" one "]'"}

#define SERVER(name_required) \
	{"name", VERB_TEXT, name_required, "name", "ns1"}, \
	{"nameservers", VERB_LIST, name_required, "names of its name servers, for NS records", "ns1.example.net,ns2.example.net"}, \
	{"url", VERB_TEXT, MAY, "where people find it", "https://dns.example.net"}, \
	{"port", VERB_INT, MAY, "port of the url", "8081"}, \
	{"ispublic", VERB_BOOLEAN, MAY, "whether others than its owner may make zones on it", "true"}, \
	{"publicdomainsuffix", VERB_TEXT, MAY, "name below which others' zones are put", "cloud.example.net"}

#define ZONE_COLUMNS "name,type,state,dnsservername,account,domain,records"
#define VM_RECORD_COLUMNS "name,type,ttl,contents,origin,state,displaytext"
#define RECORD_COLUMNS "name,type,ttl,contents,origin"

const struct verb verbs[] = {
	{"list", "DnsServers", "DNS servers that zones can be made on", PARAMS(
		{"id", VERB_TEXT, MAY, "only this one, by id", UUID},
		{"name", VERB_TEXT, MAY, "only the one of this name", "ns1"},
		KEYWORD, OF_OWNER, {"providertype", VERB_TEXT, MAY, "PowerDNS or csdns", "PowerDNS"}, PAGES),
		"name,nameservers,ispublic,publicdomainsuffix,account,domain,state,zones", "DNS servers"},
	{"list", "DnsProviders", "kinds of DNS servers", PARAMS(PAGES), NULL, "providers"},
	{"list", "DnsZones", "zones", PARAMS(
		{"id", VERB_TEXT, MAY, "only this one, by id", UUID},
		{"name", VERB_TEXT, MAY, "only the one of this name", "example.org"},
		{"dnsserverid", VERB_TEXT, MAY, "only those on this DNS server, by id or name", "ns1"},
		KEYWORD, OF_OWNER, PAGES),
		ZONE_COLUMNS, "zones"},
	{"list", "DnsZoneDelegations", "who else may use a zone", PARAMS(ZONE(MAY), PAGES),
		"dnszonename,account,domain,network,created", "delegations"},
	{"list", "DnsZoneNetworks", "networks whose instances have names in a zone", PARAMS(
		ZONE(MAY), NETWORK(MAY, "only this network"), PAGES),
		"dnszonename,network,networkid,subdomain,instances,collisions", "networks"},
	{"list", "DnsRecords", "records, each name and type once", PARAMS(
		ZONE(MAY), RECORD_NAME(MAY, "only of this name"), RECORD_TYPE(MAY), KEYWORD, PAGES),
		RECORD_COLUMNS, "records"},
	{"list", "DnsRecordsForVm", "names of an instance", PARAMS(
		INSTANCE(MUST, "instance, by id"), PAGES), VM_RECORD_COLUMNS, "records"},
	{"list", "DnsPolicies", "policies: what facts of the cloud mean", PARAMS(
		NETWORK(MAY, "only of this network"), ACCOUNT("only of this account"), DOMAIN("only of this domain, or domain of the account"), PAGES),
		"scope,domain,account,network,ttl,minimum_ttl,on_stop,static_nat,floating,max_zones,max_records,allowed_types", "policies"},
	{"list", "DnsEvents", "events: collisions, refusals, records taken over", PARAMS(
		{"type", VERB_TEXT, MAY, "only of this type", "DNS.NAME.COLLISION"}, KEYWORD,
		{"since", VERB_INT, MAY, "only those with a higher id", "1000"}, PAGES), NULL, "events"},
	{"list", "DnsCollisions", "names that two want", PARAMS(PAGES), NULL, "collisions"},
	{"list", "DnsDrift", "records that differ from what the rules say", PARAMS(PAGES), NULL, "differences"},
	{"list", "DnsAudit", "the audit trail: who changed what, and how, newest first", PARAMS(
		ZONE(MAY), RECORD_NAME(MAY, "only what is about this name"),
		{"who", VERB_TEXT, MAY, "only by this role, or user of the cloud", "alice"},
		{"since", VERB_TEXT, MAY, "only what came after this time", "2026-01-31 12:00"},
		{"keyword", VERB_TEXT, MAY, "only what contains this", "example"},
		{"limit", VERB_INT, MAY, "at most so many", "20"}, PAGES),
		"at,role,clouduser,path,what,action,zone,name", "entries"},
	{"list", "Apis", "commands that you may run, as the database knows them", PARAMS(
		{"name", VERB_TEXT, MAY, "only this one", "createDnsZone"}, PAGES), "name,description", "commands"},

	{"create", "DnsZone", "make a zone", PARAMS(
		{"name", VERB_TEXT, MUST, "name of the zone", "example.org"},
		{"dnsserverid", VERB_TEXT, MUST, "DNS server, by id or name", "ns1"},
		ZONE_TYPE, DESCRIPTION, {"existing", VERB_BOOLEAN, MAY, "take over a zone that PowerDNS has already", "true"},
		OWNER), NULL, NULL},
	{"create", "DnsZones", "make many zones, all or none", PARAMS(
		MANY("zones", "create dnszone",
			"{\"name\": \"example.org\", \"dnsserverid\": \"ns1\"}")), NULL, NULL},
	{"create", "DnsRecord", "make the records of a name and type", PARAMS(
		ZONE(MUST), RECORD_NAME(MUST, NAME_IN_ZONE), RECORD_TYPE(MUST), CONTENTS(MUST), TTL), NULL, NULL},
	{"create", "DnsRecords", "make records of many names, all or none", PARAMS(
		MANY("records", "create dnsrecord",
			"{\"dnszoneid\": \"example.org\", \"name\": \"www\", \"type\": \"A\", \"contents\": [\"192.0.2.1\"]}")), NULL, NULL},

	{"update", "DnsZone", "change a zone", PARAMS(
		{"id", VERB_TEXT, MUST, "zone, by id or name", "example.org"}, DESCRIPTION,
		{"state", VERB_TEXT, MAY, "Active, or Inactive: rules make no records there", "Active"}, ZONE_TYPE), NULL, NULL},
	{"update", "DnsRecord", "change the records of a name and type", PARAMS(
		ZONE(MUST), RECORD_NAME(MUST, NAME_IN_ZONE), RECORD_TYPE(MUST), CONTENTS(MAY), TTL), NULL, NULL},
	{"update", "DnsRecords", "change records of many names, all or none", PARAMS(
		MANY("records", "update dnsrecord",
			"{\"dnszoneid\": \"example.org\", \"name\": \"www\", \"type\": \"A\", \"ttl\": 60}")), NULL, NULL},
	{"update", "DnsServer", "change a DNS server", PARAMS(
		{"id", VERB_TEXT, MUST, "DNS server, by id or name", "ns1"}, SERVER(MAY),
		{"state", VERB_TEXT, MAY, "Enabled, or Disabled: no new zones", "Enabled"}), NULL, NULL},
	{"update", "DnsPolicy", "change what facts of the cloud mean: in a network, for an account or domain, or for all", PARAMS(
		NETWORK(MAY, "for this network"), ACCOUNT("for this account"), DOMAIN("for this domain, or domain of the account"),
		{"ttl", VERB_INT, MAY, "TTL of records made by rules, in seconds", "3600"},
		{"minimum_ttl", VERB_INT, MAY, "no TTL below this", "60"},
		{"on_stop", VERB_TEXT, MAY, "names of a stopped instance: keep or remove", "keep"},
		{"ptr", VERB_BOOLEAN, MAY, "PTR records, where a reverse zone is present", "true"},
		{"common", VERB_BOOLEAN, MAY, "a name in the common zone as well", "false"},
		{"common_zone", VERB_TEXT, MAY, "name of the common zone", "vm.example.net"},
		{"groups", VERB_BOOLEAN, MAY, "names of instance groups", "true"},
		{"secondary_addresses", VERB_BOOLEAN, MAY, "secondary addresses under the instance's name", "false"},
		{"public_names", VERB_BOOLEAN, MAY, "names of public addresses, with a wildcard", "true"},
		{"static_nat", VERB_TEXT, MAY, "static NAT's address under the instance's name: also, instead (of the inner one) or off", "instead"},
		{"floating", VERB_TEXT, MAY, "name of a floating address: its address, or its members' addresses", "address"},
		{"host_template", VERB_TEXT, MAY, "first label of an instance's name", "{name}"},
		{"public_template", VERB_TEXT, MAY, "first label of a public address's name", "public-ip-{ip}"},
		{"max_zones", VERB_INT, MAY, "zones that an account may own", "10"},
		{"max_records", VERB_INT, MAY, "records that a zone may hold", "1000"},
		{"allowed_types", VERB_LIST, MAY, "types of records that owners may make", "A,AAAA,CNAME,TXT"},
		{"unset", VERB_LIST, MAY, "settings to take back; the next scope's hold then", "ttl,max_zones"}), NULL, NULL},

	{"delete", "DnsZone", "delete a zone with its records", PARAMS(
		{"id", VERB_TEXT, MUST, "zone, by id or name", "example.org"},
		{"unmanage", VERB_BOOLEAN, MAY, "leave the zone to PowerDNS, as it is", "true"}), NULL, NULL},
	{"delete", "DnsZones", "delete many zones, all or none", PARAMS(
		MANY("zones", "delete dnszone",
			"{\"id\": \"example.org\"}")), NULL, NULL},
	{"delete", "DnsRecord", "delete the records of a name and type", PARAMS(
		ZONE(MUST), RECORD_NAME(MUST, NAME_IN_ZONE), RECORD_TYPE(MUST),
		{"contents", VERB_LIST, MAY, "only those of these contents", "192.0.2.1"}), NULL, NULL},
	{"delete", "DnsRecords", "delete records of many names, all or none", PARAMS(
		MANY("records", "delete dnsrecord",
			"{\"dnszoneid\": \"example.org\", \"name\": \"www\", \"type\": \"A\"}")), NULL, NULL},
	{"delete", "DnsServer", "delete a DNS server", PARAMS(
		{"id", VERB_TEXT, MUST, "DNS server, by id or name", "ns1"},
		{"cleanup", VERB_BOOLEAN, MAY, "delete its zones as well", "true"},
		{"unmanage", VERB_BOOLEAN, MAY, "leave its zones to PowerDNS, as they are", "true"}), NULL, NULL},

	{"add", "DnsServer", "add a DNS server: name servers that zones are made on", PARAMS(
		SERVER(MUST), {"provider", VERB_TEXT, MAY, "kind of server: PowerDNS or csdns", "PowerDNS"}, OWNER), NULL, NULL},

	{"associate", "DnsZoneToNetwork", "give a network's instances names in a zone", PARAMS(
		ZONE(MUST), NETWORK(MUST, "network, by id"),
		{"subdomain", VERB_TEXT, MAY, "labels between host name and zone", "lab"}), NULL, NULL},
	{"disassociate", "DnsZoneFromNetwork", "take a network's instances' names away", PARAMS(
		NETWORK(MUST, "network, by id")), NULL, NULL},
	{"register", "DnsRecordForVm", "give an instance a further name", PARAMS(
		INSTANCE(MUST, "instance, by id"), ZONE(MUST), RECORD_NAME(MAY, VM_NAME)),
		VM_RECORD_COLUMNS, "records"},
	{"unregister", "DnsRecordForVm", "take a further name from an instance", PARAMS(
		INSTANCE(MUST, "instance, by id"), ZONE(MUST), RECORD_NAME(MAY, VM_NAME)), NULL, NULL},
	{"delegate", "DnsZone", "let an account, a domain or a network use a zone", PARAMS(
		ZONE(MUST), ACCOUNT("account that may use it"), DOMAIN("domain that may use it, or domain of the account"),
		NETWORK(MAY, "network that may be associated with it")), NULL, NULL},
	{"undelegate", "DnsZone", "end a delegation", PARAMS(
		ZONE(MUST), ACCOUNT("account that may use it"), DOMAIN("domain that may use it, or domain of the account"),
		NETWORK(MAY, "network that may be associated with it")), NULL, NULL},
	{"release", "DnsRecord", "give a name that a person took back to the rules", PARAMS(
		ZONE(MUST), RECORD_NAME(MUST, NAME_IN_ZONE), RECORD_TYPE(MAY)), NULL, NULL},
	{"reconcile", "Dns", "make all records as the rules say", NO_PARAMS, NULL, "changes"},
	{.word = NULL},
};

#define WORD(word, words) {.name = (word), .help = (words), .options = verb_options, \
	.settings_size = sizeof(struct verb_settings), .run = verb_main}

const struct tool_group verb_groups[] = {
	WORD("list", "show zones, records, DNS servers, delegations, policies, events, the audit trail"),
	WORD("create", "make zones and records"),
	WORD("update", "change zones, records, DNS servers and policies"),
	WORD("delete", "delete zones, records and DNS servers"),
	WORD("add", "add DNS servers"),
	WORD("associate", "give a network's instances names in a zone"),
	WORD("disassociate", "take them away again"),
	WORD("register", "give an instance a further name"),
	WORD("unregister", "take it away again"),
	WORD("delegate", "let others use a zone"),
	WORD("undelegate", "end that"),
	WORD("release", "give names that people took over back to the rules"),
	WORD("reconcile", "make all records as the rules say"),
	{.name = "commands", .help = "list all of these commands with their parameters", .options = verb_options,
		.settings_size = sizeof(struct verb_settings), .run = verb_commands_main},
	{.name = NULL},
};
/* clang-format on */
