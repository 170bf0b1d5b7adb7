# SPDX-License-Identifier: AGPL-3.0-or-later
"""`tandem doctor`: all is well, and each of its checks fails once, with what to mend.

    Prosody srv  --  gw, where the doctor looks  --  carrier pstn, which wants a password"""

import asyncio
import os
import pwd
import shutil
import socket
import ssl
import subprocess
from datetime import datetime, timedelta

import pytest

from bed import certificate, names, proc
from bed.scene import CARRIER, GATEWAY, PBX, SERVER
from bed.tandem import USER, Tandem
from bed.users import AS_USER, by_root, with_service

pytestmark = [pytest.mark.bed_options(program=False, credentials=("tandem", "rightpw")), pytest.mark.alone]

DOCTOR_S = 30.0
TRUNK = {"proxy": f"sip:{CARRIER}", "username": "tandem", "password": "rightpw", "register": True}


class Patient(Tandem):
    """A configuration that is looked at, and not (or not only) run."""

    async def examined(self, prefix=(), env=None):
        """(exit code, what the doctor says). @prefix: what root runs it by."""
        doctor = proc.Process("doctor", [*prefix, *self._command("-c", self.write(), "doctor")], self.node, cwd=self.directory,
                              user=None if prefix else USER, env=env)
        await doctor.wait(DOCTOR_S)
        said = doctor.log()
        code = await doctor.stop()
        return code, said


def patient(scene, trunks=None, **sections):
    """A patient, well but for what is given."""
    return Patient(scene.bed.gw, GATEWAY, trunks={"carrier": TRUNK} if trunks is None else trunks, sections=sections, name="patient")


async def finding(scene, mark, subject, *words, prefix=(), env=None, **options):
    """Examine, and assert that @subject is found @mark with @words in its line or in the one below, what to mend."""
    code, said = await patient(scene, **{"trunks": {}, **options}).examined(prefix, env)
    lines = said.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith(f"  {mark:4}  {subject}")), None)
    assert at is not None, said
    for word in words:
        assert word in lines[at] + lines[at + 1], said
    assert (code == 0) == ("BAD" not in said), said
    assert mark == "ok" or "->" in lines[at + 1], said
    return said


def place(user=USER):
    """A directory of @user's."""
    return proc.directory("doctor", user)


def certified(until=None):
    """The section sip with a certificate that ends then."""
    directory = place()
    certificate.write(directory, GATEWAY, until)
    for name in ("key.pem", "cert.pem"):
        os.chmod(os.path.join(directory, name), 0o600)
        shutil.chown(os.path.join(directory, name), USER)
    return {"listen": [f"tls:{GATEWAY}:5061"], "certificate": os.path.join(directory, "cert.pem"),
            "private_key": os.path.join(directory, "key.pem")}


async def test_all_is_well(scene):
    code, said = await patient(scene).examined()
    assert code == 0 and "All is well." in said, said
    for subject in ("configuration", "descriptors", "database", "sip.listen", "media.ice_port", "media ports", "component", "trunk carrier"):
        assert f"  ok    {subject}" in said, said
    assert "has registered us" in said


async def test_a_tandem_that_runs_is_left_alone(scene):
    running = await patient(scene).start()
    code, said = await running.examined()
    assert "a Tandem is running" in said and code == 0, said
    assert "component" not in said.split("process", 1)[1].replace("XMPP", ""), said  # its stream stands, and is not fought for
    assert "xmpp-down" not in running.log and "state=down" not in running.log
    assert "ok    trunk carrier" in said
    await running.stop()


async def test_the_configuration(scene):
    await finding(scene, "BAD", "configuration", "port_mni", media={"port_mni": 5})


@pytest.mark.parametrize("xmpp,words", [
    ({"secret": "wrong"}, ("not-authorized", "component_secret")),
    ({"domain": "tel9.example.org"}, ("host-unknown", "no component of that domain")),
    ({"port": 5999}, ("refused", "xmpp.host")),
    ({"host": "no.such.host.example"}, ("no.such.host.example:5347", "xmpp.host and xmpp.port")),
], ids=["secret", "domain", "port", "host"])
async def test_the_component(scene, xmpp, words):
    await finding(scene, "BAD", "component", *words, xmpp=xmpp)


