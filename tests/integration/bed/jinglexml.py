# SPDX-License-Identifier: AGPL-3.0-or-later
"""Jingle audio contents as XML (XEP-0166, 0167, 0176, 0293, 0294, 0320, 0338, 0339), and the strict eyes of real clients."""

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import aioice

JINGLE, RTP = "urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:rtp:1"
RTP_INFO = "urn:xmpp:jingle:apps:rtp:info:1"
ICE = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
GROUPING = "urn:xmpp:jingle:apps:grouping:0"
HEADERS = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
FEEDBACK = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
SOURCES = "urn:xmpp:jingle:apps:rtp:ssma:0"
JMI = "urn:xmpp:jingle-message:0"
DTMF = "urn:xmpp:jingle:dtmf:0"
HINTS, RECEIPTS = "urn:xmpp:hints", "urn:xmpp:receipts"
FEATURES = (JINGLE, RTP, "urn:xmpp:jingle:apps:rtp:audio", ICE, DTLS, JMI, GROUPING)
NAME_LIMIT = 16
CANDIDATE_ATTRIBUTES = ("component", "foundation", "generation", "id", "ip", "network", "port", "priority", "protocol", "type")


@dataclass(frozen=True)
class Payload:
    """A payload type of a description."""

    pt: int
    name: str
    clock: int
    channels: int = 1
    parameters: tuple = ()  # of (name, value), the name None for a value alone
    feedback: tuple = ()  # of (type, subtype or None)


OPUS = Payload(111, "opus", 48000, 2, (("minptime", "10"), ("useinbandfec", "1")))
G722, PCMU, PCMA = Payload(9, "G722", 8000), Payload(0, "PCMU", 8000), Payload(8, "PCMA", 8000)
EVENTS_48K, EVENTS_8K = Payload(110, "telephone-event", 48000), Payload(126, "telephone-event", 8000)


@dataclass
class Content:
    """One audio content with its transport."""

    name: str = "0"
    creator: str = "initiator"
    senders: str = "both"
    payloads: list = field(default_factory=list)
    rtcp_mux: bool = True
    ufrag: str = ""
    pwd: str = ""
    candidates: list = field(default_factory=list)  # aioice.Candidate
    fingerprint: str = ""
    setup: str = ""
    encryption: bool = False  # offer SDES too, as Dino does
    extensions: list = field(default_factory=list)  # of RTP headers: (id, URI)
    sources: list = field(default_factory=list)  # (SSRC, {attribute: value})


def element(namespace, name, parent=None, /, **attributes):
    """An element, appended to @parent where given; attribute names may use _ for -."""
    attributes = {k.rstrip("_").replace("_", "-"): str(v) for k, v in attributes.items() if v is not None}
    tag = f"{{{namespace}}}{name}"
    return ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)


def candidate_element(candidate, number, parent=None):
    """<candidate/> of an aioice.Candidate."""
    return element(ICE, "candidate", parent, component=candidate.component, foundation=number + 1, generation=0,
                   id=f"c{number}{candidate.foundation[:6]}", ip=candidate.host, network=0, port=candidate.port,
                   priority=candidate.priority, protocol=candidate.transport, type=candidate.type,
                   rel_addr=candidate.related_address, rel_port=candidate.related_port, tcptype=candidate.tcptype)


def transport_element(content, parent=None, with_fingerprint=True):
    """<transport/> with credentials, fingerprint and candidates."""
    transport = element(ICE, "transport", parent, ufrag=content.ufrag, pwd=content.pwd)
    if with_fingerprint and content.fingerprint:
        element(DTLS, "fingerprint", transport, hash="sha-256", setup=content.setup).text = content.fingerprint
    for number, candidate in enumerate(content.candidates):
        candidate_element(candidate, number, transport)
    return transport


def content_element(content, parent=None, description=True):
    """<content/>; without @description as transport-info has it."""
    out = element(JINGLE, "content", parent, creator=content.creator, name=content.name,
                  senders=content.senders if description else None)
    if description:
        rtp = element(RTP, "description", out, media="audio")
        for payload in content.payloads:
            kind = element(RTP, "payload-type", rtp, id=payload.pt, name=payload.name, clockrate=payload.clock,
                           channels=payload.channels if payload.channels > 1 else None)
            for name, value in payload.parameters:
                element(RTP, "parameter", kind, name=name, value=value)
            for type_, subtype in payload.feedback:
                element(FEEDBACK, "rtcp-fb", kind, type=type_, subtype=subtype)
        for number, uri in content.extensions:
            element(HEADERS, "rtp-hdrext", rtp, id=number, uri=uri)
        for ssrc, attributes in content.sources:
            source = element(SOURCES, "source", rtp, ssrc=ssrc)
            for name, value in attributes.items():
                element(SOURCES, "parameter", source, name=name, value=value)
        if content.encryption:
            box = element(RTP, "encryption", rtp)
            element(RTP, "crypto", box, tag=1, crypto_suite="AES_CM_128_HMAC_SHA1_80",
                    key_params="inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz")
        if content.rtcp_mux:
            element(RTP, "rtcp-mux", rtp)
    transport_element(content, out, description)
    return out


def jingle_element(action, sid, contents=(), group=False, **attributes):
    """<jingle/> with contents."""
    out = element(JINGLE, "jingle", action=action, sid=sid, **attributes)
    for content in contents:
        out.append(content)
    if group:
        box = element(GROUPING, "group", out, semantics="BUNDLE")
        for content in contents:
            element(GROUPING, "content", box, name=content.get("name"))
    return out


