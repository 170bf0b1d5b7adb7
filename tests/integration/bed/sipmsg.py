# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIP messages and SDP, as much as the test's telephone needs (RFC 3261, 4566, 2617)."""

import hashlib
import random
import re
import secrets
from dataclasses import dataclass, field

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
           "c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding"}
STATIC_CODECS = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000), 18: ("G729", 8000), 3: ("GSM", 8000)}


def token(length=10):
    """A random token for tags, branches and Call-IDs."""
    return secrets.token_hex(length // 2)


class Message:
    """A request (method, uri) or a response (status, reason) with ordered headers and a body."""

    def __init__(self, method=None, uri=None, status=None, reason=None):
        self.method, self.uri, self.status, self.reason = method, uri, status, reason
        self.headers = []
        self.body = b""

    def add(self, name, value):
        """Append a header; returns self."""
        self.headers.append((name, str(value)))
        return self

    def all(self, name):
        """Every value of a header."""
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=""):
        """The first value of a header."""
        values = self.all(name)
        return values[0] if values else default

    def replace(self, name, value):
        """Set a header to one value."""
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        return self.add(name, value)

    @property
    def cseq(self):
        """(number, method) of CSeq."""
        number, method = self.get("CSeq", "0 NONE").split()
        return int(number), method

    @property
    def branch(self):
        """The branch of the topmost Via."""
        match = re.search(r"branch=([^;,\s]+)", self.get("Via"))
        return match.group(1) if match else ""

    @property
    def call_id(self):
        """Call-ID."""
        return self.get("Call-ID")

    def first_line(self):
        """Request or status line."""
        return f"{self.method} {self.uri} SIP/2.0" if self.method else f"SIP/2.0 {self.status} {self.reason}"

    def encode(self):
        """The octets on the wire; Content-Length is set here."""
        self.replace("Content-Length", len(self.body))
        head = [self.first_line()] + [f"{n}: {v}" for n, v in self.headers]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + self.body

    def summary(self):
        """One line for the timeline."""
        text = self.first_line()
        if not self.method:
            text += f" ({self.cseq[1]})"
        reason = self.get("Reason")
        if reason:
            text += f" Reason: {reason}"
        if self.body and b"m=audio" in self.body:
            lines = self.body.decode("utf-8", "replace").splitlines()
            text += " SDP " + " ".join(l for l in lines if l.startswith(("m=", "c=", "a=send", "a=recv", "a=inact")))
        return text


