#include "unit.h"

#include "sync/event.h"

#define VM  "6f2c0000-0000-4000-8000-00000000000a"
#define NET "6f2c0000-0000-4000-8000-00000000000b"
#define NIC "6f2c0000-0000-4000-8000-00000000000c"
#define IP  "6f2c0000-0000-4000-8000-00000000000d"
#define ACC "6f2c0000-0000-4000-8000-00000000000e"

/* A body, and what is made of it: "form use type[!] kind:uuid[-|=]…", where ! says that it failed,
 * - that the entity is said to be gone, = that the event tells what it looks like. */
struct row {
	const char *body, *expected;
};

static void add(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	assert_true(len + strlen(text) < size);
	(void)snprintf(out + len, size - len, "%s", text);
}

static void print(const struct cloud_event *event, char *out, size_t size)
{
	(void)snprintf(out, size, "%s %s %s%s", event_form_name(event->form),
		event_use_name(event->use), event->type, event->is_failed ? "!" : "");
	for (size_t i = 0; i < event->n_hints; i++) {
		const struct event_hint *hint = &event->hints[i];
		add(out, size, " ");
		add(out, size, entity_name(hint->kind));
		add(out, size, ":");
		add(out, size, hint->uuid + UUID_SIZE - 2);
		add(out, size, hint->told != NULL ? "=" : hint->is_gone ? "-" : "");
	}
}

static void assert_event(const char *body, size_t len, const char *expected)
{
	struct cloud_event event;
	char why[256], out[512];

	if (event_decode(body, len, &event, why, sizeof(why)) < 0) {
		(void)snprintf(out, sizeof(out), "refused: %s", why);
	} else {
		print(&event, out, sizeof(out));
		event_fini(&event);
	}
	assert_string_equal(out, expected);
}

static void assert_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_event(rows[i].body, strlen(rows[i].body), rows[i].expected);
}
#define ASSERT_ROWS(rows) assert_rows(rows, COUNT(rows))

#define ACTION(event, status, more) "{\"event\":\"" event "\",\"status\":\"" status "\"" more "}"
#define OF(class, uuid)		    ",\"entity\":\"" class "\",\"entityuuid\":\"" uuid "\""
#define KEY(class, uuid)	    ",\"" class "\":\"" uuid "\""
#define FAILS			    ",\"description\":\"Error while stopping Vm\""

static void test_actions(void **state)
{
	static const struct row rows[] = {
		{ACTION("VM.CREATE", "Completed",
			 OF("VirtualMachine", VM) KEY("VirtualMachine", VM)),
			"action taken VM.CREATE instance:a"},
		/* before 4.17 a class */
		{ACTION("VM.START", "Completed", OF("com.cloud.vm.VirtualMachine", VM)),
			"action taken VM.START instance:a"},
		{ACTION("VM.START", "Completed", KEY("VirtualMachine", VM)),
			"action taken VM.START instance:a"},
		{ACTION("VM.DESTROY", "Completed", OF("VirtualMachine", VM)),
			"action taken VM.DESTROY instance:a-"},
		/* a failed one says Completed too */
		{ACTION("VM.DESTROY", "Completed", OF("VirtualMachine", VM) FAILS),
			"action taken VM.DESTROY! instance:a"},
		{ACTION("VM.STOP", "Completed", FAILS), "action unknown VM.STOP!"},
		{ACTION("VM.CREATE", "Created", OF("VirtualMachine", VM)),
			"action early VM.CREATE"},
		{ACTION("VM.CREATE", "Scheduled", ""), "action early VM.CREATE"},
		{ACTION("VM.CREATE", "Started", ""), "action early VM.CREATE"},
		/* the account is the caller's, which is asked for without harm */
		{ACTION("NIC.CREATE", "Completed",
			 OF("VirtualMachine", VM) KEY("Network", NET) KEY("Nic", NIC)
				 KEY("account", ACC)),
			"action taken NIC.CREATE instance:a network:b nic:c"},
		{ACTION("NET.IPRELEASE", "Completed", OF("IpAddress", IP)),
			"action taken NET.IPRELEASE public_address:d-"},
		{ACTION("STATICNAT.ENABLE", "Completed",
			 OF("StaticNat", IP) KEY("IpAddress", IP) KEY("VirtualMachine", VM)),
			"action taken STATICNAT.ENABLE public_address:d instance:a"},
		/* names it in the description alone */
		{ACTION("STATICNAT.DISABLE", "Completed", ",\"description\":\"Ip Id: " IP "\""),
			"action taken STATICNAT.DISABLE public_address:d"},
		{ACTION("NIC.SECONDARY.IP.UNASSIGN", "Completed", OF("NicSecondaryIp", NIC)),
			"action taken NIC.SECONDARY.IP.UNASSIGN nic:c"},
		{ACTION("NETWORK.DELETE", "Completed", OF("Network", NET)),
			"action taken NETWORK.DELETE network:b-"},
		{ACTION("ACCOUNT.DELETE", "Completed", KEY("Account", ACC)),
			"action taken ACCOUNT.DELETE account:e-"},
		/* of no concern, whatever it is about */
		{ACTION("VOLUME.CREATE", "Completed", OF("Volume", VM) KEY("VirtualMachine", VM)),
			"action ignored VOLUME.CREATE"},
		{ACTION("VMSNAPSHOT.CREATE", "Completed", ""), "action ignored VMSNAPSHOT.CREATE"},
		{ACTION("USER.LOGIN", "Completed", ""), "action ignored USER.LOGIN"},
		/* of concern, about nothing that is known */
		{ACTION("VM.START", "Completed", OF("VpcOffering", VM)), "action unknown VM.START"},
		{ACTION("VM.START", "Completed", ",\"entity\":7,\"entityuuid\":7"),
			"action unknown VM.START"},
		/* uuids that are none: the rest counts, if there is one */
		{ACTION("VM.START", "Completed", OF("VirtualMachine", "42")),
			"refused: \"42\" of instance is not a uuid"},
		{ACTION("VM.START", "Completed", OF("VirtualMachine", "42") KEY("Network", NET)),
			"action taken VM.START network:b"},
		/* once each, whatever the case */
		{ACTION("VM.START", "Completed",
			 OF("VirtualMachine", VM)
				 KEY("UserVm", "6F2C0000-0000-4000-8000-00000000000A")),
			"action taken VM.START instance:a"},
	};

	(void)state;
	ASSERT_ROWS(rows);
}

