# SPDX-License-Identifier: AGPL-3.0-or-later
"""A login with the library of Gajim (python3-nbxmpp), which reads and fills in forms as its windows do. A program of its own:
a line of JSON is a request, and so is each answer. Used by gajim.py."""

import json
import sys

from gi.repository import GLib
from nbxmpp.client import Client
from nbxmpp.const import AdHocAction, ConnectionProtocol, ConnectionType
from nbxmpp.modules.dataforms import MultipleDataForm, extend_form
from nbxmpp.protocol import JID, Presence


def tell(**answer):
    """One line."""
    print(json.dumps(answer), flush=True)


def fields_of(form):
    """What its window shows of @form: the fields by name, with type, value, options and whether each is well."""
    if isinstance(form, MultipleDataForm):
        return {}, [{field.var: field.value for field in record.iter_fields()} for record in form.items]
    shown = {}
    for field in form.iter_fields():
        value = field.values if hasattr(field, "values") else field.value
        options = [value for value, _ in field.iter_options()] if hasattr(field, "iter_options") else []
        shown[field.var] = {"type": field.type_, "label": field.label, "value": value, "options": options, "required": field.required}
    return shown, []


class Talk:
    """One client, and the command that it is at."""

    def __init__(self, host, port, domain, user, password, resource):
        self.loop, self.client, self.command, self.commands = GLib.MainLoop(), Client("test"), None, {}
        self.client.set_domain(domain)
        self.client.set_username(user)
        self.client.set_password(password)
        self.client.set_resource(resource)
        self.client.set_custom_host(f"{host}:{port}", ConnectionProtocol.TCP, ConnectionType.PLAIN)
        self.client.set_connection_types([ConnectionType.PLAIN])
        self.client.set_protocols([ConnectionProtocol.TCP])
        self.client.set_mechs(["PLAIN", "SCRAM-SHA-1"])
        self.client.subscribe("connected", self.on_connected)
        for what in ("connection-failed", "disconnected"):
            self.client.subscribe(what, self.on_gone)
        self.client.connect()

    def on_connected(self, *_):
        """Bound."""
        self.client.send_stanza(Presence())
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.on_line)
        tell(event="ready")

    def on_gone(self, _client, what, *_):
        """Never while a test goes on."""
        tell(event="gone", what=what)
        self.loop.quit()

    def on_line(self, *_):
        """A request."""
        line = sys.stdin.readline()
        if not line:
            self.loop.quit()
            return False
        request = json.loads(line)
        module = self.client.get_module("AdHoc")
        if request["do"] == "list":
            module.request_command_list(JID.from_string(request["jid"]), callback=self.on_list)
        elif request["do"] == "start":
            module.execute_command(self.commands[request["node"]], callback=self.on_answer)
        else:
            action = AdHocAction(request["do"]) if request["do"] != "default" else self.command.default
            form = self.fill(request.get("values")) if action != AdHocAction.CANCEL else None
            module.execute_command(self.command, action, form, callback=self.on_answer)
        return True

    def fill(self, values):
        """The form with @values typed into it, as it is submitted."""
        form = extend_form(self.command.data)
        for var, value in (values or {}).items():
            field = form[var]
            if hasattr(field, "values"):
                field.values = value
            else:
                field.value = value
        form.type_ = "submit"
        return form.get_purged()

    def on_list(self, task):
        """The commands that there are."""
        try:
            self.commands = {command.node: command for command in task.finish()}
            tell(commands={node: command.name for node, command in self.commands.items()})
        except Exception as error:  # pylint: disable=broad-except
            tell(error=repr(error))

    def on_answer(self, task):
        """A step, or a result."""
        try:
            self.command = task.finish()
        except Exception as error:  # pylint: disable=broad-except
            tell(error=str(error))
            return
        form = extend_form(self.command.data) if self.command.data is not None else None
        fields, rows = fields_of(form) if form is not None else ({}, [])
        tell(status=self.command.status.value, actions=sorted(action.value for action in self.command.actions or ()),
             notes=[[note.type.value, note.text] for note in self.command.notes or ()], fields=fields, rows=rows,
             title=form.title if form is not None else None)


Talk(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]).loop.run()