def parse(data):
    """The Message in @data; ValueError if it is none."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("no end of header")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8")).split("\r\n")
    status = re.match(r"SIP/2\.0 (\d{3}) ?(.*)", lines[0])
    request = re.match(r"([A-Za-z]+) (\S+) SIP/2\.0$", lines[0])
    if status:
        message = Message(status=int(status.group(1)), reason=status.group(2))
    elif request:
        message = Message(method=request.group(1), uri=request.group(2))
    else:
        raise ValueError(f"not SIP: {lines[0]!r}")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.strip()
        message.add(COMPACT.get(name.lower(), name), value.strip())
    message.body = body
    return message


def frame(buffer):
    """Split one message off a TCP stream: (message octets or None, rest)."""
    buffer = buffer.lstrip(b"\r\n")
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None, buffer
    length = re.search(rb"^(?:Content-Length|l)[ \t]*:[ \t]*(\d+)", buffer[:end], re.I | re.M)
    size = end + 4 + (int(length.group(1)) if length else 0)
    return (buffer[:size], buffer[size:]) if len(buffer) >= size else (None, buffer)


def uri_of(value):
    """The URI inside a From, To, Contact or Route value."""
    match = re.search(r"<([^>]*)>", value)
    return match.group(1) if match else value.split(";")[0].strip()


def tag_of(value):
    """The tag of a From or To value, or None."""
    match = re.search(r";\s*tag=([^;,\s]+)", value.rpartition(">")[2] if ">" in value else value)
    return match.group(1) if match else None


def user_of(uri):
    """The user part of a SIP URI."""
    match = re.match(r"sips?:([^@;?]+)@", uri)
    return match.group(1) if match else ""


def address_of(uri):
    """(host, port, transport) of a SIP URI."""
    match = re.match(r"sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:;>?]+)(?::(\d+))?(.*)", uri)
    transport = re.search(r"transport=(\w+)", match.group(3), re.I)
    return match.group(1).strip("[]"), int(match.group(2) or 5060), transport.group(1).lower() if transport else None


def bracket(host):
    """@host as it stands in a URI."""
    return f"[{host}]" if ":" in host else host


def digest(method, uri, username, password, realm, nonce, qop=None, cnonce="", nc="00000001"):
    """The response of RFC 2617, MD5."""
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    first, second = md5(f"{username}:{realm}:{password}"), md5(f"{method}:{uri}")
    return md5(f"{first}:{nonce}:{nc}:{cnonce}:{qop}:{second}") if qop else md5(f"{first}:{nonce}:{second}")


def credentials_fit(header, method, username, password, nonce):
    """Whether an Authorization header proves the password."""
    fields = dict(re.findall(r'(\w+)=(?:"([^"]*)"|[^,\s]+)', header))
    bare = dict(re.findall(r'(\w+)=([^",\s]+)', header))
    values = {k: v or bare.get(k, "") for k, v in fields.items()}
    if values.get("username") != username or values.get("nonce") != nonce:
        return False
    return values.get("response") == digest(method, values.get("uri", ""), username, password, values.get("realm", ""),
                                            nonce, values.get("qop"), values.get("cnonce", ""), values.get("nc", ""))


@dataclass
class Sdp:
    """An audio session description: where to send, with what."""

    host: str = ""
    port: int = 0
    codecs: list = field(default_factory=list)  # (pt, name, clock)
    direction: str = "sendrecv"
    profile: str = "RTP/AVP"
    ptime: int = 20
    rejected: bool = False

    def find(self, name):
        """(pt, clock) of a codec, or None."""
        for pt, other, clock in self.codecs:
            if other.upper() == name.upper():
                return pt, clock
        return None


def format_sdp(sdp, session, version, extra=()):
    """SDP text of an audio session."""
    family = "IP6" if ":" in sdp.host else "IP4"
    lines = ["v=0", f"o=phone {session} {version} IN {family} {sdp.host}", "s=-", f"c=IN {family} {sdp.host}", "t=0 0",
             f"m=audio {sdp.port} {sdp.profile} {' '.join(str(pt) for pt, _, _ in sdp.codecs)}"]
    for pt, name, clock in sdp.codecs:
        lines.append(f"a=rtpmap:{pt} {name}/{clock}" + ("/2" if name.lower() == "opus" else ""))
        if name == "telephone-event":
            lines.append(f"a=fmtp:{pt} 0-16")
    lines += [f"a=ptime:{sdp.ptime}", f"a={sdp.direction}", *extra]
    return ("\r\n".join(lines) + "\r\n").encode()


def parse_sdp(body):
    """The first audio section of an SDP body, or None."""
    text = body.decode("utf-8", "replace")
    media = re.search(r"^m=audio (\d+)(?:/\d+)? (\S+) ([\d ]+)", text, re.M)
    connection = re.findall(r"^c=IN IP[46] (\S+)", text, re.M)
    if not media or not connection:
        return None
    names = {int(pt): (name, int(clock)) for pt, name, clock in
             re.findall(r"^a=rtpmap:(\d+) ([^/\s]+)/(\d+)", text, re.M)}
    codecs = []
    for pt in map(int, media.group(3).split()):
        name, clock = names.get(pt) or STATIC_CODECS.get(pt, ("?", 8000))
        codecs.append((pt, name, clock))
    direction = re.findall(r"^a=(sendrecv|sendonly|recvonly|inactive)", text, re.M)
    port = int(media.group(1))
    return Sdp(connection[-1].split("/")[0], port, codecs, direction[-1] if direction else "sendrecv",
               media.group(2), rejected=port == 0)


def session_number():
    """A number for an SDP origin line."""
    return random.randrange(1, 1 << 31)
