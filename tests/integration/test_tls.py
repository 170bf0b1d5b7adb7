# SPDX-License-Identifier: AGPL-3.0-or-later
"""Trunks over TLS, both ways, with a telephone of our own and with baresip; and what is no trunk.

    client c1  --  Prosody srv  --  Tandem gw, TLS 5061  --  "safe" 10.77.0.7:5061 and [fd77::7]:5061, baresip 10.77.0.3:5081
                                                         --  "liar" 10.77.0.4:5061 with the certificate of another
"""

import asyncio
import os
import re
import shutil
import ssl

import pytest

from bed import baresip, certificate, phone, proc, sipmsg, tandem, weight
from bed.commands import ctl
from bed.scene import GATEWAY, PBX, Bed, own_number

SAFE, LIAR = "10.77.0.7", "10.77.0.4"
GATEWAY6, SAFE6 = "fd77::1", "fd77::7"
BARESIP_NUMBER = "+15558880014"
ABORTED = int(os.environ.get("BED_ABORTED", "2000"))


class Stage(Bed):
    """With certificates of everybody, which everybody trusts."""

    async def _start(self):
        self.safe = self.safe6 = self.liar = None
        self.directory = proc.directory("certificates", tandem.USER)
        for host in (GATEWAY, SAFE, SAFE6, PBX, LIAR):
            os.makedirs(self.path(host))
            certificate.write(self.path(host), "other.example" if host == LIAR else host)
        with open(self.path("trusted.pem"), "wb") as trusted:
            for host in (SAFE, SAFE6, PBX, LIAR):
                with open(self.path(host, "cert.pem"), "rb") as file:
                    trusted.write(file.read())
        os.chmod(self.path(GATEWAY, "key.pem"), 0o640)
        shutil.chown(self.path(GATEWAY, "key.pem"), tandem.USER)
        listen = [f"udp:{GATEWAY}:5060", f"tcp:{GATEWAY}:5060", f"tls:{GATEWAY}:5061", f"tls:[{GATEWAY6}]:5061"]
        self.sections["sip"] = {"listen": listen, "certificate": self.path(GATEWAY, "cert.pem"),
                                "private_key": self.path(GATEWAY, "key.pem"), "trusted_certificates": self.path("trusted.pem")}
        program, self.program = self.program, False
        await super()._start()
        self.program = program
        for host in (SAFE, LIAR):
            self.pstn.add_address(f"{host}/24")
        self.pstn.add_address(f"{SAFE6}/64")
        self.safe6 = await phone.Phone(self.pstn, SAFE6, name="safe6", tls=self.path(SAFE6)).start()
        self.safe = await phone.Phone(self.pstn, SAFE, name="safe", tls=self.path(SAFE)).start()
        self.liar = await phone.Phone(self.pstn, LIAR, name="liar", tls=self.path(LIAR)).start()
        self.tandem = await self.make_tandem().start()

    def path(self, *names):
        """Of a file in the directory of certificates."""
        return os.path.join(self.directory, *names)

    async def stop(self, check=True):
        for telephone in (self.safe, self.safe6, self.liar):
            if telephone:
                telephone.close()
        await super().stop(check)
        shutil.rmtree(self.directory, ignore_errors=True)


pytestmark = [pytest.mark.bed_options(
    stage=Stage, sections={"media": {"address": "0.0.0.0"}},
    trunks={"safe": {"proxy": f"sips:{SAFE}", "allow": [f"{SAFE}/32"]},
            "safe6": {"proxy": f"sips:[{SAFE6}]", "allow": [f"{SAFE6}/128"]},
            "liar": {"proxy": f"sip:{LIAR};transport=tls", "allow": [f"{LIAR}/32"]},
            "baresip": {"proxy": f"sip:{PBX}:5081;transport=tls", "allow": [f"{PBX}/32"]}},
    numbers={own_number("alice"): {"owner": "alice@example.org", "trunk": "safe"},
             own_number("bob"): {"owner": "bob@example.org", "trunk": "safe"},
             own_number("dave"): {"owner": "dave@example.org", "trunk": "safe6"},
             own_number("erin"): {"owner": "erin@example.org", "trunk": "liar"},
             own_number("frank"): {"owner": "frank@example.org", "trunk": "baresip"}})]


async def test_a_call_out(scene):
    client = await scene.client("alice")
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.safe)
    assert theirs.peer[0] == "tls" and theirs.peer[1] == GATEWAY
    assert theirs.invite.get("Via").startswith(f"SIP/2.0/TLS {GATEWAY}:5061")
    assert len(theirs.invite.all("Contact")) == 1 and f"@{GATEWAY}:5061;transport=tls" in theirs.invite.get("Contact")
    await theirs.ring()
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_a_call_in(scene):
    client = await scene.client("bob")
    assert not (await ctl(scene.bed.tandem, "trace-start", "bob@example.org"))[0]
    theirs = await scene.bed.safe.dial(f"sip:{own_number('bob')}@{GATEWAY}:5061", ("tls", GATEWAY, 5061))
    mine = await client.incoming()
    mine.ring()
    await theirs.wait("ringing")
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    assert "transport=tls" in theirs.target
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")
    _, trace = await ctl(scene.bed.tandem, "trace-show")  # in the clear, with the peer's address
    assert re.search(r"<- tls \S+ INVITE sip:.*\n(.*\n)*.* / propose .*\n(.*\n)*.*-> tls \S+ SIP/2.0 200 .*\(INVITE\)", trace), trace
    assert f"-> tls {SAFE}:5061 BYE sip:" in trace and "127.0." not in trace and trace.count(" INVITE sip:") == 1, trace


