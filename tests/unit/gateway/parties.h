/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the parties of a call do on a stage (stage.h): alice's client, and the
 * telephone. */
#pragma once

#include "tests/unit/gateway/stage.h"

#define ALICE  "alice@example.org/x"
#define NUMBER "+15550001111@tel.example.org"

static const char content[] =
	"<content creator='initiator' name='0'>"
	"<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
	"<payload-type id='111' name='opus' clockrate='48000' channels='2'/>"
	"<payload-type id='0' name='PCMU' clockrate='8000'/>"
	"<payload-type id='101' name='telephone-event' clockrate='8000'/>"
	"<rtcp-mux/></description>"
	"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
	"ufrag='abcd' pwd='abcdefghijklmnopqrstuv'>"
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' "
	"setup='actpass'>49:66:12:17:0D:1C:91:AE:57:4C:C6:36:DD:D5:97:D2:7D:62:"
	"C9:"
	"9A:7F:B9:A3:F4:70:03:E7:43:91:73:23:5E</fingerprint>"
	"<candidate component='1' foundation='1' generation='0' id='c1' "
	"ip='127.0.0.1' port='9' priority='2122260223' protocol='udp' "
	"type='host'/></transport></content>";

static const char accepted[] =
	"<content creator='initiator' name='0'>"
	"<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
	"<payload-type id='0' name='PCMU' clockrate='8000'/><rtcp-mux/>"
	"</description>"
	"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
	"ufrag='efgh' pwd='abcdefghijklmnopqrstuv'>"
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' "
	"setup='active'>49:66:12:17:0D:1C:91:AE:57:4C:C6:36:DD:D5:97:D2:7D:62:"
	"C9:"
	"9A:7F:B9:A3:F4:70:03:E7:43:91:73:23:5E</fingerprint>"
	"<candidate component='1' foundation='1' generation='0' id='c1' "
	"ip='127.0.0.1' port='9' priority='2122260223' protocol='udp' "
	"type='host'/></transport></content>";

/* A jingle iq of alice's. */
static inline void jingle(const char *to, const char *action, const char *inner)
{
	xml_send("<iq xmlns='jabber:component:accept' type='set' id='%s%u' "
		 "from='" ALICE "' to='%s'>"
		 "<jingle xmlns='urn:xmpp:jingle:1' action='%s' sid='s%u'>%s"
		 "</jingle></iq>",
		 action, st.sid, to, action, st.sid, inner);
}

static inline void jmi(const char *to, const char *action, const char *sid)
{
	xml_send("<message xmlns='jabber:component:accept' type='chat' "
		 "id='m%s%s' from='" ALICE "' to='%s'>"
		 "<%s xmlns='urn:xmpp:jingle-message:0' id='%s'>%s</%s>"
		 "</message>",
		 action, sid, to, action, sid,
		 strcmp(action, "propose")
			 ? ""
			 : "<description xmlns='urn:xmpp:jingle:apps:rtp:1' "
			   "media='audio'/>",
		 action);
}

static inline void begin_session(void)
{
	jingle(NUMBER "/sip", "session-initiate", content);
}

static inline void begin_echo(void)
{
	jingle("echo@tel.example.org/sip", "session-initiate", content);
}

static inline void end_session(void)
{
	jingle(NUMBER "/sip", "session-terminate",
	       "<reason><success/></reason>");
}

static inline void begin_proposal(void)
{
	char sid[16];

	snprintf(sid, sizeof(sid), "s%u", st.sid);
	jmi(NUMBER, "propose", sid);
}

static inline void follow_proposal(void)
{
	if (heard("<proceed"))
		begin_session();
}

static inline void end_proposal(void)
{
	char sid[16];

	snprintf(sid, sizeof(sid), "s%u", st.sid);
	jmi(NUMBER, "retract", sid);
	end_session();
}

static inline void begin_invite(void)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&st.peer.target).s);
	sip_peer_dialog(&st.peer, uri);
	sip_peer_request(&st.peer, "INVITE", "",
			 sip_peer_sdp(40000, "sendrecv"));
}

/* The sid that the gateway proposed. */
static inline bool proposed(char sid[static 64])
{
	const char *at = strstr(st.xml, "<propose");
	const char *id = at ? strstr(at, "id=") : NULL;

	return id && sscanf(id + 4, "%63[^'\"]", sid) == 1;
}

#define CALLER "+15550001111@tel.example.org/sip"

static inline void follow_invite(void)
{
	char sid[64];

	if (heard("session-initiate") || !proposed(sid))
		return;
	jmi(CALLER, "ringing", sid);
	jmi(CALLER, "proceed", sid);
}

/* A jingle iq of the device in the session that the gateway proposed. */
static inline void device_jingle(const char *id, const char *action,
				 const char *inner)
{
	char sid[64];

	if (proposed(sid))
		xml_send("<iq xmlns='jabber:component:accept' type='set' "
			 "id='%s-%s' from='" ALICE "' to='" CALLER "'>"
			 "<jingle xmlns='urn:xmpp:jingle:1' action='%s' "
			 "sid='%s'>%s</jingle></iq>",
			 id, sid, action, sid, inner);
}

/* The device takes it. */
static inline void accept_invite(void)
{
	device_jingle("taken", "session-accept", accepted);
}

static inline void end_invite(void)
{
	char sid[64];

	if (!proposed(sid)) {
		sip_peer_request(&st.peer, "CANCEL", "", NULL);
		return;
	}
	jmi(CALLER, "reject", sid);
	device_jingle("ended", "session-terminate",
		      "<reason><success/></reason>");
	/* last: who cancels may call again, and is waited for */
	sip_peer_request(&st.peer, "CANCEL", "", NULL);
}