def initiate_element(sid):
    """A session-initiate that could be answered."""
    content = Content(payloads=[PCMU], ufrag="abcdefgh", pwd="abcdefghijklmnopqrstuv", setup="actpass", fingerprint=":".join(["AA"] * 32))
    return jingle_element("session-initiate", sid, [content_element(content)], group=True)


def reason_element(condition, namespace=JINGLE, text=None, parent=None):
    """<reason/> with one condition."""
    out = element(namespace if parent is None else JINGLE, "reason", parent)
    element(JINGLE, condition, out)
    if text:
        element(JINGLE, "text", out).text = text
    return out


def local(tag):
    """The name of a tag without its namespace."""
    return tag.rpartition("}")[2]


def reason_of(parent):
    """(condition, text) of the <reason/> below @parent; (None, None) without one."""
    for child in parent:
        if local(child.tag) == "reason":
            names = [local(c.tag) for c in child if local(c.tag) != "text"]
            return (names[0] if names else None), child.findtext(f"{{{JINGLE}}}text")
    return None, None


def error_of(answer):
    """The condition of an error iq or message."""
    return next((local(child.tag) for box in answer if local(box.tag) == "error" for child in box if local(child.tag) != "text"), None)


class Strict:
    """Parses the gateway's Jingle as the most fastidious of the real clients do, and lists what one of them would refuse."""

    def __init__(self):
        self.violations = []

    def need(self, condition, text):
        """Note @text as a violation unless @condition."""
        if not condition:
            self.violations.append(text)

    def candidate(self, xml):
        """An aioice.Candidate of <candidate/>, or None."""
        missing = [name for name in CANDIDATE_ATTRIBUTES if xml.get(name) is None]
        self.need(not missing, f"candidate without {missing}")
        self.need((xml.get("foundation") or "").isdigit(), f"candidate foundation {xml.get('foundation')!r} is no integer")
        self.need(xml.get("protocol") == "udp", f"candidate protocol {xml.get('protocol')!r}")
        self.need(xml.get("type") in ("host", "srflx", "prflx", "relay"), f"candidate type {xml.get('type')!r}")
        try:
            return aioice.Candidate(xml.get("foundation"), int(xml.get("component")), "udp", int(xml.get("priority")),
                                    xml.get("ip"), int(xml.get("port")), xml.get("type"), xml.get("rel-addr"),
                                    int(xml.get("rel-port")) if xml.get("rel-port") else None,
                                    generation=int(xml.get("generation") or 0))
        except (TypeError, ValueError) as error:
            self.violations.append(f"candidate: {error}")
            return None

    def transport(self, xml, content, fingerprint):
        """Read <transport/> into @content; @fingerprint says whether one is due."""
        content.ufrag, content.pwd = xml.get("ufrag", ""), xml.get("pwd", "")
        self.need(len(content.ufrag) >= 4 and len(content.pwd) >= 22, "ufrag or pwd missing or too short (RFC 8445 5.3)")
        content.candidates = [c for c in (self.candidate(x) for x in xml.findall(f"{{{ICE}}}candidate")) if c]
        prints = xml.findall(f"{{{DTLS}}}fingerprint")
        if fingerprint:
            self.need(prints, "no DTLS fingerprint")
        for found in prints:
            self.need(found.get("hash") == "sha-256", f"fingerprint hash {found.get('hash')!r}")
            self.need(re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", (found.text or "").strip(), re.I), "fingerprint is no hex")
            content.fingerprint, content.setup = (found.text or "").strip(), found.get("setup") or ""

    def payload(self, xml):
        """A Payload of <payload-type/>."""
        self.need(xml.get("name") and xml.get("clockrate"), f"payload type {xml.get('id')} without name or clockrate")
        parameters = tuple((p.get("name"), p.get("value")) for p in xml.findall(f"{{{RTP}}}parameter"))
        self.need(all(name and value for name, value in parameters), "parameter without name or value")
        feedback = tuple((f.get("type"), f.get("subtype")) for f in xml.findall(f"{{{FEEDBACK}}}rtcp-fb"))
        return Payload(int(xml.get("id")), xml.get("name", ""), int(xml.get("clockrate") or 0), int(xml.get("channels") or 1),
                       parameters, feedback)

    def content(self, xml, answer):
        """A Content of <content/> in a session-initiate or (@answer) session-accept."""
        out = Content(xml.get("name", ""), xml.get("creator", ""), xml.get("senders", "both"))
        self.need(out.creator == "initiator", f"content creator {out.creator!r}")
        self.need(0 < len(out.name) <= NAME_LIMIT and " " not in out.name, f"content name {out.name!r}")
        self.need(out.senders == "both", f"content senders {out.senders!r}")
        description, transport = xml.find(f"{{{RTP}}}description"), xml.find(f"{{{ICE}}}transport")
        self.need(description is not None and transport is not None, "content without description or transport")
        if description is None or transport is None:
            return out
        self.need(description.get("media") == "audio", f"media {description.get('media')!r}")
        self.need(description.find(f"{{{RTP}}}encryption") is None, "SDES beside DTLS")
        out.rtcp_mux = description.find(f"{{{RTP}}}rtcp-mux") is not None
        for kind in description.findall(f"{{{RTP}}}payload-type"):
            out.payloads.append(self.payload(kind))
        out.extensions = [(int(x.get("id")), x.get("uri")) for x in description.findall(f"{{{HEADERS}}}rtp-hdrext")]
        self.need(out.payloads and out.payloads[0].name != "telephone-event", "the first payload type is no codec")
        self.transport(transport, out, True)
        self.need(out.setup in (("active", "passive") if answer else ("actpass",)), f"setup {out.setup!r}")
        return out
