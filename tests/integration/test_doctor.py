# SPDX-License-Identifier: AGPL-3.0-or-later
"""`tandem doctor`: all is well, and each of its checks fails once, with what to mend.

    Prosody srv  --  gw, where the doctor looks  --  carrier pstn, which wants a password"""

import asyncio
import os
import shutil
import socket
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bed import proc
from bed.scene import CARRIER, GATEWAY, PBX, SERVER
from bed.tandem import Tandem

pytestmark = [pytest.mark.bed_options(program=False, credentials=("tandem", "rightpw")), pytest.mark.alone]

DOCTOR_S = 30.0
TRUNK = {"proxy": f"sip:{CARRIER}", "username": "tandem", "password": "rightpw", "register": True}


class Patient(Tandem):
    """A configuration that is looked at, and not (or not only) run."""

    async def examined(self):
        """(exit code, what the doctor says)."""
        doctor = proc.Process("doctor", self._command("-c", self.write(), "doctor"), self.node, cwd=self.directory, user="nobody")
        await doctor.wait(DOCTOR_S)
        said = doctor.log()
        code = await doctor.stop()
        return code, said


def patient(scene, trunks=None, **sections):
    """A patient, well but for what is given."""
    return Patient(scene.bed.gw, GATEWAY, trunks={"carrier": TRUNK} if trunks is None else trunks, sections=sections, name="patient")


async def finding(scene, mark, subject, *words, **options):
    """Examine, and assert that @subject is found @mark with @words in its line or in the one below, what to mend."""
    code, said = await patient(scene, **{"trunks": {}, **options}).examined()
    lines = said.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith(f"  {mark:4}  {subject}")), None)
    assert at is not None, said
    for word in words:
        assert word in lines[at] + lines[at + 1], said
    assert (code == 0) == ("BAD" not in said), said
    assert mark == "ok" or "->" in lines[at + 1], said
    return said


def certificate_until(end):
    """(key, certificate), files with one that ends then."""
    directory, key = proc.directory("certificate", "nobody"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(end - timedelta(days=30)).not_valid_after(end).sign(key, hashes.SHA256()))
    paths = os.path.join(directory, "key.pem"), os.path.join(directory, "cert.pem")
    texts = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), made.public_bytes(
        serialization.Encoding.PEM)
    for path, text in zip(paths, texts):
        with open(path, "wb") as file:
            file.write(text)
        os.chmod(path, 0o600)
        shutil.chown(path, "nobody")
    return paths


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
], ids=["secret", "domain", "port"])
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


async def test_a_directory_is_missing(scene):
    await finding(scene, "BAD", "database", "/nowhere", "mkdir", db={"path": "/nowhere/at/all/tandem.db"})


async def test_a_certificate_has_expired(scene):
    key, certificate = certificate_until(datetime.now(timezone.utc) - timedelta(days=1))
    await finding(scene, "BAD", "certificate", "expired", "renew",
                  sip={"listen": [f"tls:{GATEWAY}:5061"], "certificate": certificate, "private_key": key})


async def test_stun_is_silent(scene):
    await finding(scene, "BAD", "STUN", "no answer", "STUN server", media={"stun": f"{PBX}:3999"})


async def test_stun_sees_another_address(scene):
    """A server that answers with an address of its own choice."""
    answered = asyncio.Event()

    class Stun(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            attribute = bytes.fromhex("000100080001") + (4000).to_bytes(2, "big") + socket.inet_aton("198.51.100.7")
            self.transport.sendto(b"\x01\x01" + len(attribute).to_bytes(2, "big") + data[4:20] + attribute, addr)
            answered.set()

    with scene.bed.pstn.inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind((PBX, 3998))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Stun, sock=listening)
    await finding(scene, "BAD", "public address", "198.51.100.7", "auto",
                  media={"stun": f"{PBX}:3998", "public_address": "198.51.100.8"})
    assert answered.is_set()
    transport.close()
