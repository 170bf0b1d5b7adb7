/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What peers write about contents and codecs, and how it is read. */
#include "tests/unit/xmpp/jingle_desc_rig.h"

static void senders_are_roles_and_directions_the_writers(void **state)
{
	(void)state;
	static const struct {
		const char *senders;
		bool initiator;
		enum media_dir dir;
	} cases[] = {
		{ "senders='both'", true, MEDIA_SENDRECV },
		{ "senders='none'", true, MEDIA_INACTIVE },
		{ "senders='initiator'", true, MEDIA_SENDONLY },
		{ "senders='initiator'", false, MEDIA_RECVONLY },
		{ "senders='responder'", true, MEDIA_RECVONLY },
		{ "senders='responder'", false, MEDIA_SENDONLY },
		{ "", false, MEDIA_SENDRECV },
		{ "senders='x'", true, MEDIA_SENDRECV },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[256];
		snprintf(xml, sizeof(xml), JINGLE("<content name='a' %s/>"),
			 cases[i].senders);
		AUTO(media_desc_freep) struct media_desc *desc = NULL;
		assert_int_equal(parse(&desc, xml, cases[i].initiator), 0);
		assert_int_equal(desc->contents[0]->dir, cases[i].dir);
	}
}

static void payload_types_are_completed_or_left_out(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(CONTENT(
		"name='a'",
		DESCRIPTION(
			PCMU PCMU
			"<payload-type id='96' name='x'/>"
			"<payload-type id='97'/>"
			"<payload-type id='128' name='x' clockrate='8000'/>"
			"<payload-type name='x' clockrate='8000'/>"
			"<payload-type id='98' name='a b' clockrate='8000'/>"
			"<payload-type id='99' name='x' clockrate='-1'/>"
			"<payload-type id='100' name='x' clockrate='8000' "
			"channels='x'/>"
			"<payload-type id='101' name='opus' clockrate='48000' "
			"channels='2' ptime='20' maxptime='60'/>"))));
	const struct media_content *content = desc->contents[0];

	assert_int_equal(content->ncodecs, 2);
	assert_string_equal(content->codecs[0].name, "PCMU");
	assert_int_equal(content->codecs[0].clockrate, 8000);
	assert_string_equal(content->codecs[1].name, "opus");
	assert_int_equal(content->ptime_ms, 20);
	assert_int_equal(content->maxptime_ms, 60);
}

static void parameters_come_in_three_forms(void **state)
{
	(void)state;
	static const struct {
		const char *parameters, *fmtp;
	} cases[] = {
		{ "<parameter name='a' value='1'/><parameter name='b' "
		  "value='2'/>",
		  "a=1;b=2" },
		{ "<parameter value='0-16'/>", "0-16" },
		{ "<parameter name='' value='0-16'/>", "0-16" },
		{ "<parameter name='0-16' value=''/>", "0-16" }, /* Siskin */
		{ "<parameter value='0-15'/>", "" },
		{ "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' "
		  "type='nack'/>",
		  "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[1024];
		snprintf(xml, sizeof(xml),
			 JINGLE(CONTENT("name='a'",
					DESCRIPTION("<payload-type id='126' "
						    "name='telephone-event' "
						    "clockrate='8000'>%s"
						    "</payload-type>"))),
			 cases[i].parameters);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->contents[0]->ncodecs, 1);
		assert_string_equal(desc->contents[0]->codecs[0].fmtp,
				    cases[i].fmtp);
	}
}

/* … or are too long. */
static void parameters_that_could_end_a_line_are_left_out(void **state)
{
	(void)state;
	static const char longer[] = HEX_16 HEX_16 HEX_16 HEX_16;
	static const char *const bad[] = { "a&#13;&#10;m=", "\xc3\xa9", "a;b=c",
					   longer };
	assert_true(sizeof(longer) > MEDIA_FMTP_CAP);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char xml[1024];
		snprintf(xml, sizeof(xml),
			 JINGLE(CONTENT("name='a'",
					DESCRIPTION("<payload-type id='0'>"
						    "<parameter name='b' "
						    "value='1'/>"
						    "<parameter name='a' "
						    "value='%s'/>"
						    "<parameter name='c' "
						    "value='2'/>"
						    "</payload-type>"))),
			 bad[i]);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->contents[0]->ncodecs, 1);
		assert_string_equal(desc->contents[0]->codecs[0].fmtp,
				    "b=1;c=2");
	}
}

