# SPDX-License-Identifier: AGPL-3.0-or-later
"""How real clients differ where a gateway feels it. The default is a plain, well-behaved WebRTC client."""

from dataclasses import dataclass, field, replace
from typing import Callable, Optional

from . import aiortcpeer, webrtc
from .jinglexml import EVENTS_48K, EVENTS_8K, G722, OPUS, PCMA, PCMU, Payload


@dataclass(frozen=True)
class Profile:
    """The behaviour of a client; tests make variants with dataclasses.replace()."""

    name: str = "plain"
    jmi: bool = True  # False: session-initiate without a proposal
    trickle: bool = True  # False: all candidates inside session-initiate and session-accept
    accept_to_self: bool = True  # tells the account's other devices with <accept/>
    rings: bool = True  # answers a proposal with <ringing/>
    group: bool = True  # BUNDLE group
    components: int = 1
    encryption: bool = False  # offers SDES beside DTLS
    one_payload: bool = False  # accepts with exactly one payload type
    setup: str = "active"  # when it answers
    disco_first: bool = False  # asks the peer for its features between proceed and session-initiate
    drops_early_candidates: bool = False  # transport-info before session-accept is lost
    discovery_s: Optional[float] = None  # from propose to ringing or proceed, or it retracts
    ringing_s: Optional[float] = None  # after the last ringing, or it retracts
    connect_s: float = 20.0  # from proceed to ICE connected
    ends_on_finish: bool = False
    acknowledges_terminate: bool = True
    payloads: tuple = (OPUS, G722, PCMU, PCMA, EVENTS_48K, EVENTS_8K)
    srtp: bytes = webrtc.PROFILE_SHA1_80
    engine: Optional[Callable] = None  # makes the peerconnection.PeerConnection of a call; None: webrtc.Transport
    # what only tests do
    addresses: Optional[tuple] = None  # gather from these alone
    ipv4: bool = True
    ipv6: bool = True
    stun: bool = False
    turn: bool = False  # ask the server for a relay (XEP-0215) and gather there too
    relay_only: bool = False
    wrong_fingerprint: bool = False
    filter_candidates: Callable = field(default=lambda candidates: candidates)


PLAIN = Profile()
ALL_AT_ONCE = replace(PLAIN, name="all at once", trickle=False)
CONVERSATIONS = Profile(name="Conversations", discovery_s=12.0, drops_early_candidates=True)
MONAL = Profile(name="Monal", discovery_s=30.0, ringing_s=45.0, connect_s=15.0, ends_on_finish=True,
                acknowledges_terminate=False, payloads=(PCMA, EVENTS_8K, PCMU, EVENTS_48K, OPUS, G722))
DINO = Profile(name="Dino", group=False, components=2, encryption=True, one_payload=True, disco_first=True, rings=True,
               payloads=(OPUS, Payload(112, "speex", 32000), G722, PCMU, PCMA))
MOVIM = Profile(name="Movim", trickle=True, accept_to_self=False, drops_early_candidates=True)
STANZA = Profile(name="StanzaJS", jmi=False)
BOROGOVE = Profile(name="Borogove", rings=False, trickle=False)
EVERY_CLIENT = (CONVERSATIONS, MONAL, DINO, MOVIM, STANZA, BOROGOVE)
AIORTC = Profile(name="aiortc", engine=aiortcpeer.AiortcPeer)
