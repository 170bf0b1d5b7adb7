/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What changes in a running Jingle session: contents, directions, infos. */
#include "tests/unit/xmpp/jingle_rig.h"

static void added_contents_are_refused_as_they_were_written(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "content-add", VIDEO, NULL);
	assert_action(&rig, "content-reject");
	const struct stanza *content =
		stanza_find(last_sent(&rig), "content", NULL);
	assert_string_equal(stanza_attr(content, "name"), "video");
	assert_string_equal(stanza_attr(content, "creator"), "initiator");
	assert_string_equal(
		stanza_attr(stanza_find(content, "description",
					"urn:xmpp:jingle:apps:rtp:1"),
			    "media"),
		"video");
	receive(&rig, "transport-replace",
		CONTENT("audio", "<transport xmlns='urn:xmpp:jingle:transports:"
				 "raw-udp:1'/>"),
		NULL);
	assert_action(&rig, "transport-reject");
	assert_true(jingle_is_up(rig.jingle));
	rig_fini(&rig);
}

static void hold_is_a_direction_of_the_peer(void **state)
{
	(void)state;
	struct rig rig;

	/* senders names roles: the initiator alone is who offers */
	rig_init(&rig, false);
	receive(&rig, "session-initiate",
		"<content creator='initiator' name='audio' "
		"senders='initiator'>" DESCRIPTION("audio")
			TRANSPORT(UFRAG, PWD, FINGERPRINT) "</content>",
		NULL);
	assert_int_equal(rig.desc->contents[0]->dir, MEDIA_SENDONLY);
	receive(&rig, "content-modify", SENDERS("both"), NULL);
	assert_int_equal(rig.dir, MEDIA_SENDRECV);
	rig_fini(&rig);

	/* the peer is the initiator */
	rig_active(&rig);
	receive(&rig, "content-modify", SENDERS("initiator"), NULL);
	assert_int_equal(rig.directions, 1);
	assert_int_equal(rig.dir, MEDIA_SENDONLY);
	receive(&rig, "content-modify", SENDERS("initiator"), NULL);
	assert_int_equal(rig.directions, 1);
	receive(&rig, "content-modify", SENDERS("none"), NULL);
	assert_int_equal(rig.dir, MEDIA_INACTIVE);
	/* Movim sends its whole description */
	receive(&rig, "content-modify", AUDIO VIDEO, NULL);
	assert_int_equal(rig.dir, MEDIA_SENDRECV);
	receive(&rig, "content-modify", VIDEO, NULL);
	assert_int_equal(rig.directions, 3);
	rig_fini(&rig);

	rig_offered(&rig);
	receive(&rig, "session-accept", AUDIO, NULL);
	receive(&rig, "content-modify", SENDERS("responder"), NULL);
	assert_int_equal(rig.dir, MEDIA_SENDONLY);
	rig_fini(&rig);
}

static void without_its_content_the_session_ends(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "content-remove", VIDEO, NULL);
	assert_true(jingle_is_up(rig.jingle));
	receive(&rig, "content-remove", SENDERS("both"), NULL);
	assert_action(&rig, "session-terminate");
	assert_int_equal(rig.ends, 1);
	assert_false(jingle_is_up(rig.jingle));
	rig_fini(&rig);
}

static void infos_are_told_and_unknown_ones_named(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum jingle_info info;
	} infos[] = {
		{ "ringing", JINGLE_INFO_RINGING },
		{ "hold", JINGLE_INFO_HOLD },
		{ "unhold", JINGLE_INFO_UNHOLD },
		{ "active", JINGLE_INFO_UNHOLD },
		{ "mute", JINGLE_INFO_MUTE },
		{ "unmute", JINGLE_INFO_UNMUTE },
	};
	struct rig rig;

	rig_active(&rig);
	for (unsigned i = 0; i < sizeof(infos) / sizeof(*infos); i++) {
		char inside[128];
		snprintf(inside, sizeof(inside),
			 "<%s xmlns='urn:xmpp:jingle:apps:rtp:info:1' "
			 "name='audio'/>",
			 infos[i].name);
		receive(&rig, "session-info", inside, NULL);
		assert_int_equal(rig.infos, i + 1);
		assert_int_equal(rig.info, infos[i].info);
	}
	receive(&rig, "session-info", "", NULL); /* a ping */
	receive(&rig, "session-info",
		"<dance xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>",
		"feature-not-implemented");
	assert_detail(&rig, "unsupported-info");
	assert_int_equal(rig.infos, 6);
	rig_fini(&rig);
}

#define DTMF(attributes) "<dtmf xmlns='urn:xmpp:jingle:dtmf:0' " attributes "/>"

static void digits_are_told(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "session-info", DTMF("code='7'"), NULL);
	assert_int_equal(rig.digit, '7');
	assert_int_equal(rig.duration_ms, 100);
	receive(&rig, "session-info", DTMF("code='#' duration='250'"), NULL);
	assert_int_equal(rig.digit, '#');
	assert_int_equal(rig.duration_ms, 250);
	receive(&rig, "session-info", DTMF("code='E'"),
		"feature-not-implemented");
	receive(&rig, "session-info", DTMF("code='12'"),
		"feature-not-implemented");
	receive(&rig, "session-info", DTMF("code=''"), "bad-request");
	receive(&rig, "session-info", DTMF(""), "bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='0'"),
		"bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='9999999'"),
		"bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='-1'"),
		"bad-request");
	assert_int_equal(rig.digits, 2);
	rig_fini(&rig);
}

static void our_infos_are_written(void **state)
{
	(void)state;
	static const struct {
		enum jingle_info info;
		const char *name;
	} infos[] = {
		{ JINGLE_INFO_RINGING, "ringing" },
		{ JINGLE_INFO_HOLD, "hold" },
		{ JINGLE_INFO_UNHOLD, "active" },
		{ JINGLE_INFO_MUTE, "mute" },
		{ JINGLE_INFO_UNMUTE, "unmute" },
	};
	struct rig rig;

	rig_init(&rig, true);
	assert_int_equal(jingle_info(rig.jingle, JINGLE_INFO_RINGING),
			 JINGLE_E_STATE);
	assert_int_equal(jingle_ping(rig.jingle), JINGLE_E_STATE);
	rig_fini(&rig);
	rig_active(&rig);
	for (unsigned i = 0; i < sizeof(infos) / sizeof(*infos); i++) {
		assert_int_equal(jingle_info(rig.jingle, infos[i].info), 0);
		assert_action(&rig, "session-info");
		assert_non_null(stanza_find(last_sent(&rig), infos[i].name,
					    "urn:xmpp:jingle:apps:rtp:info:1"));
	}
	assert_int_equal(jingle_ping(rig.jingle), 0);
	assert_action(&rig, "session-info");
	assert_null(stanza_first(last_sent(&rig)));
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			added_contents_are_refused_as_they_were_written),
		cmocka_unit_test(hold_is_a_direction_of_the_peer),
		cmocka_unit_test(without_its_content_the_session_ends),
		cmocka_unit_test(infos_are_told_and_unknown_ones_named),
		cmocka_unit_test(digits_are_told),
		cmocka_unit_test(our_infos_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