static void what_is_no_call_of_ours_shows(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(
		CONTENT("name='file'",
			"<description xmlns='urn:xmpp:jingle:apps:file-"
			"transfer:5'/>"
			"<transport xmlns='urn:xmpp:jingle:transports:ibb:1'/>")
			CONTENT("name='text'",
				"<description xmlns='" JINGLE_NS_RTP
				"' media='text'/>")));

	assert_int_equal(desc->contents[0]->kind, MEDIA_OTHER);
	assert_string_equal(desc->contents[0]->ufrag, "");
	assert_int_equal(desc->contents[1]->kind, MEDIA_OTHER);
	assert_null(media_desc_first(desc, MEDIA_AUDIO));
}

static void bad_contents_are_a_bad_request(void **state)
{
	(void)state;
	static const char *const bad[] = {
		JINGLE(""),
		JINGLE("<content/>"),
		JINGLE("<content name=''/>"),
		JINGLE("<content name='a'/><content name='a'/>"),
		JINGLE("<content name='" HEX_16 "0123456789ABCDEFGH'/>"),
		JINGLE(CONTENT("name='a'", TRANSPORT("ufrag='a b'", ""))),
		JINGLE(CONTENT("name='a'", TRANSPORT("pwd='a&#10;'", ""))),
		JINGLE("<content xmlns='urn:x' name='a'/>"),
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct media_desc *desc = NULL;
		assert_int_equal(parse(&desc, bad[i], true),
				 JINGLE_DESC_E_SYNTAX);
		assert_null(desc);
	}
}

/* Browsers have had such names. */
static void a_name_may_be_a_guid(void **state)
{
	(void)state;
	static const char guid[] = "{6c0a2f5e-0c0d-4b1e-9a67-6c0f5a1d2b3c}";
	char xml[256];

	snprintf(xml, sizeof(xml), JINGLE("<content name='%s'/>"), guid);
	AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
	assert_string_equal(desc->contents[0]->mid, guid);
}

static struct stanza *many_contents(int n)
{
	struct stanza *jingle = NULL;

	assert_int_equal(stanza_new(&jingle, "jingle", JINGLE_NS), 0);
	for (int i = 0; i < n; i++) {
		struct stanza *content = stanza_child(jingle, "content", NULL);
		stanza_setf(content, "name", "%d", i);
		struct stanza *description =
			stanza_child(content, "description", JINGLE_NS_RTP);
		stanza_set(description, "media", "audio");
	}
	assert_true(stanza_ok(jingle));
	return jingle;
}

static void contents_have_limits(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *most = many_contents(MEDIA_MAX_CONTENTS);
	AUTO(stanza_freep)
	struct stanza *more = many_contents(MEDIA_MAX_CONTENTS + 1);
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_desc *none = NULL;

	assert_int_equal(jingle_desc_parse(&desc, most, true), 0);
	assert_int_equal(desc->contents[MEDIA_USED_CONTENTS - 1]->kind,
			 MEDIA_AUDIO);
	assert_int_equal(desc->contents[MEDIA_USED_CONTENTS]->kind,
			 MEDIA_OTHER);
	assert_int_equal(jingle_desc_parse(&none, more, true),
			 JINGLE_DESC_E_CONTENT);
}

static void a_group_counts_when_it_is_of_all(void **state)
{
	(void)state;
	static const struct {
		const char *group;
		bool bundle;
	} cases[] = {
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='BUNDLE'><content name='b'/><content "
		  "name='a'/></group>",
		  true },
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='BUNDLE'><content name='b'/></group>",
		  false },
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='LS'><content name='b'/><content "
		  "name='a'/></group>",
		  false },
		/* lips are synchronous as well */
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='LS'><content name='a'/></group>"
		  "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='BUNDLE'><content name='b'/><content "
		  "name='a'/></group>",
		  true },
		{ "<group xmlns='" JINGLE_NS_GROUPING "'/>", false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[512];
		snprintf(xml, sizeof(xml),
			 JINGLE("<content name='a'/><content name='b'/>%s"),
			 cases[i].group);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->bundle, cases[i].bundle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders_are_roles_and_directions_the_writers),
		cmocka_unit_test(payload_types_are_completed_or_left_out),
		cmocka_unit_test(parameters_come_in_three_forms),
		cmocka_unit_test(parameters_that_could_end_a_line_are_left_out),
		cmocka_unit_test(what_is_no_call_of_ours_shows),
		cmocka_unit_test(bad_contents_are_a_bad_request),
		cmocka_unit_test(a_name_may_be_a_guid),
		cmocka_unit_test(contents_have_limits),
		cmocka_unit_test(a_group_counts_when_it_is_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
