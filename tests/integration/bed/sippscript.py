# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIPp scenarios from a list of steps: SIPp plays them, its headers and its judgement are its own. One step is a line here and some
twenty in its XML.

    script = Script("hold", calls=True)         SIPp calls; else it is called
    script.invite(sdp("sendrecv")).take(100, optional=True).take(180, optional=True).take(200).ack()
    script.request("BYE").take(200)
"""

from xml.sax.saxutils import quoteattr

ADDRESS = "[local_ip]:[local_port]"
CALLER = "+15550003333"


def sdp(direction="sendrecv", *, version=1, address="[media_ip]", port="[media_port]", profile="RTP/AVP", lines=()):
    """A description of PCMU."""
    attributes = "".join(f"a={line}\n" for line in (*lines, direction) if line)
    return (f"v=0\no=sipp 1 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 {address}\nt=0 0\n"
            f"m=audio {port} {profile} 0\na=rtpmap:0 PCMU/8000\n{attributes}")


class Script:
    """The steps, in their order. Each function returns the script."""

    def __init__(self, name, *, calls=True):
        self.name, self.calls = name, calls
        self.elements, self.variables, self.cseq, self.invited = [], 0, 0, 0
        self.called = "[service]"

    # SIPp asks

    def invite(self, body=None, *, headers=(), service="[service]", to="[service]"):
        """An INVITE: the first of the call, to the Request-URI @service and the To of @to, or one inside of it."""
        first = not self.cseq
        self.called = to if first else self.called
        self.cseq += 1
        self.invited = len(self.elements)
        return self._request("INVITE", self.cseq, "[branch]", body, headers, f"sip:{service}@[remote_ip]:[remote_port]" if first else None)

    def ack(self, body=None, *, refused=False):
        """The ACK of the last INVITE; of a refusal in its branch."""
        branch = f"[branch-{len(self.elements) - self.invited}]" if refused else "[branch]"
        return self._request("ACK", self.cseq, branch, body, (), "sip:[service]@[remote_ip]:[remote_port]" if refused else None)

    def cancel(self):
        """The CANCEL of the INVITE."""
        return self._request("CANCEL", self.cseq, f"[branch-{len(self.elements) - self.invited}]", None, (),
                             "sip:[service]@[remote_ip]:[remote_port]", tagged=False)

    def request(self, method, body=None, *, headers=(), kind="application/sdp"):
        """Any other request inside the call."""
        self.cseq += 1
        return self._request(method, self.cseq, "[branch]", body, headers, None, kind=kind)

    def _request(self, method, cseq, branch, body, headers, uri, *, tagged=True, kind="application/sdp"):
        mine, theirs = f"<sip:{CALLER}@[local_ip]>;tag=[pid]sipp[call_number]", f"<sip:{self.called}@[remote_ip]>"
        tag = "[peer_tag_param]" if tagged and (uri is None or method == "ACK") else ""
        routes = ["[routes]"] if uri is None else []
        lines = [f"{method} {uri or '[next_url]'} SIP/2.0", f"Via: SIP/2.0/[transport] {ADDRESS};branch={branch};rport", *routes,
                 f"From: {mine}", f"To: {theirs}{tag}", "Call-ID: [call_id]", f"CSeq: {cseq} {method}",
                 f"Contact: <sip:sipp@{ADDRESS};transport=[transport]>", "Max-Forwards: 70", *headers]
        return self._send(lines, body, kind, retransmits=method != "ACK")

    def take(self, status, *, optional=False, like=None, unlike=None):
        """Wait for a response; its text has to match the POSIX expression @like, and must not match @unlike."""
        keeps = ' rrs="true"' if status == 200 else ""
        return self._wait(f'response="{status}"{keeps}{" optional=" + chr(34) + "true" + chr(34) if optional else ""}', like, unlike)

    # SIPp is asked

    def hear(self, method, *, like=None, unlike=None, note=None):
        """Wait for a request; @note is for Sipp.noted()."""
        return self._wait(f'request="{method}"{" rrs=" + chr(34) + "true" + chr(34) if method == "INVITE" else ""}', like, unlike, note)

    def answer(self, status, phrase, body=None, *, headers=(), tag="1", contact=f"Contact: <sip:{ADDRESS};transport=[transport]>"):
        """Respond to what was heard last; with the tag of one of several telephones when the request has none."""
        lines = [f"SIP/2.0 {status} {phrase}", "[last_Via:]", "[last_From:]", f"[last_To:]{f';tag=[pid]sipp[call_number]t{tag}' if tag else ''}",
                 "[last_Call-ID:]", "[last_CSeq:]", "[last_Record-Route:]", *filter(None, [contact]), *headers]
        return self._send(lines, body, "application/sdp", retransmits=False)

    def beside(self, method):
        """Calls that are a @method alone get 200, and the steps are for the others; to be said last."""
        steps, self.elements = self.elements, []
        other = self.answer(200, "OK", tag="1").elements
        steps[-1] = steps[-1].replace("<send", '<send next="2"', 1)
        self.elements = [f'  <recv request="{method}" optional="true" next="1"/>', *steps, '  <label id="1"/>', *other, '  <label id="2"/>']
        return self

    def pause(self, ms):
        """Nothing for so long."""
        self.elements.append(f'  <pause milliseconds="{ms}"/>')
        return self

    # XML

    def _send(self, lines, body, kind, *, retransmits):
        head = [*lines, *([f"Content-Type: {kind}"] if body else []), "Content-Length: [len]" if body else "Content-Length: 0", "", body or ""]
        text = "\n".join("      " + line for part in head for line in part.split("\n"))
        self.elements.append(f'  <send{" retrans=" + chr(34) + "500" + chr(34) if retransmits else ""}>\n    <![CDATA[\n{text}\n    ]]>\n  </send>')
        return self

    def _wait(self, what, like, unlike, note=None):
        checks = [f"      <log message={quoteattr(note)}/>"] if note else []
        for expression, way in ((like, "check_it"), (unlike, "check_it_inverse")):
            if expression:
                self.variables += 1
                checks.append(f'      <ereg regexp={quoteattr(expression)} search_in="msg" {way}="true" assign_to="v{self.variables}"/>')
        if checks:
            body = "\n".join(checks)
            self.elements.append(f"  <recv {what}>\n    <action>\n{body}\n    </action>\n  </recv>")
        else:
            self.elements.append(f"  <recv {what}/>")
        return self

    def write(self, path):
        """The scenario as a file."""
        names = ",".join(f"v{n + 1}" for n in range(self.variables))
        with open(path, "w", encoding="ascii") as file:
            file.write('<?xml version="1.0" encoding="ISO-8859-1" ?>\n' + f'<scenario name="{self.name}">\n' + "\n".join(self.elements) +
                       (f'\n  <Reference variables="{names}"/>' if names else "") + "\n</scenario>\n")
