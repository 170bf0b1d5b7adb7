# SPDX-License-Identifier: AGPL-3.0-or-later
"""The three faces of the gateway's commands: XEP-0050 with XEP-0004 forms, a conversation, and tandemctl."""

import asyncio
import contextlib
import os

from . import jingle, tandem
from .jinglexml import element

COMMANDS, DATA, STANZAS = "http://jabber.org/protocol/commands", "jabber:x:data", "urn:ietf:params:xml:ns:xmpp-stanzas"
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
CLIENT = "jabber:client"
ANSWER_S = 10.0


class Stage:
    """What a request was answered: one step of a command, its result, or an error."""

    def __init__(self, iq):
        self.iq = iq
        command = iq.find(f"{{{COMMANDS}}}command")
        self.command = command if command is not None and iq.get("type") == "result" else None
        self.status = self.command.get("status") if self.command is not None else None
        self.sessionid = self.command.get("sessionid") if self.command is not None else None
        self.x = self.command.find(f"{{{DATA}}}x") if self.command is not None else None

    @property
    def error(self):
        """"condition" or "condition specific" of an error; None of a result."""
        error = self.iq.find(f"{{{CLIENT}}}error")
        if error is None:
            return None
        names = {child.tag for child in error}
        return " ".join(sorted((tag.partition("}")[2] for tag in names if tag.startswith((f"{{{STANZAS}}}", f"{{{COMMANDS}}}"))
                                and not tag.endswith("}text")), key=lambda name: f"{{{COMMANDS}}}{name}" in names))

    @property
    def actions(self):
        """The names of the actions, the default one first."""
        actions = self.command.find(f"{{{COMMANDS}}}actions")
        names = [child.tag.partition("}")[2] for child in actions]
        return sorted(names, key=lambda name: name != actions.get("execute"))

    @property
    def notes(self):
        """(type, text) of all notes."""
        return [(note.get("type"), note.text) for note in self.command.findall(f"{{{COMMANDS}}}note")]

    @property
    def text(self):
        """All notes in one."""
        return "\n".join(text for _, text in self.notes)

    @property
    def fields(self):
        """The fields of the form or result, by their names."""
        return {field.get("var"): field for field in self.x.findall(f"{{{DATA}}}field")}

    def value(self, var):
        """The first value of a field, or None."""
        return self.fields[var].findtext(f"{{{DATA}}}value")

    def options(self, var):
        """The values that a field can take."""
        return [option.findtext(f"{{{DATA}}}value") for option in self.fields[var].findall(f"{{{DATA}}}option")]

    @property
    def rows(self):
        """The rows of a table, as dictionaries."""
        return [{field.get("var"): field.findtext(f"{{{DATA}}}value") or "" for field in item}
                for item in self.x.findall(f"{{{DATA}}}item")] if self.x is not None else []


def form(values, kind="submit"):
    """A filled-in form."""
    x = element(DATA, "x", type=kind)
    for var, value in values.items():
        field = element(DATA, "field", x, var=var)
        for one in value if isinstance(value, (list, tuple)) else [value]:
            element(DATA, "value", field).text = str(one)
    return x


class Commander(jingle.Client):
    """A client that runs commands of @domain, by forms and by words."""

    domain = "tel.example.org"
    last = ()  # what the domain has said, as a stanza

    async def step(self, node, action=None, sessionid=None, values=None, kind="submit", lang=None):
        """One request."""
        command = element(COMMANDS, "command", node=node, action=action, sessionid=sessionid)
        if lang is not None:
            command.set("{http://www.w3.org/XML/1998/namespace}lang", lang)
        if values is not None:
            command.append(form(values, kind))
        return Stage(await self.request(command, self.domain, timeout=ANSWER_S * 3))

    async def run(self, node, *steps, **values):
        """A whole command: its forms are filled in with @steps, or all of them with @values."""
        stage = await self.step(node)
        answers = list(steps) or [values]
        while stage.status == "executing":
            known = {name.replace("_", "-"): value for name, value in (answers.pop(0) if steps else answers[0]).items()}
            stage = await self.step(node, None, stage.sessionid, {var: known[var] for var in stage.fields if var in known})
            if stage.error:
                break
        return stage

    async def listed(self):
        """The nodes that are listed to us."""
        answer = await self.request(element(ITEMS, "query", node=COMMANDS), self.domain, kind="get")
        return [item.get("node") for item in answer.findall(f"{{{ITEMS}}}query/{{{ITEMS}}}item")], answer

    async def say(self, text):
        """A line of conversation, and what is answered."""
        while not self.messages.empty():
            self.messages.get_nowait()
        body = element(CLIENT, "body")
        body.text = text
        self.message(self.domain, body)
        return await self.heard()

    async def heard(self):
        """What the domain says next."""
        while True:
            message = await asyncio.wait_for(self.messages.get(), ANSWER_S)
            if message.get("from", "").split("/")[0] == self.domain:
                self.last = message
                return message.findtext(f"{{{CLIENT}}}body")


async def start_ctl(gateway, *words, role=None, account=None, tabs=False, errors=asyncio.subprocess.STDOUT):
    """A tandemctl that runs."""
    options = ["-s", gateway.sections["control"]["socket"]]
    options += ["-r", role] if role else []
    options += ["-u", account] if account else []
    options += ["-t"] if tabs else []
    return await asyncio.create_subprocess_exec(
        os.path.join(os.path.dirname(tandem.binary()), "tandemctl"), *options, *words,
        stdout=asyncio.subprocess.PIPE, stderr=errors)


async def ctl(gateway, *words, **options):
    """tandemctl: its status and what it says."""
    process = await start_ctl(gateway, *words, **options)
    text, _ = await asyncio.wait_for(process.communicate(), ANSWER_S * 3)
    return process.returncode, text.decode()


class Lines:
    """What a live command of tandemctl prints, as it comes."""

    def __init__(self, process):
        self.process = process

    async def line(self):
        """The next line."""
        return (await asyncio.wait_for(self.process.stdout.readline(), ANSWER_S)).decode()

    async def rest(self):
        """All that comes until it ends by itself, as octets."""
        return await asyncio.wait_for(self.process.stdout.read(), ANSWER_S * 3)


@contextlib.asynccontextmanager
async def ctl_lines(gateway, *words, **options):
    """A live command of tandemctl; ended if it has not by itself."""
    process = await start_ctl(gateway, *words, **options)
    try:
        yield Lines(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