async def test_a_port_of_sip_is_taken(scene):
    with scene.bed.gw.inside():
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind((GATEWAY, 5062))
    await finding(scene, "BAD", "sip.listen", "udp:", "in use", "another program", sip={"listen": [f"udp:{GATEWAY}:5062"]})
    taken.close()


async def test_an_address_is_not_ours(scene):
    await finding(scene, "BAD", "sip.listen", "no interface", sip={"listen": ["udp:10.77.0.99:5060"]})


async def test_ice_ports_are_taken(scene):
    with scene.bed.gw.inside():
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind((GATEWAY, 10000))
    await finding(scene, "BAD", "media.ice_port", "10000", "another program")
    taken.close()


async def test_too_few_ports(scene):
    await finding(scene, "?", "media ports", "takes two", media={"port_min": 20000, "port_max": 20099})


async def test_a_password_is_wrong(scene):
    await finding(scene, "BAD", "trunk carrier", "40", "password", trunks={"carrier": {**TRUNK, "password": "wrong"}})


async def test_a_trunk_is_silent(scene):
    await finding(scene, "BAD", "trunk other", "no answer", "firewall", trunks={"other": {"proxy": f"sip:{PBX}:5999"}})


async def test_a_trunk_has_no_address(scene):
    await finding(scene, "BAD", "trunk other", "no address", "dig SRV", trunks={"other": {"proxy": "sip:no.such.host.example"}},
                  sip={"nameservers": f"{SERVER}:5359"})


async def test_one_server_of_a_trunk_is_gone(scene):
    server = await names.Names({("_sip._udp.two.example", names.SRV): [(1, 0, 5996, "gone.two.example"), (2, 0, 5998, "there.two.example")],
                                ("gone.two.example", names.A): [PBX], ("there.two.example", names.A): [PBX]}).start(scene.bed.pstn, PBX, 5353)
    there = await answering(scene, 200)
    await finding(scene, "?", "trunk other", "in part: 1 of 2 servers failed", trunks={"other": {"proxy": "sip:two.example"}},
                  sip={"nameservers": f"{PBX}:5353"})
    there.close()
    server.close()


async def test_sip_does_not_start(scene):
    sip = certified()
    await finding(scene, "BAD", "SIP", "does not start", "sip.certificate", trunks={"carrier": TRUNK},
                  sip={**sip, "certificate": sip["private_key"]})


async def test_a_directory_is_missing(scene):
    await finding(scene, "BAD", "database", "/nowhere", "mkdir", db={"path": "/nowhere/at/all/tandem.db"})


async def test_the_database_is_another_users(scene):
    await finding(scene, "BAD", "database", "cannot be written", "belong to the service", db={"path": place(None) + "/tandem.db"})


async def test_the_disk_is_full(scene):
    path = place()
    await finding(scene, "?", "disk", "0 MiB left", "make room", db={"path": path + "/tandem.db"},
                  prefix=by_root(f"mount -t tmpfs -o size=64k,mode=777 tmpfs {path}") + AS_USER)


async def test_too_few_descriptors(scene):
    await finding(scene, "?", "descriptors", "300 here", "2200", "LimitNOFILE", prefix=["prlimit", "--nofile=300:300", *AS_USER])


CLOCK = """#include <sys/timex.h>
int adjtimex(struct timex *t) { t->status = KEPT ? 0 : STA_UNSYNC; t->esterror = 7; return KEPT ? TIME_OK : TIME_ERROR; }
"""


@pytest.mark.skipif("asan" in os.environ.get("TANDEM", "").split("/")[-2:][0], reason="a sanitizer's runtime must come first")
@pytest.mark.parametrize("kept, found", [(1, ("ok", "to 7 us")), (0, ("?", "no time service"))], ids=["kept", "adrift"])
async def test_the_clock(scene, kept, found):
    """The machine's is left alone: what it says of itself is said in its place."""
    library = place() + "/clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-DKEPT={kept}", "-x", "c", "-o", library, "-"], input=CLOCK, text=True, check=True)
    await finding(scene, found[0], "clock", found[1], env={"LD_PRELOAD": library})


