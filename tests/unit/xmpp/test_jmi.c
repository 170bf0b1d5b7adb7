/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jmi.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define SID    "ca3cf894-5325-482f-a412-a6e9f832298d"
#define FROM   "from='alice@example.org/phone' to='+1555@tel.example.org' "
#define JMI    "xmlns='urn:xmpp:jingle-message:0' "
#define AUDIO  "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>"
#define VIDEO  "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'/>"
#define ACCEPT "xmlns='jabber:component:accept' "

static struct stanza *parse(const char *xml)
{
	struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return st;
}

static int read_jmi(struct jmi *out, struct stanza **st, const char *xml)
{
	*st = stanza_free(*st);
	*st = parse(xml);
	return jmi_parse(out, *st);
}

static void a_propose_of_conversations_is_read(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi jmi;

	assert_int_equal(read_jmi(&jmi, &st,
				  "<message " ACCEPT FROM
				  "type='chat' id='jm-propose-" SID "'>"
				  "<propose " JMI "id='" SID "'>" AUDIO VIDEO
				  "</propose>"
				  "<request xmlns='urn:xmpp:receipts'/>"
				  "<store xmlns='urn:xmpp:hints'/></message>"),
			 0);
	assert_int_equal(jmi.action, JMI_PROPOSE);
	assert_string_equal(jmi.sid, SID);
	assert_string_equal(jmi.from, "alice@example.org/phone");
	assert_string_equal(jmi.to, "+1555@tel.example.org");
	assert_true(jmi.audio);
	assert_true(jmi.video);
	assert_true(jmi.receipt_requested);
	assert_false(jmi.delayed);
	assert_false(jmi.error);
}

static void a_propose_of_movim_has_neither_type_nor_id(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi jmi;

	assert_int_equal(read_jmi(&jmi, &st,
				  "<message " ACCEPT FROM "><propose " JMI
				  "id='x'>" AUDIO "</propose></message>"),
			 0);
	assert_true(jmi.audio);
	assert_false(jmi.video);
	assert_null(jmi.message_id);
	assert_false(jmi.receipt_requested);
}

static void reasons_and_migration_are_read(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi jmi;

	assert_int_equal(
		read_jmi(&jmi, &st,
			 "<message " ACCEPT FROM "><reject " JMI "id='x'>"
			 "<reason xmlns='urn:xmpp:jingle:1'><busy/>"
			 "<text>Busy</text></reason><tie-break/></reject>"
			 "<delay xmlns='urn:xmpp:delay' stamp='x'/></message>"),
		0);
	assert_int_equal(jmi.action, JMI_REJECT);
	assert_int_equal(jmi.reason, REASON_BUSY);
	assert_string_equal(jmi.reason_text, "Busy");
	assert_true(jmi.tie_break);
	assert_true(jmi.delayed);
	assert_int_equal(
		read_jmi(&jmi, &st,
			 "<message " ACCEPT FROM "><finish " JMI "id='x'>"
			 "<reason xmlns='urn:xmpp:jingle:1'><expired/></reason>"
			 "<migrated to='y'/></finish></message>"),
		0);
	assert_int_equal(jmi.action, JMI_FINISH);
	assert_int_equal(jmi.reason, REASON_EXPIRED);
	assert_string_equal(jmi.migrated_to, "y");
}

static void what_is_no_jmi_is_told_apart(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"<message " ACCEPT FROM "><body>hi</body></message>",
		"<message " ACCEPT FROM "><propose " JMI "/></message>",
		"<message " ACCEPT FROM "><propose " JMI "id=''/></message>",
		"<message " ACCEPT FROM "><propose " JMI "id='a b'/></message>",
		"<message " ACCEPT FROM "><propose " JMI
		"id='\xc3\xa9'/></message>",
		"<message " ACCEPT FROM "><propose " JMI
		"id='0123456789012345678901234567890123456789"
		"0123456789012345678901234'/></message>",
		"<message " ACCEPT FROM "type='groupchat'><propose " JMI
		"id='a'/></message>",
		"<message " ACCEPT "><propose " JMI "id='a'/></message>",
		"<message " ACCEPT FROM "><unheard-of " JMI
		"id='a'/></message>",
		"<message " ACCEPT FROM "><accept "
		"xmlns='urn:xmpp:jingle-message:1' id='a'/></message>",
		"<iq " ACCEPT FROM "><propose " JMI "id='a'/></iq>",
		"<message " ACCEPT FROM "type='error' id='jm-propose-x'/>",
		"<message " ACCEPT FROM
		"type='error' id='x-propose-12345678-a'/>",
		"<message " ACCEPT FROM
		"type='error' id='jm-what-12345678-a'/>",
		"<message " ACCEPT FROM
		"type='error' id='jm-finish-12345678-'/>",
		"<message " ACCEPT FROM "type='error'/>",
	};
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi jmi;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(read_jmi(&jmi, &st, bad[i]), 1);
}

