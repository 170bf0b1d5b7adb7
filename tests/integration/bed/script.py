# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plays what a client says, word for word, from a file of tests/data/clients, and checks what it is told.

A file is one call of one client, an XML <call> of steps in their order (tests/data/clients/README tells the words). Around
the stanzas is the bed's media (ICE, DTLS, SRTP), so that a call which the script says is up is heard."""

import asyncio
import copy
import itertools
import re
import uuid
from xml.etree import ElementTree as ET

from . import jingle, jinglexml, profiles
from .jinglecall import Call
from .jinglexml import JINGLE, local

CLIENT, STEPS = "jabber:client", "urn:tandem:steps"
EXPECT_S, QUIET_S = 15.0, 0.7
NAME = re.compile(r"\{(\w+)\}")


class Actor(jingle.Client):
    """A device that does nothing by itself but answer what its script does not forbid."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.seen, self.arrived, self.silent = [], asyncio.Event(), ()

    def incoming_filter(self, xml):
        kind = local(xml.tag)
        if kind not in ("iq", "message", "presence") or jingle.bare(xml.get("from")) in ("", self.boundjid.bare, self.boundjid.domain):
            return super().incoming_filter(xml)
        self.timeline.add(self.who, "XMPP <-", f"from {xml.get('from')}: {jingle.summary(xml)}")
        stanza = ET.fromstring(ET.tostring(xml))
        session = stanza.find(f"{{{JINGLE}}}jingle")
        if kind == "iq" and xml.get("type") in ("result", "error"):
            waiting = self._pending.get(xml.get("id"))
            if waiting and not waiting.done():
                waiting.set_result(stanza)
        elif session is not None and session.get("action") not in self.silent:
            self.answer(stanza)
        self.seen.append(stanza)
        self.arrived.set()
        return xml


def describe(xml):
    """A stanza or pattern as text."""
    return ET.tostring(xml, encoding="unicode")


class Script:
    """One run of a file by a client, against a number and the carrier's telephone."""

    ids = itertools.count(1)

    def __init__(self, scene, root, client, number):
        self.scene, self.root, self.client, self.number = scene, root, client, number
        self.values = {"me": client.boundjid.full, "account": client.boundjid.bare, "number": scene.jid(number),
                       "peer": f"{scene.jid(number)}/sip", "digits": number.lstrip("+")}
        if self.root.get("direction") == "out":
            self.values["sid"] = str(uuid.uuid4())
        client.silent = (self.root.get("silent") or "").split()
        self.values["domain"] = self.values["number"].partition("@")[2]
        self.media = Call(client, None, self.values["peer"], incoming=self.root.get("direction") == "in")
        self.telephone, self.plan, self.taken, self.requests = None, None, set(), []
        self.opened = False

    async def play(self):
        """All steps; AssertionError names the step that failed."""
        for step in self.root:
            if step.tag == f"{{{STEPS}}}never":
                continue
            self.client.timeline.add(self.client.who, "step", f"{local(step.tag)} {dict(step.attrib)}")
            await getattr(self, "step_" + local(step.tag))(step)
        await asyncio.sleep(QUIET_S)
        await self._check_answers()
        for pattern in self.root.findall(f"{{{STEPS}}}never"):
            for stanza in self.client.seen:
                assert not self._match(pattern[0], stanza, dict(self.values)), f"must never come: {describe(stanza)}"

    async def _check_answers(self):
        """Clients of the Conversations family end a call over an error to any iq, or none."""
        for xml, answer, condition in self.requests:
            stanza = await asyncio.wait_for(answer, EXPECT_S)
            names = [local(e.tag) for box in stanza if local(box.tag) == "error" for e in box]
            if condition:
                assert condition in names, f"{names or 'a result'} instead of {condition} for {describe(xml)}"
            else:
                assert stanza.get("type") == "result", f"{names} for {describe(xml)}"

    # what the client says

    def _fill(self, xml):
        """A copy of @xml with {names} replaced and <t:candidates/> written out."""
        out = copy.deepcopy(xml)
        for element in out.iter():
            for key, value in element.attrib.items():
                element.set(key, self._text(value))
            if element.text:
                element.text = self._text(element.text.strip() if len(element) else element.text)
            element.tail = None
            for marker in element.findall(f"{{{STEPS}}}candidates"):
                element.remove(marker)
                for number, candidate in enumerate(self.media.local.candidates):
                    element.append(self._candidate(marker, candidate, number))
        return out

    @staticmethod
    def _candidate(marker, candidate, number):
        """One <candidate/> in the client's own style."""
        xml = jinglexml.candidate_element(candidate, number)
        for name in (marker.get("without") or "").split():
            xml.attrib.pop(name, None)
        if marker.get("relport"):
            port = xml.attrib.pop("rel-port", None)
            if port:
                xml.set(marker.get("relport"), port)
        if marker.get("upper"):
            xml.set("protocol", xml.get("protocol").upper())
        if marker.get("foundation"):
            xml.set("foundation", marker.get("foundation"))
        return xml

    def _text(self, text):
        def value(match):
            name = match.group(1)
            if name == "id":
                return f"s{next(self.ids)}"
            assert name in self.values, f"{{{name}}} is not known yet"
            return self.values[name]
        return NAME.sub(value, text)

    async def _open(self):
        """Gather, for the credentials that the stanza wants."""
        if not self.opened:
            self.opened = True
            await self.media._open(controlling=self.root.get("direction") == "out")
            self.values.update(ufrag=self.media.local.ufrag, pwd=self.media.local.pwd, fingerprint=self.media.local.fingerprint)

    def _transmit(self, xml, condition=None):
        if local(xml.tag) == "iq" and xml.get("type") in ("get", "set"):
            answer = asyncio.get_running_loop().create_future()
            self.client._pending[xml.get("id")] = answer
            self.requests.append((xml, answer, condition))
        self.client.transmit(xml)

    async def step_send(self, step):
        """One stanza. error="condition": that is its answer."""
        if "{ufrag}" in describe(step):
            await self._open()
        xml = self._fill(step[0])
        for payload in xml.iter(f"{{{jinglexml.RTP}}}payload-type"):
            self.media.local.payloads.append(jinglexml.Strict().payload(payload))
        if step.get("setup"):
            self.media.local.setup = step.get("setup")
        self._transmit(xml, step.get("error"))
        if step.get("media") == "answer":
            self.media.initiator = False
            self._connect(dtls_client=self.media.local.setup == "active")

    async def step_trickle(self, step):
        """The stanza once for each candidate."""
        candidates = self.media.local.candidates
        for candidate in candidates:
            self.media.local.candidates = [candidate]
            self._transmit(self._fill(step[0]))
        self.media.local.candidates = candidates

    # what it is told

    def _match(self, pattern, stanza, values):
        """Whether all that @pattern has is in @stanza; names that have no value yet get it in @values."""
        if pattern.tag != stanza.tag:
            return False
        for key, wanted in pattern.attrib.items():
            if not self._same(wanted, stanza.get(key), values):
                return False
        if pattern.text and pattern.text.strip() and not self._same(pattern.text.strip(), (stanza.text or "").strip(), values):
            return False
        return all(self._match_child(child, list(stanza), values) for child in pattern)

    def _match_child(self, child, children, values):
        """Whether one of @children, in whatever place, matches; for <t:no> none."""
        if child.tag == f"{{{STEPS}}}no":
            return not any(self._match(child[0], other, dict(values)) for other in children)
        for other in children:
            attempt = dict(values)
            if self._match(child, other, attempt):
                values.update(attempt)
                return True
        return False

    @staticmethod
    def _same(wanted, found, values):
        if wanted == "*":
            return found is not None
        if wanted.startswith("~"):
            return found is not None and re.fullmatch(wanted[1:], found) is not None
        name = NAME.fullmatch(wanted)
        if name and name.group(1) not in values and found is not None:
            values[name.group(1)] = found
            return True
        return NAME.sub(lambda m: values.get(m.group(1), m.group(0)), wanted) == found

    def _find(self, pattern):
        for number, stanza in enumerate(self.client.seen):
            values = dict(self.values)
            if number not in self.taken and self._match(pattern, stanza, values):
                self.taken.add(number)
                self.values = values
                return stanza
        return None

    async def step_expect(self, step):
        """A stanza that matches comes; media="offer" or "answer": its description is taken."""
        loop = asyncio.get_running_loop()
        end = loop.time() + EXPECT_S
        found = self._find(step[0])
        while found is None:
            self.client.arrived.clear()
            try:
                await asyncio.wait_for(self.client.arrived.wait(), max(end - loop.time(), 0.01))
            except asyncio.TimeoutError:
                news = "\n".join(describe(s) for n, s in enumerate(self.client.seen) if n not in self.taken)
                raise AssertionError(f"did not come: {describe(step[0])}\nbut:\n{news}") from None
            found = self._find(step[0])
        session = found.find(f"{{{JINGLE}}}jingle")
        if step.get("media"):
            answer = step.get("media") == "answer"
            self.media.remote = self.client.strict.content(session.find(f"{{{JINGLE}}}content"), answer)
            if answer:
                self._connect(dtls_client=self.media.remote.setup == "passive")

    def _connect(self, dtls_client):
        self.client.spawn(self.media._connect(dtls_client), self._failed)

    def _failed(self, error):
        self.media.milestones.reach("ended", f"media failed: {error!r}")

    # around it

    async def step_telephone(self, step):
        """What the telephone at the trunk does or sees."""
        do = step.get("does")
        if do == "invited":
            self.plan = self.plan or self.scene.bed.carrier.expect(self.number)
            self.telephone = await self.plan.call()
        elif do == "calls":
            from .scene import own_number  # pylint: disable=import-outside-toplevel,cyclic-import
            self.telephone = await self.scene.dial(own_number(self.client.user), caller=self.number)
        elif do == "rings":
            await self.telephone.ring()
        elif do == "answers":
            await self.telephone.answer()
        elif do == "hangs-up":
            await self.telephone.hangup()
        elif do == "refuses":
            await self.telephone.refuse(486, "Busy Here")
        else:
            detail = await self.telephone.wait(do, EXPECT_S)
            assert (step.get("with") or "") in str(detail), f"{do}: {detail}"

    async def step_heard(self, _step):
        """Audio both ways."""
        await asyncio.gather(self.media.wait("media"), self.telephone.wait("answered"))
        await self.scene.heard(self.media, self.telephone)

    async def step_quiet(self, step):
        """Nothing that matches comes for a while."""
        await asyncio.sleep(float(step.get("seconds") or QUIET_S))
        assert self._find(step[0]) is None, f"came: {describe(step[0])}"

    async def close(self):
        """Give back what the media has."""
        await self.media.drop()


async def play(scene, path, node=None):
    """Play the file at @path with an account of its own."""
    root = ET.parse(path).getroot()
    profile = profiles.Profile(name=root.get("client"), components=int(root.get("components") or 1), jmi=root.get("proposals") != "no")
    client = Actor(node or scene.bed.c1, scene.bed.server_address, next(scene.bed.users), "device", profile)
    client.user = client.boundjid.user
    scene.clients.append(client)
    await client.start()
    number = scene.number()
    script = Script(scene, root, client, number)
    script.plan = scene.bed.carrier.expect(number)
    try:
        await script.play()
    finally:
        await script.close()