async def test_root_looks_as_the_service(scene):
    """With a user tandem of this machine's making: what that one cannot read is found, though root could."""
    path, there = place("root"), with_service()
    os.chmod(path, 0o700)
    said = await finding(scene, "ok", "user", "tandem, as the service", prefix=there, db={"path": "/tmp/tandem.db"})
    assert "ok    database" in said
    await finding(scene, "BAD", "database", path, "cannot be written", prefix=there, db={"path": path + "/tandem.db"})
    secret = os.path.join(place("root"), "secret")
    with open(secret, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write("s3cret\n")
    await finding(scene, "BAD", "configuration", "secret_file", "Permission denied", prefix=there, xmpp={"secret": "", "secret_file": secret})
    os.chmod(secret, 0o644)
    await finding(scene, "BAD", "configuration", "secret_file", "chmod o-rwx", prefix=there, xmpp={"secret": "", "secret_file": secret})


async def test_root_that_cannot_become_the_service(scene):
    """As in a container that may not change users."""
    await finding(scene, "?", "user", "root cannot become tandem", "sudo -u tandem",
                  prefix=[*with_service(), "setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"])


@pytest.mark.skipif("tandem" in {user.pw_name for user in pwd.getpwall()}, reason="this machine has a user tandem")
async def test_root_without_the_services_user(scene):
    await finding(scene, "?", "user", "root", "systemd-sysusers", prefix=["env"])


@pytest.mark.parametrize("days, mark, words", [(-1, "BAD", ("expired", "renew")), (3, "?", ("expires in", "renewal")), (30, "ok", ("days more",))])
async def test_a_certificate_ends(scene, days, mark, words):
    await finding(scene, mark, "certificate", *words, sip=certified(datetime.utcnow() + timedelta(days=days)))


async def test_a_certificate_is_another_users(scene):
    sip = certified()
    shutil.chown(sip["certificate"], "root")
    await finding(scene, "BAD", "certificate", "Permission denied", "user tandem must be able to read it", sip=sip)


async def test_a_certificate_is_none(scene):
    sip = certified()
    await finding(scene, "BAD", "certificate", "no certificate in it", sip={**sip, "certificate": sip["private_key"]})


@pytest.mark.parametrize("other", ["cert.pem", "key.pem"], ids=["no key", "another's"])
async def test_a_key_is_not_the_certificates(scene, other):
    key = os.path.join(os.path.dirname(certified()["certificate"]), other)
    await finding(scene, "BAD", "private key", key, sip={**certified(), "private_key": key})


async def test_ports_of_media_are_taken(scene):
    taken = []
    for port in range(20500, 20520):
        with scene.bed.gw.inside():
            taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taken[-1].bind((GATEWAY, port))
    await finding(scene, "?", "media ports", "50 of 50", "are taken", media={"port_min": 20500, "port_max": 20519}, limits={"calls": 10})
    for each in taken:
        each.close()


async def test_another_component_has_the_domain(scene):
    """An XMPP server that says so."""
    async def refuse(reader, writer):
        await reader.readuntil(b">")
        writer.write(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1' "
                     b"from='tel.example.org'><stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
        await writer.drain()
        writer.close()
    with scene.bed.pstn.inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind((PBX, 5347))
    server = await asyncio.start_server(refuse, sock=listening)
    await finding(scene, "BAD", "component", "conflict", "another Tandem", xmpp={"host": PBX})
    server.close()


@pytest.mark.parametrize("records, mark, words", [
    ({("_xmpp-server._tcp.tel.example.org", names.SRV): [(5, 0, 5269, "xmpp.example.org")]}, "ok", "xmpp.example.org:5269"),
    ({("tel.example.org", names.A): ["192.0.2.7"]}, "ok", "has an address"),
    ({}, "?", "SRV record")], ids=["SRV", "address", "nothing"])
async def test_the_dns(scene, records, mark, words):
    server = await names.Names(records).start(scene.bed.pstn, PBX, 5353)
    await finding(scene, mark, "DNS", words, sip={"nameservers": f"{PBX}:5353"})
    server.close()


async def test_there_is_no_name_server(scene):
    await finding(scene, "?", "DNS", "tel.example.org: ", "resolv.conf", sip={"nameservers": f"{PBX}:5352"})


async def test_there_is_no_trunk(scene):
    await finding(scene, "?", "trunks", "none", "only echo@")


async def test_there_is_no_public_address(scene):
    await finding(scene, "?", "public address", "no interface", "auto")


async def test_an_interface_has_a_public_address(scene):
    scene.bed.gw.add_address("203.0.113.9/32")
    try:
        await finding(scene, "ok", "public address", "203.0.113.9, of an interface")
    finally:
        scene.bed.gw.drop_address("203.0.113.9/32")


@pytest.mark.parametrize("media, words", [({"public_address": "auto"}, "XEP-0215"), ({"public_address": "198.51.100.8"}, "as configured")])
async def test_a_public_address_is_taken_as_given(scene, media, words):
    await finding(scene, "ok", "public address", words, media=media)


async def test_a_stun_server_has_no_address(scene):
    await finding(scene, "BAD", "STUN", "no.such.host.example", "media.stun", media={"stun": "no.such.host.example:3478"})


class Answerer(asyncio.DatagramProtocol):
    """A SIP peer that answers all with one status."""

    def __init__(self, status):
        self.status = status

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        kept = [line for line in data.decode().split("\r\n") if line.split(":")[0] in ("Via", "v", "From", "f", "To", "t", "Call-ID", "i", "CSeq")]
        self.transport.sendto("\r\n".join([f"SIP/2.0 {self.status} No", *kept, "Content-Length: 0", "", ""]).encode(), addr)


async def answering(scene, status):
    """One at the PBX's address."""
    with scene.bed.pstn.inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind((PBX, 5998))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Answerer(status), sock=listening)
    return transport


@pytest.mark.parametrize("status, word", [(403, "address is not"), (404, "from_domain"), (407, "password"), (500, "tandem.conf(5)")])
async def test_a_trunk_refuses(scene, status, word):
    transport = await answering(scene, status)
    await finding(scene, "BAD", "trunk other", str(status), word, trunks={"other": {**TRUNK, "proxy": f"sip:{PBX}:5998"}})
    transport.close()


@pytest.mark.parametrize("trusted, words", [(False, ("TLS: ", "certificate", "trusted_certificates")), (True, ("not for", "the host"))],
                         ids=["unknown", "another's"])
async def test_a_trunks_certificate(scene, trusted, words):
    directory = place()
    certificate.write(directory, "pbx.example.net")
    names = [os.path.join(directory, name) for name in ("cert.pem", "key.pem")]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*names)
    with scene.bed.pstn.inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((PBX, 5997))
    server = await asyncio.start_server(lambda reader, writer: writer.close(), sock=listening, ssl=tls)
    await finding(scene, "BAD", "trunk other", *words, trunks={"other": {"proxy": f"sips:{PBX}:5997"}},
                  sip={**certified(), "trusted_certificates": names[0] if trusted else ""})
    server.close()


