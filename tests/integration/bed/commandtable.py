# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each command of the gateway and who may run it, and what tests of commands share."""

from . import sipmsg
from .commands import ANSWER_S, Commander
from .scene import GATEWAY

# Each command and the least that may: with which words tandemctl runs it without a change.
USER, READER, OPERATOR, OWNER = "user", "reader", "operator", "owner"
NEW = "new"  # to whom an account is about to move: none of ROLES
ADMIN = "http://jabber.org/protocol/admin#"  # XEP-0133; the words for the same
ANNOUNCE, USERS = f"{ADMIN}announce", f"{ADMIN}get-registered-users-num"
ADD, DELETE, DISABLE, ENABLE = (f"{ADMIN}{name}" for name in ("add-user", "delete-user", "disable-user", "reenable-user"))
END_SESSION = f"{ADMIN}end-user-session"
RESTART, SHUTDOWN = f"{ADMIN}restart", f"{ADMIN}shutdown"
LISTS = {f"{ADMIN}get-online-users-num": "users-online", f"{ADMIN}get-online-users-list": "users-online-list",
         f"{ADMIN}get-disabled-users-num": "users-disabled", f"{ADMIN}get-active-users-num": "users-active",
         f"{ADMIN}get-registered-users-list": "users-list", f"{ADMIN}get-disabled-users-list": "users-disabled-list",
         f"{ADMIN}get-active-users": "users-active-list"}
WORDS = {ANNOUNCE: "announce", USERS: "users", ADD: "account-add", DELETE: "account-remove", DISABLE: "account-disable",
         ENABLE: "account-enable", END_SESSION: "user-hangup", RESTART: "restart", SHUTDOWN: "shutdown", **LISTS}
NEEDS = {
    "status": (READER,), "calls": (READER,), "watch": (READER, "none"),
    "trace-start": (OPERATOR, "what="), "trace-follow": (OPERATOR, "what="), "traces": (OPERATOR,),
    "trace-show": (OPERATOR, "999999"), "trace-stop": (OPERATOR, "999999"), "trace-save": (OPERATOR, "999999"),
    "call-hangup": (OPERATOR, "none"),
    "numbers": (READER,), "number-assign": (OPERATOR,), "number-release": (OPERATOR, "+19990000000"),
    "number-ring": (OPERATOR, "+19990000000"), "number-texts": (OPERATOR, "+19990000000"),
    "number-import": (OPERATOR, "csv=x"),
    "accounts": (READER,), ADD: (OPERATOR,), DISABLE: (OPERATOR, "nobody@nowhere.example"),
    ENABLE: (OPERATOR, "nobody@nowhere.example"), DELETE: (OPERATOR, "nobody@nowhere.example"),
    END_SESSION: (OPERATOR, "nobody@nowhere.example"), **{node: (READER,) for node in LISTS},
    "account-limits": (OPERATOR, "nobody@nowhere.example"), "account-caller-id": (OPERATOR, "nobody@nowhere.example"),
    RESTART: (OWNER, "delay=x"), SHUTDOWN: (OWNER, "sure=no"),
    "blocks": (READER,), "block": (OPERATOR,), "unblock": (OPERATOR,),
    "trunk-add": (OWNER, "a b"), "trunk-edit": (OWNER,), "trunk-remove": (OWNER,),
    "routes": (READER,), "route-put": (OPERATOR, "a b"), "route-remove": (OPERATOR,),
    "trunks": (READER,), "trunk-test": (OPERATOR,), "trunk-call": (OPERATOR,), "trunk-drain": (OPERATOR,), "history": (READER,),
    "history-export": (OPERATOR, "since=x"),
    "my-blocks": (USER,), "my-block": (USER,), "my-unblock": (USER,),
    "my-numbers": (USER,), "my-settings": (USER,), "my-caller-id": (USER,), "do-not-disturb": (USER,), "my-calls": (USER,),
    "transfer-call": (USER,), "my-test-call": (USER,), "my-move": (USER,), "my-take": (NEW,),
    "why-failed": (USER,), "reload": (OWNER,), "backup": (OWNER,), "upgrade": (OWNER, "no"), "changes": (READER,),
    ANNOUNCE: (OPERATOR,), USERS: (READER,), "drain": (OWNER, "drain=no"), "log-level": (OWNER, "debug"),
}
LIVE = {"watch"}  # they go on until somebody says stop
LEVELS = [READER, OPERATOR, OWNER]
ROLES = {"admin": OWNER, "oscar": OPERATOR, "rita": READER, "alice": USER, "carol": None}  # alice owns a number
CTL_ROLES = {"admin": "owner", "oscar": "operator", "rita": "read-only"}
UNKNOWN = "I do not know this command. Write: help"


def may(role, need):
    """Whether @role may what asks for @need."""
    if need not in LEVELS or role not in LEVELS:
        return role == need
    return LEVELS.index(role) >= LEVELS.index(need)


def allowed(role):
    """The commands of a role."""
    return {node for node, (need, *_) in NEEDS.items() if may(role, need)}


def anything(role):
    """Whether the domain has commands for @role at all."""
    return role is not None


async def commander(scene, user, resource="phone"):
    """A device of @user that runs commands."""
    return await scene.client(user, kind=Commander, resource=resource)


def fresh_number():
    """A number that nobody has had."""
    fresh_number.last += 1
    return f"+1555300{fresh_number.last:04d}"


fresh_number.last = 0


async def asked(telephone, method):
    """What Tandem answers to a request of @telephone outside of dialogs."""
    peer = await telephone.wire.reach("udp", GATEWAY, 5060)
    request = sipmsg.Message(method, f"sip:{GATEWAY}")
    request.add("Via", telephone.wire.via(peer[0])).add("Max-Forwards", 70)
    request.add("From", f"<sip:pbx@{telephone.host}>;tag={sipmsg.token()}").add("To", f"<sip:{GATEWAY}>")
    request.add("Call-ID", sipmsg.token(20)).add("CSeq", f"1 {method}")
    return (await telephone.wire.request(request, peer).final(ANSWER_S)).status
