# SPDX-License-Identifier: AGPL-3.0-or-later
"""The messages of RFC 4475 at the trunk's door: what is valid is served, what is not gets the answer of its class.

    carrier pstn 10.77.0.2 (raw sockets)  --  Tandem gw 10.77.0.1. The numbers called are nobody's: a good INVITE gets 404.
"""

import asyncio

import pytest

from bed import sipmsg
from bed.scene import CARRIER, GATEWAY

SILENCE = (None,)
SDP = ("v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
       "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n")
USUAL = {
    "Via": "SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@", "Max-Forwards": "70", "From": "<sip:caller@example.net>;tag=@ID@",
    "To": "<sip:user@example.com>", "Call-ID": "@ID@@example.net", "CSeq": "1 @METHOD@", "Contact": "<sip:caller@@HERE@>",
}


def message(method, uri="sip:user@example.com", body="", length=None, version="SIP/2.0", extra=(), **headers):
    """A request of the usual headers, each of which @headers may replace or (None) leave out."""
    fields = {**USUAL, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        fields.setdefault("Content-Type", "application/sdp")
    lines = [f"{method} {uri} {version}"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [*extra, f"Content-Length: {len(body) if length is None else length}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).replace("@METHOD@", method)


WSINV = (
    "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   unknown    = x\r\n"
    "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n"
    "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.@ID@@192.0.2.1\r\nContent-Length   : @LENGTH@\r\ncseq: 0009\r\n  INVITE\r\n"
    "Via  : SIP  /   2.0\r\n /UDP\r\n    @HERE@;branch=390skdjuw@ID@\r\ns :\r\n"
    "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
    "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\nRoute:\r\n"
    " <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
    " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
    "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\n"
    + SDP).replace("@LENGTH@", str(len(SDP)))
INTMETH = (
    "!interesting-Method0123456789_*+`.%indeed'~ "
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP @HERE@;branch=z9hG4bK-.!%66*_+`'~@ID@\r\n"
    "To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
    "\"\u0440\u0430\u0431\u043e\u0442\u0430\u044e\u0449\u0438\u0439\";tag=_token~1'+`*%!-.\r\n"
    "Call-ID: intmeth.@ID@.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
    "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\nMax-Forwards: 255\r\n"
    "extensionHeader-!.%*+_`'~:\ufeff\u5927\u505c\u96fb\r\nContent-Length: 0\r\n\r\n")

# name: (what is sent, which answers are right)
MESSAGES = {
    "wsinv, a short tortuous INVITE": (WSINV, (404,)),
    "intmeth, wide range of valid characters": (INTMETH, (501, 400, None)),  # sofia's parser ends at the NUL
    "esc01, valid use of the % escaping mechanism": (message(
        "INVITE", "sip:sips%3Auser%40example.com@example.net", To="sip:%75se%72@example.com",
        From="<sip:I%20have%20spaces@example.net>;tag=@ID@", Contact="<sip:cal%6Cer@@HERE@;%6C%72;n%61me=v%61lue%25%34%31>",
        body=SDP), (404,)),
    "escnull, escaped nulls in URIs": (message("REGISTER", "sip:example.com", To="sip:null-%00-null@example.com",
        From="sip:null-%00-null@example.com;tag=@ID@", Contact="<sip:%00@host5.example.com>"), (405,)),
    "esc02, use of % when it is not an escape": (message("RE%47IST%45R", "sip:registrar.example.com",
        To="\"%Z%45\" <sip:resource@example.com>", From="\"%Z%45\" <sip:resource@example.com>;tag=@ID@"), (501,)),
    "lwsdisp, no blank before <": (message("OPTIONS", From="caller<sip:caller@example.com>;tag=@ID@"), (200,)),
    "longreq, long values": (message("INVITE", body=SDP, To="\"I have a user name of " + "extreme " * 20 + "proportion\"<sip:user@example.com:6000;"
        "unknownparam1=very" + "long" * 20 + "value;shortparam=v>", From="sip:" + "amazinglylongcallername" * 5 + "@example.net;tag=12" +
        "982424" * 20 + ";unknownheaderparamname" + "long" * 30 + "=v", Call_ID="longreq.one" + "really" * 20 + "longcallid@ID@",
        extra=["Via: SIP/2.0/TCP sip33.example.com"] * 20 + ["Unknown-" + "Long" * 20 + "-Name: unknown" + "-long" * 50 + "-value"]), (404,)),
    "semiuri, semicolons in the user part": (message("OPTIONS", "sip:user;par=u%40example.net@example.com",
        To="sip:j_user@example.com"), (200,)),
    "transports, unknown transports below the first Via": (message("OPTIONS", extra=[
        "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKkdjuw", "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bKkdjuw",
        "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKkdjuw"]), (200,)),
    "mpart01, a multipart MESSAGE": (message("MESSAGE", "sip:kumiko@example.org", "--7a9cbec0\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
        "--7a9cbec0--", Content_Type="multipart/mixed;boundary=7a9cbec0"), (405,)),
    "badinv01, extraneous separators": (message("INVITE", Contact="\"Joe\" <sip:joe@example.org>;;;;", extra=[
        "Via: SIP/2.0/UDP 192.0.2.15;;,;,,"], body=SDP), (400, 404)),
    "clerr, Content-Length larger than the message": (message("INVITE", body=SDP, length=9999), (400,)),
    "ncl, negative Content-Length": (message("INVITE", body=SDP, length=-999), (400,)),
    "scalar02, overlarge scalars": (message("REGISTER", "sip:example.com", CSeq="36893488147419103232 REGISTER", Max_Forwards="300",
        Expires="10000000000000000000000000000000", Contact="<sip:user@host129.example.com>;expires=280297596632815"), (400, 405)),
    "quotbal, an unterminated quoted string": (message("INVITE", To="\"Mr. J. User <sip:j.user@example.com>", body=SDP), (400,)),
    "ltgtruri, <> around the Request-URI": (message("INVITE", "<sip:user@example.com>", body=SDP), (400,)),
    "lwsruri, blanks in the Request-URI": (message("INVITE", "sip:user@example.com; lr", body=SDP), (400, 505, None)),
    "lwsstart, more blanks in the first line": ("INVITE  sip:user@example.com  SIP/2.0" + message("INVITE", body=SDP)[36:], (400, 404)),
    "trws, blanks at the end of the first line": (message("OPTIONS", version="SIP/2.0  "), (200, 400)),
    "escruri, escaped headers in the Request-URI": (message("INVITE", "sip:user@example.com?Route=%3Csip:example.com%3E", body=SDP), (400, 404)),
    "baddate, a date in another zone": (message("INVITE", Date="Fri, 01 Jan 2010 16:00:00 EST", body=SDP), (400, 404)),
    "regbadct, unbracketed Contact with headers": (message("REGISTER", "sip:example.com",
        Contact="sip:user@example.com?Route=%3Csip:sip.example.com%3E"), (400, 405)),
    "badaspec, blanks within <>": (message("OPTIONS", To="\"Watson, Thomas\" < sip:t.watson@example.org >"), (200, 400)),
    "baddn, a name that needs quotes": (message("OPTIONS", From="Bell, Alexander <sip:a.g.bell@example.com>;tag=@ID@"), (200, 400)),
    "badvers, another version": (message("OPTIONS", "sip:t.watson@example.org", version="SIP/7.0",
        Via="SIP/7.0/UDP @HERE@;branch=z9hG4bK@ID@"), (400, 505, None)),
    "badvers, another version in the first line alone": (message("OPTIONS", version="SIP/7.0"), (505,)),
    "mismatch01, CSeq of another method": (message("OPTIONS", CSeq="8 INVITE"), (400,)),
    "mismatch02, CSeq of another unknown method": (message("NEWMETHOD", CSeq="8 INVITE"), (400, 501)),
    "badbranch, the magic cookie alone": (message("OPTIONS", Via="SIP/2.0/UDP @HERE@;branch=z9hG4bK"), (200,)),
    "insuf, no Call-ID, From or To": (message("INVITE", Call_ID=None, From=None, To=None, body=SDP), (400,)),
    "unkscm, an unknown scheme": (message("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent"), (400, 416)),
    "novelsc, soap.beep": (message("OPTIONS", "soap.beep://192.0.2.103:3002"), (400, 416)),
    "unksm2, unknown schemes in From, To and Contact": (message("REGISTER", "sip:example.com", To="isbn:2983792873",
        From="<http://www.example.com>;tag=@ID@", Contact="<name:John_Smith>"), (400, 405)),
    "bext01, Require and Proxy-Require": (message("OPTIONS", Require="nothingSupportsThis, nothingSupportsThisEither",
        Proxy_Require="noProxiesSupportThis, norDoAnyProxiesSupportThis"), (420,)),
    "invut, an unknown Content-Type": (message("INVITE", body="<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n",
        Content_Type="application/unknownformat"), (415,)),
    "multi01, several of what may be there once": (message("INVITE", body=SDP, extra=["CSeq: 59 INVITE", "Call-ID: other@192.0.2.1",
        "Max-Forwards: 5", "From: other <sip:x@example.com>;tag=2"]), (400,)),
    "mcl01, several Content-Lengths": (message("OPTIONS", body="There's no way to know how many octets are supposed to be here.\r\n",
        Content_Type="text/plain", extra=["Content-Length: 13"]), (400, 200)),
    "zeromf, Max-Forwards 0": (message("OPTIONS", Max_Forwards="0"), (200, 483)),
    "sdp01, an Accept without SDP": (message("INVITE", body=SDP, Accept="text/nobodyKnowsThis"), (404, 406, 488)),
    "inv2543, as of RFC 2543": ("INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP @HERE@\r\nFrom: <sip:iuser@@HERE@>\r\n"
        "To: <sip:user@example.com>\r\nCall-ID: inv2543.@ID@\r\nCSeq: 56 INVITE\r\nContact: <sip:x@@HERE@>\r\n\r\n", (404,)),
    "bcast, a response that belongs to nothing": ("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
        "Call-ID: @ID@\r\nCSeq: 8 INVITE\r\nFrom: <sip:a@b>;tag=2\r\nTo: <sip:c@d>;tag=3\r\nContent-Length: 0\r\n\r\n", SILENCE),
    "bigcode, a status of ten digits": ("SIP/2.0 4294967301 better not break the receiver\r\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398\r\n"
        "Call-ID: @ID@\r\nCSeq: 8 INVITE\r\nFrom: <sip:a@b>;tag=2\r\nTo: <sip:c@d>;tag=3\r\nContent-Length: 0\r\n\r\n", SILENCE),
    "compact headers": (message("INVITE", Via=None, From=None, To=None, Call_ID=None, Contact=None, Content_Type=None, body=SDP, extra=[
        "v: SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@", "f: <sip:a@b>;tag=@ID@", "t: <sip:c@d>", "i: @ID@", "m: <sip:x@@HERE@>",
        "c: application/sdp"]), (404,)),
    "a tel URI": (message("INVITE", "tel:+15550009999", To="<tel:+15550009999>", body=SDP), (404,)),
    "a tel URI in From": (message("INVITE", From="<tel:+15550009999;verstat=TN-Validation-Passed>;tag=@ID@", body=SDP), (404,)),
    "a user with parameters": (message("INVITE", "sip:+15550009999;npdi;rn=+1555@example.com;user=phone", body=SDP), (404,)),
    "seventy Vias": (message("OPTIONS", extra=[f"Via: SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{n}" for n in range(70)]), (200,)),
    "a header of 8000 octets": (message("OPTIONS", User_Agent="x" * 8000), (200,)),
    "maddr in Via": (message("OPTIONS", Via="SIP/2.0/UDP @HERE@;branch=z9hG4bK@ID@;maddr=10.77.0.2"), (200,)),
}


class Raw(asyncio.DatagramProtocol):
    """A socket that keeps what comes back."""

    def __init__(self):
        self.got = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)

    async def answer(self, timeout):
        """The next final response, or None."""
        try:
            while True:
                data = await asyncio.wait_for(self.got.get(), timeout)
                if not data.startswith(b"SIP/2.0 1"):
                    return data
        except asyncio.TimeoutError:
            return None


async def exchange(scene, text, timeout=3.0):
    """Send @text from the carrier; returns the final response or None."""
    with scene.bed.pstn.inside():
        transport, raw = await asyncio.get_running_loop().create_datagram_endpoint(Raw, (CARRIER, 0))
    here = "%s:%u" % transport.get_extra_info("sockname")
    transport.sendto(text.replace("@HERE@", here).replace("@ID@", sipmsg.token()).encode("utf-8"), (GATEWAY, 5060))
    try:
        return await raw.answer(timeout)
    finally:
        transport.close()


@pytest.mark.parametrize("name", MESSAGES)
async def test_torture(scene, name):
    text, right = MESSAGES[name]
    answer = await exchange(scene, text, 1.0 if right == SILENCE else 3.0)
    status = int(answer[8:11]) if answer else None
    assert status in right, f"{answer.decode('utf-8', 'replace') if answer else 'silence'}, not one of {right}"


async def test_what_follows_the_message_is_no_second_request(scene):
    """dblreq, RFC 4475 3.1.1.8: in a datagram what Content-Length leaves over is nothing."""
    answer = await exchange(scene, message("OPTIONS") + message("INVITE", body=SDP))
    assert b" 200 " in answer and b"CSeq: 1 OPTIONS" in answer


@pytest.mark.alone
async def test_it_still_serves(scene):
    await scene.alive()