static struct stanza *written(const struct jmi_message *message)
{
	struct stanza *st = NULL;

	assert_int_equal(jmi_format(&st, message), 0);
	return st;
}

static void a_bounce_is_known_by_its_id_alone(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *ours = written(&(struct jmi_message){
		.action = JMI_PROPOSE,
		.sid = SID,
		.from = "+1555@tel.example.org/sip",
		.to = "alice@example.org",
	});
	AUTO(stanza_freep) struct stanza *bounce = NULL;
	struct jmi jmi;

	assert_int_equal(stanza_error_reply(&bounce, ours, NULL,
					    "service-unavailable", NULL),
			 0);
	assert_int_equal(jmi_parse(&jmi, bounce), 0);
	assert_true(jmi.error);
	assert_int_equal(jmi.action, JMI_PROPOSE);
	assert_string_equal(jmi.sid, SID);
	assert_string_equal(jmi.from, "alice@example.org");
	assert_string_equal(jmi.error_condition, "service-unavailable");
}

static void assert_written(const struct jmi_message *message,
			   const char *element)
{
	AUTO(stanza_freep) struct stanza *st = written(message);
	AUTO(stanza_freep) struct stanza *again = NULL;
	char *text = NULL;
	struct jmi jmi;
	size_t n;

	assert_string_equal(stanza_attr(st, "type"), "chat");
	assert_non_null(stanza_find(st, "store", "urn:xmpp:hints"));
	assert_int_equal(
		stanza_format(stanza_find(st, NULL, JMI_NS), 0, &text, &n), 0);
	assert_string_equal(text, element);
	free(text);
	assert_int_equal(jmi_parse(&jmi, st), 0);
	assert_int_equal(jmi.action, message->action);
	assert_string_equal(jmi.sid, message->sid);
	again = written(message);
	assert_string_not_equal(stanza_attr(st, "id"),
				stanza_attr(again, "id"));
}

#define OURS .sid = "s", .from = "a@b/sip", .to = "c@d/e"

static void each_action_is_written(void **state)
{
	(void)state;
	assert_written(&(struct jmi_message){ .action = JMI_PROPOSE, OURS },
		       "<propose xmlns='" JMI_NS "' id='s'>" AUDIO
		       "</propose>");
	assert_written(&(struct jmi_message){ .action = JMI_RINGING, OURS },
		       "<ringing xmlns='" JMI_NS "' id='s'/>");
	assert_written(&(struct jmi_message){ .action = JMI_PROCEED, OURS },
		       "<proceed xmlns='" JMI_NS "' id='s'/>");
	assert_written(&(struct jmi_message){ .action = JMI_RETRACT, OURS },
		       "<retract xmlns='" JMI_NS "' id='s'>"
		       "<reason xmlns='urn:xmpp:jingle:1'><cancel/></reason>"
		       "</retract>");
	assert_written(&(struct jmi_message){ .action = JMI_REJECT,
					      .tie_break = true,
					      .reason_text = "no",
					      OURS },
		       "<reject xmlns='" JMI_NS "' id='s'>"
		       "<reason xmlns='urn:xmpp:jingle:1'><busy/>"
		       "<text>no</text></reason><tie-break/></reject>");
	assert_written(&(struct jmi_message){ .action = JMI_FINISH,
					      .reason = REASON_EXPIRED,
					      .migrated_to = "t",
					      OURS },
		       "<finish xmlns='" JMI_NS "' id='s'>"
		       "<reason xmlns='urn:xmpp:jingle:1'><expired/></reason>"
		       "<migrated to='t'/></finish>");
}

static void a_receipt_names_its_message(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = NULL;

	assert_int_equal(jmi_receipt(&st, "a@b", "c@d/e", "m1"), 0);
	assert_string_equal(
		stanza_attr(stanza_find(st, "received", "urn:xmpp:receipts"),
			    "id"),
		"m1");
	assert_non_null(stanza_attr(st, "id"));
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	const struct jmi_message message = { .action = JMI_FINISH,
					     .reason = REASON_EXPIRED,
					     .reason_text = "text",
					     .migrated_to = "t",
					     OURS };
	struct stanza *st = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, jmi_format(&st, &message))
	st = stanza_free(st);
	FAIL_EACH_ALLOCATION(r, jmi_receipt(&st, "a@b", "c@d", "id"))
	st = stanza_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_propose_of_conversations_is_read),
		cmocka_unit_test(a_propose_of_movim_has_neither_type_nor_id),
		cmocka_unit_test(reasons_and_migration_are_read),
		cmocka_unit_test(what_is_no_jmi_is_told_apart),
		cmocka_unit_test(a_bounce_is_known_by_its_id_alone),
		cmocka_unit_test(each_action_is_written),
		cmocka_unit_test(a_receipt_names_its_message),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