async def test_stun_is_silent(scene):
    await finding(scene, "BAD", "STUN", "no answer", "STUN server", media={"stun": f"{PBX}:3999"})


class Stun(asyncio.DatagramProtocol):
    """A STUN server (RFC 8489) that answers with an address of its own choice."""

    def __init__(self, address, port):
        self.seen = (1).to_bytes(2, "big") + port.to_bytes(2, "big") + socket.inet_aton(address)
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.asked.append(addr[1])
        attribute = bytes.fromhex("00010008") + self.seen
        self.transport.sendto(b"\x01\x01" + len(attribute).to_bytes(2, "big") + data[4:20] + attribute, addr)


async def stun(scene, address, port):
    """One at the PBX's address."""
    with scene.bed.pstn.inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind((PBX, 3998))
    return await asyncio.get_running_loop().create_datagram_endpoint(lambda: Stun(address, port), sock=listening)


@pytest.mark.parametrize("said, words", [("198.51.100.8", "configured is 198.51.100.8"), ("", "which no interface here has")], ids=["another", "none"])
async def test_stun_sees_another_address(scene, said, words):
    transport, server = await stun(scene, "198.51.100.7", 10000)
    await finding(scene, "BAD", "public address", "STUN sees 198.51.100.7", words, "auto", media={"stun": f"{PBX}:3998", "public_address": said})
    assert server.asked
    transport.close()


@pytest.mark.parametrize("port, mark, words", [(10000, "ok", ("is 10000 outside",)), (40123, "?", ("is 40123 outside", "forwarded"))])
async def test_the_nat_and_the_port_of_ice(scene, port, mark, words):
    """It is asked from that port."""
    transport, server = await stun(scene, "198.51.100.7", port)
    await finding(scene, mark, f"media.ice_port    10000 is {port}", *words, media={"stun": f"{PBX}:3998", "public_address": "auto"})
    assert set(server.asked) == {10000}
    transport.close()
