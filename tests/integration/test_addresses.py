# SPDX-License-Identifier: AGPL-3.0-or-later
"""That what we call ourselves survives careless software: URLs, XPath, JavaScript, shells.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn

Movim pasted our full JID into a URL and lost the calls of every number that had a backslash in its resource. The addresses
here are all that a client sees of Tandem in calls, from telephones with ordinary and with strange names.
"""

import json
import re
import shlex
import shutil
import subprocess
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from bed import proc
from bed.scene import DOMAIN, own_number
from bed.seen import named, spy

NODE = shutil.which("node")
PLAIN = re.compile(r"[A-Za-z0-9-]+")
NUMBERS = ("+15550001111", "15550002222", "+442079460018", "anonymous")
STRANGE = ("alice", "o'neill", "100", "a&b", "x%20y", "%22q%22", "semi;colon=1", "back%5Cslash", "50%25", "a/b", "*72", "caf%C3%A9",
           "%E2%80%AEevil", "under_score-dash.dot", "a%40b", "%3Cx%3E", "sip%3Aalice", "$HOME", "`id`", "#tag")


async def met(scene, callers):
    """(caller, full JID, sid) of each proposal that a client gets, and all else that names a sid or a JID of ours."""
    client = await scene.client()
    out = []
    for caller in callers:
        seen = spy(client)
        theirs = await scene.dial(own_number(client.user), caller=caller)
        await proc.until(lambda: not client.proposals.empty() or theirs.passed("ended"), proc.SOON_S,  # pylint: disable=cell-var-from-loop
                         f"{caller} is let in or refused")
        if client.proposals.empty():
            continue
        mine = await client.incoming()
        await mine.reject("busy")
        await theirs.wait("ended")
        sid = named(seen, "propose")[0].get("id")
        jids = {s.get("from") for s in seen if (s.get("from") or "").partition("/")[0].endswith("@" + DOMAIN)}
        out += [(caller, jid, sid) for jid in sorted(jids) if "/" in jid]
    assert len({caller for caller, _, _ in out}) > len(callers) // 2
    return out


def in_javascript(program, *values):
    """What @program, an expression over `v`, is for each of @values."""
    if not NODE:
        pytest.skip("node is not installed: no JavaScript to try")
    code = f"const out = {json.dumps(list(values))}.map(v => {program}); console.log(JSON.stringify(out));"
    return json.loads(subprocess.run([NODE, "-e", code], check=True, capture_output=True, text=True).stdout)


async def test_resources_and_sids_are_letters_digits_and_dashes(scene):
    for caller, jid, sid in await met(scene, NUMBERS + STRANGE):
        assert PLAIN.fullmatch(jid.partition("/")[2]), f"{caller}: {jid}"
        assert PLAIN.fullmatch(sid), f"{caller}: {sid}"


async def test_a_number_is_a_plus_and_digits(scene):
    for caller, jid, _ in await met(scene, NUMBERS):
        assert re.fullmatch(r"(\+[0-9]{2,15}|anonymous)@tel\.example\.org/sip", jid), f"{caller}: {jid}"


async def test_the_localpart_of_a_strange_caller_is_one(scene):
    """RFC 7622 3.3.1, and XEP-0106 for what is forbidden there."""
    for caller, jid, _ in await met(scene, STRANGE):
        local = jid.partition("@")[0]
        assert not set(local) & set("\"&'/:<>@ "), f"{caller}: {jid}"
        assert all(c.isprintable() for c in local), f"{caller}: {jid}"
        assert re.fullmatch(r"(?:[^\\]|\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)|\\(?!20|22|26|27|2f|3a|3c|3e|40|5c))*", local)


async def test_movims_call_window_finds_the_caller_and_the_sid(scene):
    """Movim before 0.23.1: visioaudio/JID/sid pasted into a URL, cut at the slashes (movim#1274)."""
    window = "(path => [path[1] + '/' + path[2], path[3]])(new URL('https://movim.example/visioaudio/' + v).pathname.slice(1).split('/'))"
    found = await met(scene, NUMBERS)
    for (caller, jid, sid), cut in zip(found, in_javascript(window, *(f"{jid}/{sid}" for _, jid, sid in found))):
        assert cut == [jid, sid], f"{caller}: {cut}"


async def test_urls_keep_a_number(scene):
    for _, jid, sid in await met(scene, NUMBERS):
        assert urlsplit(f"https://client.example/call/{jid}/{sid}").path == f"/call/{jid}/{sid}"
        assert quote(sid) == sid and quote(jid.partition("/")[2]) == jid.partition("/")[2]
        assert urlsplit(f"xmpp:{jid}").path == jid


async def test_xpath_finds_every_address(scene):
    """With the address between quotes, as it is."""
    for caller, jid, sid in await met(scene, NUMBERS + STRANGE):
        tree = ET.fromstring("<r/>")
        ET.SubElement(tree, "c", jid=jid, sid=sid)
        assert tree.find(f"./c[@jid='{jid}'][@sid='{sid}']") is not None, caller
        assert tree.find(f'./c[@jid="{jid}"][@sid="{sid}"]') is not None, caller


async def test_javascript_keeps_a_number_between_quotes(scene):
    found = [text for _, jid, sid in await met(scene, NUMBERS) for text in (jid, sid)]
    for program in ("eval('\"' + v + '\"')", "eval(\"'\" + v + \"'\")", "eval('`' + v + '`')", "decodeURIComponent(encodeURIComponent(v))",
                    "v.replace(new RegExp(v.replace('+', '\\\\+')), v)"):
        assert in_javascript(program, *found) == found, program


async def test_a_shell_keeps_a_number(scene):
    for caller, jid, sid in await met(scene, NUMBERS):
        for text in (jid, sid):
            assert shlex.split(text) == [text], caller
            assert subprocess.run(["sh", "-c", f"printf %s {text}"], check=True, capture_output=True, text=True).stdout == text
            assert subprocess.run(["sh", "-c", f'printf %s "{text}"'], check=True, capture_output=True, text=True).stdout == text
