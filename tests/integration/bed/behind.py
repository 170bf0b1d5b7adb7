# SPDX-License-Identifier: AGPL-3.0-or-later
"""A stage with Tandem behind a NAT, everybody else on the public side.

    gw 192.168.9.2  --  nat 192.168.9.1 | 203.0.113.30  --  srv 203.0.113.5   XMPP server
                                                                     stun 203.0.113.6  coturn
                                                                     pstn 203.0.113.2  carrier, SIP/UDP
                                                                     c1   203.0.113.11 clients

The addresses of the public side are documentation's (RFC 5737), because it matters that they are not private.
"""

from . import coturn, net, phone, prosody, tandem
from .scene import DOMAIN, NUMBERED_USERS, SECRET, Bed, own_number

GATEWAY, ROUTER = "192.168.9.2", "192.168.9.1"
PUBLIC, NEXT_PUBLIC = "203.0.113.30", "203.0.113.31"
SERVER, STUN, CARRIER, CLIENT = "203.0.113.5", "203.0.113.6", "203.0.113.2", "203.0.113.11"


class BehindNat(Bed):
    """@announced: the XMPP server names the STUN server (XEP-0215). @one_to_one: every port of the public address is Tandem's;
    otherwise only those of SIP are, and the NAT maps what Tandem sends. @media and @sip add to Tandem's configuration.
    @moves says that tests move this stage, so that no other shares it."""

    server_address, gateway_address = SERVER, PUBLIC

    def __init__(self, *, announced=True, one_to_one=False, media=None, sip=None, moves=False):
        super().__init__()
        self.announced, self.one_to_one = announced, one_to_one
        self.media, self.sip = media or {}, sip or {}
        self.public, self.moves = PUBLIC, moves

    async def _start(self):
        self.network = net.Network()
        self.srv = self.network.node("srv", f"{SERVER}/24")
        self.pstn = self.network.node("pstn", f"{CARRIER}/24")
        self.c1 = self.network.node("c1", f"{CLIENT}/24")
        self.router = self.network.node("nat", f"{PUBLIC}/24")
        self.gw = self.network.node("gw")
        self.network.link(self.router, f"{ROUTER}/24", self.gw, f"{GATEWAY}/24")
        self.gw.ip(f"route add default via {ROUTER}")
        self._translate()
        self.turn = await coturn.Coturn(self.network.node("turn", f"{STUN}/24"), STUN).start()
        self.server = await prosody.Prosody(self.srv, SERVER, {DOMAIN: SECRET}, self.turn if self.announced else None).start()
        self.carrier = await phone.Phone(self.pstn, CARRIER, name="carrier").start()
        self.tandem = self.make_tandem()
        await self.tandem.start()

    def _translate(self):
        self.router.masquerade("192.168.9.0/24")
        with self.router.enter():
            forward = ["iptables", "-w", "-t", "nat", "-A", "PREROUTING", "-i", "eth0"]
            if self.one_to_one:
                net.run(*forward, "-j", "DNAT", "--to-destination", GATEWAY)
            else:
                net.run(*forward, "-p", "udp", "--dport", "5060", "-j", "DNAT", "--to-destination", GATEWAY)
            # what nobody asked for leaves no trace, so that ports are mapped to themselves
            net.run("iptables", "-w", "-A", "INPUT", "-i", "eth0", "-p", "udp", "-j", "DROP")

    def renumber(self, old, new):
        """The provider gives the router another address and takes the old one; translations to it are gone."""
        self.router.drop_address(f"{old}/24")
        self.router.add_address(f"{new}/24")
        self.public = self.gateway_address = new

    def make_tandem(self):
        users = [f"u{n:02d}" for n in range(NUMBERED_USERS)]
        return tandem.Tandem(
            self.gw, GATEWAY, domain=DOMAIN, secret=SECRET, xmpp=(SERVER, 5347),
            sections={"media": {"address": "0.0.0.0", **self.media},
                      "sip": {"listen": ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"], **self.sip}},
            trunks={"carrier": {"proxy": f"sip:{CARRIER}:5060", "allow": [f"{CARRIER}/32"]}},
            numbers={own_number(user): {"owner": f"{user}@example.org", "trunk": "carrier"} for user in users})
