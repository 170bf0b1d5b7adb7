# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a WebRTC engine says in SDP survives the way through Jingle. No network."""

from bed import jinglexml, sdp

CHROMIUM_156 = """\
v=0
o=- 1637101573733152453 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 86eb3782-f4f9-4a9a-b822-ed3db95c9810
m=audio 41985 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 10.77.0.11
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3271168553 1 udp 2122194687 10.77.0.11 41985 typ host generation 0 network-id 1
a=candidate:1171345369 1 udp 2122265343 fd77::11 45839 typ host generation 0 network-id 2
a=candidate:3157651633 1 tcp 1518214911 10.77.0.11 9 typ host tcptype active generation 0 network-id 1
a=ice-ufrag:+6cL
a=ice-pwd:4J6aNdOlPtQhlpmU7ZAw/+WM
a=ice-options:trickle
a=fingerprint:sha-256 61:ED:27:5F:27:D0:53:04:BA:50:D9:B9:E3:22:FB:19:20:AD:91:BD:9F:3B:0D:30:3F:F7:8F:E2:16:82:27:BD
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:86eb3782-f4f9-4a9a-b822-ed3db95c9810 1727a390-efc5-478a-9a1e-641e5deadc6f
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1991983453 cname:hKWFHvcY+5mUiNCq
a=ssrc:1991983453 msid:86eb3782-f4f9-4a9a-b822-ed3db95c9810 1727a390-efc5-478a-9a1e-641e5deadc6f
"""
CARRIED = ("candidate:3271168553", "candidate:1171345369", "extmap:1", "extmap:4", "fingerprint", "fmtp", "group", "ice-pwd",
           "ice-ufrag", "mid:", "rtcp-fb", "rtcp-mux", "rtpmap", "sendrecv", "setup")


def carried(text):
    """Those lines that an answer or offer through Jingle has to have, without what SDP alone knows of candidates."""
    lines = [line[2:].split(" generation")[0] for line in text.replace("\r\n", "\n").splitlines() if line.startswith("a=")]
    return sorted(line for line in lines if line.startswith(CARRIED))


def test_an_offer_of_chromium_becomes_a_content():
    content = sdp.parse(CHROMIUM_156)
    assert [p.name for p in content.payloads] == ["opus", "red", "G722", "PCMU", "PCMA", "CN", "telephone-event",
                                                  "telephone-event"]
    assert content.payloads[0].parameters == (("minptime", "10"), ("useinbandfec", "1"))
    assert content.payloads[0].feedback == (("transport-cc", None),)
    assert content.payloads[1].parameters == ((None, "111/111"),)
    assert content.sources[0][0] == 1991983453 and content.sources[0][1]["cname"] == "hKWFHvcY+5mUiNCq"
    assert [c.transport for c in content.candidates] == ["udp", "udp", "tcp"]


def test_nothing_is_lost_on_the_way_through_xml():
    eyes = jinglexml.Strict()
    found = eyes.content(jinglexml.content_element(sdp.parse(CHROMIUM_156)), answer=False)
    found.candidates = sdp.parse(CHROMIUM_156).candidates  # XML numbers them anew
    assert carried(sdp.write(found, group=True)) == carried(CHROMIUM_156)


def test_each_direction_is_written_as_it_was_read():
    for direction in sdp.DIRECTIONS:
        text = CHROMIUM_156.replace("a=sendrecv", f"a={direction}")
        assert f"a={direction}\r\n" in sdp.write(sdp.parse(text), group=False)