async def test_calls_both_ways_over_ipv6(scene):
    client = await scene.client("dave")
    mine, theirs = await scene.propose(client=client, carrier=scene.bed.safe6)
    assert theirs.peer[:2] == ("tls", GATEWAY6) and f"[{GATEWAY6}]:5061" in theirs.invite.get("Via")
    assert f"@[{GATEWAY6}]:5061;transport=tls" in theirs.invite.get("Contact")
    await theirs.answer()
    await asyncio.gather(mine.wait("media"), theirs.wait("acked"))
    await scene.heard(mine, theirs)
    await theirs.hangup()
    await mine.ended()
    theirs = await scene.bed.safe6.dial(f"sip:{own_number('dave')}@[{GATEWAY6}]:5061", ("tls", GATEWAY6, 5061))
    mine = await client.incoming()
    await mine.accept()
    await asyncio.gather(theirs.wait("answered"), mine.wait("media"))
    await scene.heard(mine, theirs)
    await mine.hangup()
    assert "BYE" in await theirs.wait("ended")


async def test_who_is_another_gets_no_call(scene):
    client = await scene.client("erin")
    number = scene.number()
    scene.bed.liar.expect(number)
    mine = await client.call(scene.jid(number))
    assert (await mine.ended()).startswith("reject")
    assert not scene.bed.liar.options and not scene.bed.liar.calls
    assert re.search(r'event=sip_tls peer=10\.77\.0\.4:5061 what="certificate is not for" name="10\.77\.0\.4"', scene.bed.tandem.log)


def write_pem(scene):
    """Certificate and key in one file."""
    with open(scene.bed.path("baresip.pem"), "wb") as pem:
        for name in ("cert.pem", "key.pem"):
            with open(scene.bed.path(PBX, name), "rb") as file:
                pem.write(file.read())


@pytest.mark.alone
async def test_baresip_both_ways(scene):
    write_pem(scene)
    client = await scene.client("frank")
    peer = await baresip.Baresip(scene.bed.pstn, PBX, 5080, BARESIP_NUMBER, ";transport=tls",
                                 config=f"sip_certificate {scene.bed.path('baresip.pem')}\n").start()
    try:
        call = await client.call(scene.jid(BARESIP_NUMBER))
        await call.wait("media")
        await baresip.echoes(call)
        await call.hangup()
        await peer.process.wait_log(r"(?i)terminated|session closed|connection reset")

        await peer.dial(f"sip:{own_number('frank')}@{GATEWAY}:5061;transport=tls")
        call = await client.incoming()
        await call.accept()
        await call.wait("media")
        await baresip.echoes(call)
        await call.hangup()
    finally:
        await peer.stop()


async def _connect(scene, source):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with scene.bed.pstn.inside():
        return await asyncio.wait_for(asyncio.open_connection(GATEWAY, 5061, ssl=context, local_addr=(source, 0)), proc.SOON_S)


async def test_old_versions_are_refused(scene):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with scene.bed.pstn.inside():
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(GATEWAY, 5061, ssl=context, local_addr=(SAFE, 0))


@pytest.mark.alone
async def test_aborted_handshakes_cost_nothing_and_hold_up_nobody(scene):
    pid = scene.bed.tandem.process.pid

    def size():
        return weight.resident_kb(pid), weight.descriptors(pid)

    async def abort(count):
        for _ in range(count):
            with scene.bed.pstn.inside():
                _, writer = await asyncio.open_connection(GATEWAY, 5061, local_addr=(SAFE, 0))
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
            writer.transport.abort()
            await asyncio.sleep(0)

    await abort(200)
    before = size()
    await abort(ABORTED)
    await proc.until(lambda: size()[1] <= before[1], proc.SOON_S, "all of them are forgotten")
    reader, writer = await _connect(scene, SAFE)
    text = sipmsg.Message("OPTIONS", f"sip:{GATEWAY}")
    for name, value in (("Via", f"SIP/2.0/TLS {SAFE}:5061;branch=z9hG4bK{sipmsg.token(8)};rport"),
                        ("From", f"<sip:x@{SAFE}>;tag=1"), ("To", f"<sip:{GATEWAY}>"), ("Call-ID", sipmsg.token(8)),
                        ("CSeq", "1 OPTIONS"), ("Max-Forwards", "70")):
        text.add(name, value)
    writer.write(text.encode())
    assert (await asyncio.wait_for(reader.readline(), proc.SOON_S)).startswith(b"SIP/2.0 200")
    via = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), proc.SOON_S)
    assert b"SIP/2.0/TLS" in via and f"rport={writer.get_extra_info('sockname')[1]}".encode() in via
    writer.close()
    after = size()
    scene.figure(f"memory over {ABORTED} aborted handshakes", f"{before[0]} -> {after[0]} KiB, {before[1]} -> {after[1]} descriptors")
    assert weight.grew_less(pid, before[0], 2048) and after[1] <= before[1] + 4