#define CHANGE(status)                                                                             \
	"{\"resource\":\"VirtualMachine\",\"id\":\"" VM                                            \
	"\",\"old-state\":\"Running\",\"new-state\":\"Stopped\",\"status\":\"" status "\"}"
#define JOB(type, status, more)                                                                    \
	"{\"jobId\":\"j\",\"commandEventType\":\"" type "\",\"status\":\"" status "\"" more "}"
#define INSTANCE ",\"instanceType\":\"VirtualMachine\",\"instanceUuid\":\"" VM "\""
#define RESULT	 "{\"id\":\"" VM "\",\"name\":\"web\",\"nic\":[{\"ipaddress\":\"192.0.2.1\"}]}"

static void test_other_forms(void **state)
{
	static const struct row rows[] = {
		{CHANGE("postStateTransitionEvent"), "state taken Stopped instance:a"},
		{CHANGE("preStateTransitionEvent"), "state early Stopped"},
		{"{\"resource\":\"Network\",\"id\":\"" NET "\",\"new-state\":\"Implemented\"}",
			"state taken Implemented network:b"},
		{"{\"resource\":\"Volume\",\"id\":\"" NET "\",\"new-state\":\"Ready\"}",
			"state ignored Ready"},
		{JOB("VM.CREATE", "SUCCEEDED", INSTANCE ",\"jobResult\":" RESULT),
			"job taken VM.CREATE instance:a="},
		/* up to 4.11 */
		{JOB("VM.CREATE", "SUCCEEDED",
			 ",\"jobResult\":\"org.apache.cloudstack.api.response.UserVmResponse/"
			 "virtualmachine/{\\\"id\\\":\\\"" VM "\\\",\\\"nic\\\":[]}\""),
			"job taken VM.CREATE instance:a="},
		{JOB("VM.CREATE", "SUCCEEDED", ",\"jobResult\":{\"virtualmachine\":" RESULT "}"),
			"job taken VM.CREATE instance:a="},
		/* without NICs it is not the whole instance */
		{JOB("VM.CREATE", "SUCCEEDED", INSTANCE ",\"jobResult\":{\"id\":\"" VM "\"}"),
			"job taken VM.CREATE instance:a"},
		{JOB("VM.CREATE", "FAILED", INSTANCE ",\"jobResult\":" RESULT),
			"job taken VM.CREATE! instance:a"},
		{JOB("VM.CREATE", "SUCCEEDED", INSTANCE ",\"jobResult\":\"a/b/{\""),
			"job taken VM.CREATE instance:a"},
		{JOB("VM.CREATE", "IN_PROGRESS", INSTANCE), "job early VM.CREATE"},
		{JOB("VM.CREATE", "SUCCEEDED", ""), "job unknown VM.CREATE"},
		{JOB("VOLUME.CREATE", "SUCCEEDED", INSTANCE), "job ignored VOLUME.CREATE"},
		/* the same event names, and no status */
		{"{\"event\":\"VM.CREATE\",\"resource\":\"com.cloud.vm.VirtualMachine\",\"id\":"
		 "\"" VM "\"}",
			"usage ignored VM.CREATE"},
		{"{ \"CloudStack\": \"works!\" }", "other ignored "},
		{"{}", "other ignored "},
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_bad_input(void **state)
{
	static const struct row rows[] = {
		{"", "refused: not JSON"},
		{"<html>", "refused: not JSON"},
		{"{\"event\":\"VM.START\"", "refused: not JSON"},
		{"[]", "refused: not a JSON object"},
		{"\xff", "refused: not JSON"},
		/* what goes into logs and labels is printable */
		{ACTION("VM.\\u0007\\\"x", "Completed", ""), "action unknown VM.??x"},
		{ACTION("VM.\xc3\xa9", "Completed", ""), "action unknown VM.??"},
	};
	char *body = malloc(EVENT_BODY_MAX + 1);

	(void)state;
	ASSERT_ROWS(rows);
	assert_non_null(body);
	memset(body, ' ', EVENT_BODY_MAX + 1);
	memcpy(body, "{}", 2);
	assert_event(body, EVENT_BODY_MAX, "other ignored ");
	assert_event(body, EVENT_BODY_MAX + 1, "refused: longer than 1048576 octets");
	free(body);
}

static void test_bounds(void **state)
{
	char body[4096] = "{\"event\":\"VM.START\",\"status\":\"Completed\"";
	char type[300] = "{\"event\":\"VM.", uuid[100];
	struct cloud_event event;
	char why[256];

	(void)state;
	for (int i = 0; i < 26; i++) { /* packages count for nothing: all are instances */
		(void)snprintf(uuid, sizeof(uuid),
			",\"p%c.VirtualMachine\":\"6f2c0000-0000-4000-8000-0000000000%02d\"",
			'a' + i, i);
		add(body, sizeof(body), uuid);
	}
	add(body, sizeof(body), "}");
	assert_int_equal(event_decode(body, strlen(body), &event, why, sizeof(why)), 0);
	assert_int_equal(event.n_hints, EVENT_HINTS_MAX);
	event_fini(&event);
	for (int i = 0; i < 20; i++)
		add(type, sizeof(type), "ABCDEFGHIJ");
	add(type, sizeof(type), "\",\"status\":\"Completed\"}");
	assert_int_equal(event_decode(type, strlen(type), &event, why, sizeof(why)), 0);
	assert_int_equal(strlen(event.type), sizeof(event.type) - 1);
	event_fini(&event);
}

#define LISTED(type, more)    "{\"type\":\"" type "\",\"state\":\"Completed\"" more "}"
#define RESOURCE(class, uuid) ",\"resourcetype\":\"" class "\",\"resourceid\":\"" uuid "\""

static void test_rows(void **state)
{
	static const struct row rows[] = {
		{LISTED("VM.START", RESOURCE("VirtualMachine", VM)),
			"row taken VM.START instance:a"},
		{LISTED("VM.DESTROY", RESOURCE("VirtualMachine", VM) ",\"level\":\"INFO\""),
			"row taken VM.DESTROY instance:a-"},
		{LISTED("VM.DESTROY", RESOURCE("VirtualMachine", VM) ",\"level\":\"ERROR\""),
			"row taken VM.DESTROY! instance:a"},
		{LISTED("NIC.DELETE", RESOURCE("Nic", NIC)), "row taken NIC.DELETE nic:c"},
		/* before 4.17 */
		{LISTED("VM.START", ",\"description\":\"Vm Id: " VM "\""),
			"row taken VM.START instance:a"},
		{LISTED("VM.START", ",\"description\":\"" VM " and " NET "\""),
			"row taken VM.START instance:a instance:b"},
		{LISTED("VM.START", ",\"description\":\"Vm Id: 42\""), "row unknown VM.START"},
		{LISTED("STATICNAT.ENABLE", ",\"description\":\"Ip Id: " IP "\""),
			"row taken STATICNAT.ENABLE public_address:d"},
		{LISTED("VM.START", RESOURCE("VirtualMachine", "42")),
			"refused: \"42\" of instance is not a uuid"},
		{LISTED("VOLUME.CREATE", RESOURCE("Volume", VM)), "row ignored VOLUME.CREATE"},
		{"{\"type\":\"VM.START\",\"state\":\"Scheduled\"" RESOURCE(
			 "VirtualMachine", VM) "}",
			"row early VM.START"},
		{"{}", "row ignored "},
		{"7", "row ignored "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *json = json_loads(rows[i].body, JSON_DECODE_ANY, NULL);
		struct cloud_event event;
		char why[256], out[512];
		assert_non_null(json);
		if (event_decode_row(json, &event, why, sizeof(why)) < 0) {
			(void)snprintf(out, sizeof(out), "refused: %s", why);
		} else {
			print(&event, out, sizeof(out));
			event_fini(&event);
		}
		assert_string_equal(out, rows[i].expected);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
