/* cli/json: events as lines of JSON. */
#include "godwit/cli/json.h"

#include "tap.h"

static void json_is(
	struct report_event event, const char *want, const char *sentence)
{
	struct buf out = {0};

	event.account = STR("home");
	json_event(&event, &out);
	is_str(buf_str(&out), str_of(want), "%s", sentence);
	buf_clear(&out);
}

static void test_summary(void)
{
	const struct report_summary summary = {
		.mailboxes = 12,
		.dirty = 3,
		.local = {.added = 1, .flagged = 2},
		.server = {.removed = 1},
		.bytes_in = 48211,
		.bytes_out = 912,
		.elapsed_ms = 419,
	};

	json_is((struct report_event){.kind = REPORT_SUMMARY,
			.summary = summary},
		"{\"event\":\"summary\",\"account\":\"home\",\"status\":0,"
		"\"mailboxes\":12,\"dirty\":3,"
		"\"local\":{\"added\":1,\"removed\":0,\"moved\":0,\"copied\":0,"
		"\"flagged\":2},"
		"\"server\":{\"added\":0,\"removed\":1,\"moved\":0,\"copied\":"
		"0,\"flagged\":0},"
		"\"bytes_in\":48211,\"bytes_out\":912,\"conflicts\":0,"
		"\"errors\":0,\"seconds\":0.41}\n",
		"a summary has its keys in the order of the manual");
}

static void test_ops(void)
{
	json_is((struct report_event){.kind = REPORT_WOULD,
			.mailbox = STR("A"),
			.op = {REPORT_MOVE, REPORT_SERVER, 17, STR(""),
				STR("B"), STR(""), STR("moved locally")}},
		"{\"event\":\"would\",\"account\":\"home\",\"op\":\"move\","
		"\"side\":\"server\",\"mailbox\":\"A\",\"to\":\"B\","
		"\"uid\":17,\"reason\":\"moved locally\"}\n",
		"what a sync would do");
	json_is((struct report_event){.kind = REPORT_DONE,
			.mailbox = STR("A"),
			.op = {REPORT_FLAG, REPORT_LOCAL, 0, STR("1.x"),
				STR(""), STR("+\\Seen"), STR("r")}},
		"{\"event\":\"done\",\"account\":\"home\",\"op\":\"flag\","
		"\"side\":\"local\",\"mailbox\":\"A\",\"file\":\"1.x\","
		"\"flags\":\"+\\\\Seen\",\"reason\":\"r\"}\n",
		"what it did, to a message without UID");
}

static void test_texts(void)
{
	struct err err = {.scope = ERR_MESSAGE,
		.retry = ERR_LATER,
		.cause = ERR_PROTOCOL,
		.text = "it is \"odd\""};

	json_is((struct report_event){.kind = REPORT_ERROR,
			.mailbox = STR("A"),
			.error = {&err, 9, STR("")}},
		"{\"event\":\"error\",\"account\":\"home\",\"mailbox\":\"A\","
		"\"uid\":9,\"scope\":\"message\",\"retry\":\"later\","
		"\"status\":76,\"text\":\"it is \\\"odd\\\"\"}\n",
		"an error");
	json_is((struct report_event){.kind = REPORT_ALERT,
			.text = STR("a\xff\0b\n")},
		"{\"event\":\"alert\",\"account\":\"home\","
		"\"text\":\"a\xef\xbf\xbd\\u0000b\\n\"}\n",
		"an alert of any bytes is JSON");
	json_is((struct report_event){.kind = REPORT_DETAIL,
			.account = STR("home"),
			.text = STR("more")},
		"{\"event\":\"detail\",\"account\":\"home\","
		"\"text\":\"more\"}\n",
		"a detail");
	json_is((struct report_event){.kind = REPORT_NOTE,
			.mailbox = STR("A"),
			.text = STR("x")},
		"{\"event\":\"note\",\"account\":\"home\",\"mailbox\":\"A\","
		"\"text\":\"x\"}\n",
		"a note");
}

static void test_facts(void)
{
	json_is((struct report_event){.kind = REPORT_FACT,
			.fact = {STR("login"), STR("works"), true}},
		"{\"event\":\"fact\",\"account\":\"home\",\"subject\":"
		"\"login\",\"text\":\"works\",\"good\":true}\n",
		"a fact");
	json_is((struct report_event){.kind = REPORT_FACT,
			.mailbox = STR("A"),
			.fact = {STR("mailbox"), STR("x"), false}},
		"{\"event\":\"fact\",\"account\":\"home\",\"mailbox\":"
		"\"A\",\"subject\":\"mailbox\",\"text\":\"x\",\"good\":"
		"false}\n",
		"a fact about a mailbox");
}

static void test_mailboxes(void)
{
	json_is((struct report_event){.kind = REPORT_MAILBOX,
			.mailbox = STR("A"),
			.mailbox_state = {REPORT_DIRTY, UINT64_MAX, 2,
				{.added = 1}, {.moved = 4}, 5}},
		"{\"event\":\"mailbox\",\"account\":\"home\",\"mailbox\":"
		"\"A\",\"state\":\"dirty\",\"local_messages\":"
		"9223372036854775807,\"server_messages\":2,"
		"\"local\":{\"added\":1,\"removed\":0,\"moved\":0,\"copied\":0,"
		"\"flagged\":0},\"server\":{\"added\":0,\"removed\":0,"
		"\"moved\":4,\"copied\":0,\"flagged\":0},\"waiting\":5}\n",
		"a mailbox, and no number is too large");
	json_is((struct report_event){.kind = REPORT_LISTED,
			.mailbox = STR("Sent"),
			.listed = {STR("Out"), STR("\\Sent"), true, false, true,
				true, false}},
		"{\"event\":\"listed\",\"account\":\"home\",\"mailbox\":"
		"\"Sent\",\"local_name\":\"Out\",\"special_use\":\"\\\\Sent\","
		"\"on_server\":true,\"on_local\":false,\"subscribed\":true,"
		"\"selectable\":true,\"synced\":false}\n",
		"a line of list");
	json_is((struct report_event){.kind = REPORT_PROGRESS}, "",
		"progress has no object");
}

int main(void)
{
	test_summary();
	test_ops();
	test_texts();
	test_facts();
	test_mailboxes();
	return tap_done();
}
