# SPDX-License-Identifier: AGPL-3.0-or-later
"""What of deploy/ no program at hand can read, against models of who reads it: MongooseIM, FreeSWITCH, Kubernetes.

A wrong word, a value of another type and what is missing are found; whether those programs then do what the guides say is not
tried. The model of Kubernetes is its own; the others are written down here from the sources that are named."""

import ipaddress
import json
import os
import re
import tomllib
from xml.etree import ElementTree

import pytest
import yaml
from test_guides import DEPLOY, documents, snippet


# ---- MongooseIM ----

def whole(least, word=None):
    """An integer from @least on, or @word."""
    return lambda value: value >= least if isinstance(value, int) and not is_flag(value) else word is not None and value == word


def one_of(*values):
    """Each of these."""
    return lambda value: value in values and not is_flag(value)


def is_flag(value):
    """A boolean."""
    return isinstance(value, bool)


def is_text(value):
    """Some text."""
    return isinstance(value, str) and value != ""


def is_address(value):
    """A literal of IPv4 or IPv6."""
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


# Of a listener for components: listener_common(), xmpp_listener_common() and xmpp_listener_extra() of src/config/mongoose_config_spec.erl,
# from 6.4.0 on, whose parser takes no other key. Left out, as they name what stands elsewhere: tls, and shaper, which must be defined there.
MONGOOSEIM = {
    "port": lambda value: whole(0)(value) and value < 65536, "ip_address": is_address, "proto": one_of("tcp"), "ip_version": one_of(4, 6),
    "hibernate_after": whole(0, "infinity"), "backlog": whole(0), "max_connections": whole(1, "infinity"), "max_stanza_size": whole(1, "infinity"),
    "num_acceptors": whole(1), "proxy_protocol": is_flag, "reuse_port": is_flag, "state_timeout": whole(0, "infinity"),
    "access": is_text, "check_from": is_flag, "conflict_behaviour": one_of("kick_old", "disconnect"), "hidden_components": is_flag,
    "password": is_text}


def mongooseim_takes(text):
    """What MongooseIM would have against it."""
    configuration, found = tomllib.loads(text), []
    for section, listeners in configuration.items():
        if section != "listen" or set(listeners) != {"component"} or not isinstance(listeners["component"], list):
            return [f"{section}: no [[listen.component]]"]
        for listener in listeners["component"]:
            found += [f"{key} = {value!r}" for key, value in listener.items() if key not in MONGOOSEIM or not MONGOOSEIM[key](value)]
            found += [f"{key} is missing" for key in ("port", "password") if key not in listener]
    return found


def test_mongooseim_knows_every_word():
    assert mongooseim_takes(snippet("mongooseim.toml")) == []
    listener, = tomllib.loads(snippet("mongooseim.toml"))["listen"]["component"]
    assert listener["port"] == 8888 and listener["conflict_behaviour"] == "kick_old"  # as the guide has it


@pytest.mark.parametrize("good, bad, complaint", [
    ("[[listen.component]]", "[[listen.service]]", "no [[listen.component]]"), ("[[listen.component]]", "[listen.component]", "no [[listen.component]]"),
    ("ip_address", "ip_adress", "ip_adress"), ("port = 8888", 'port = "8888"', "port"), ("port = 8888", "port = 88888", "port"),
    ('"127.0.0.1"', '"localhost"', "ip_address"), ('"kick_old"', '"kick"', "conflict_behaviour"), ('password = "change-me"', "", "password is missing"),
    ('password = "change-me"', 'password = "change-me"\n  check_from = "no"', "check_from")])
def test_mongooseim_does_not_take_another(good, bad, complaint):
    text = snippet("mongooseim.toml")
    assert good in text
    found = mongooseim_takes(text.replace(good, bad))
    assert len(found) == 1 and complaint in found[0], found


# ---- FreeSWITCH ----

# Of a gateway: parse_gateways() of src/mod/endpoints/mod_sofia/sofia.c (1.10), which passes over what it does not know without a word: to load it
# there would find no wrong one. Texts, flags, seconds (less than 5 are refused or replaced) and counts.
TEXTS = {"scheme", "realm", "username", "auth-username", "password", "extension", "ping-user-agent", "proxy", "context", "from-user", "from-domain",
         "contact-host", "register-proxy", "outbound-proxy", "destination-prefix", "reg-id", "contact-params"}
FLAGS = {"register", "extension-in-contact", "caller-id-in-from", "contact-in-ping", "ping-monitoring", "distinct-to", "rfc-5626"}
SECONDS = {"ping", "expire-seconds", "retry-seconds", "timeout-seconds", "908-retry-seconds"}
COUNTS = {"ping-max", "ping-min"}
TRANSPORTS = {"udp", "tcp", "sctp", "tls", "ws", "wss"}
# Of a dialplan: parse_exten() of src/mod/dialplans/mod_dialplan_xml/mod_dialplan_xml.c, what the guide's needs of it. {element: (attributes, children)}
DIALPLAN = {"include": (set(), {"extension"}), "extension": ({"name", "continue"}, {"condition"}),
            "condition": ({"field", "expression", "break"}, {"action", "anti-action"}), "action": ({"application", "data"}, set()),
            "anti-action": ({"application", "data"}, set())}


def is_value(name, value):
    """Whether a parameter of a gateway may have that."""
    if name in FLAGS:
        return value in ("true", "false")
    if name in SECONDS:
        return value.isdigit() and int(value) >= 5
    if name in COUNTS:
        return value.isdigit()
    return bool(value) and (name != "register-transport" or value in TRANSPORTS)


def gateway_misfits(text):
    """What FreeSWITCH would not understand of a gateway, or not do."""
    gateway, = ElementTree.fromstring(text)
    found, values = [], {}
    if gateway.tag != "gateway" or not gateway.get("name"):
        return ["no gateway with a name"]
    for param in gateway:
        name, value = param.get("name", ""), param.get("value", "")
        if param.tag != "param" or set(param.attrib) != {"name", "value"} or name not in TEXTS | FLAGS | SECONDS | COUNTS | {"register-transport"}:
            found.append(f"{param.tag} {name}: unknown")
        elif name in values or not is_value(name, value):
            found.append(f"{name} = {value}")
        values[name] = value
    if values.get("register", "true") == "true":
        found += [f"{name} is missing" for name in ("username", "password") if not values.get(name)]
    if not values.get("proxy") and not values.get("realm"):
        found.append("proxy is missing")
    return found


def dialplan_misfits(element):
    """Elements and attributes that FreeSWITCH passes over."""
    attributes, children = DIALPLAN[element.tag]
    found = [f"{element.tag} {name}: unknown" for name in set(element.attrib) - attributes]
    for child in element:
        found += dialplan_misfits(child) if child.tag in children else [f"{child.tag} in {element.tag}"]
    return found


def test_freeswitch_knows_every_word():
    assert gateway_misfits(snippet("freeswitch-gateway.xml")) == []
    plan = ElementTree.fromstring(snippet("freeswitch-dialplan.xml"))
    assert plan.tag == "include" and dialplan_misfits(plan) == []


def test_freeswitchs_dialplan_calls_its_gateway():
    gateway, = ElementTree.fromstring(snippet("freeswitch-gateway.xml"))
    condition, = ElementTree.fromstring(snippet("freeswitch-dialplan.xml")).findall("./extension/condition[@field='destination_number']")
    number = re.search(condition.attrib["expression"], "+15557654321")
    assert number[1] == "+15557654321" and not re.search(condition.attrib["expression"], "+155576543210")
    assert condition.find("action").attrib == {"application": "bridge", "data": f"sofia/gateway/{gateway.attrib['name']}/$1"}


@pytest.mark.parametrize("good, bad, complaint", [
    ('name="proxy"', 'name="proxi"', "proxi: unknown"), ("<param name=\"ping\"", "<parm name=\"ping\"", "parm ping: unknown"),
    ('name="ping" value="30"', 'name="ping" value="3"', "ping = 3"), ('in-from" value="true"', 'in-from" value="maybe"', "maybe"),
    ('name="register" value="false"', 'name="register-transport" value="quic"', "quic"), ('name="realm"', 'name="proxy"', "proxy = "),
    ('gateway name="tandem"', "gateway", "no gateway with a name")])
def test_freeswitch_does_not_take_another_gateway(good, bad, complaint):
    text = snippet("freeswitch-gateway.xml")
    assert good in text
    found = gateway_misfits(text.replace(good, bad))
    assert len(found) == 1 and complaint in found[0], found


def test_freeswitch_registers_with_a_password_alone():
    """Which it does unless told otherwise."""
    text = re.sub(".*name=.password.*", "", snippet("freeswitch-gateway.xml"))
    assert gateway_misfits(text) == [] and gateway_misfits(text.replace('"register" value="false"', '"context" value="public"')) == ["password is missing"]


@pytest.mark.parametrize("good, bad, complaint", [
    ("expression=", "expresion=", "condition expresion: unknown"), ("<action ", "<acton ", "acton in condition"), ("extension", "extensoin", "extensoin in include"),
    ("application=", "aplication=", "action aplication: unknown")])
def test_freeswitch_does_not_take_another_dialplan(good, bad, complaint):
    text = snippet("freeswitch-dialplan.xml")
    assert good in text
    assert dialplan_misfits(ElementTree.fromstring(text.replace(good, bad))) == [complaint]


# ---- Kubernetes ----

# How Kubernetes' own client, which is made of its OpenAPI description, writes the types of YAML.
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": str, "date": str}


def misfits(models, value, kind, where):
    """Where @value is not of @kind: words that are unknown, or of another type."""
    if kind == "object":
        return
    if kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or isinstance(value, bool) != (kind == "bool"):
            yield f"{where}: {value!r} is no {kind}"
    elif kind.startswith("list["):
        for n, each in enumerate(value):
            yield from misfits(models, each, kind[5:-1], f"{where}[{n}]")
    elif kind.startswith("dict("):
        for key, each in value.items():
            yield from misfits(models, each, kind[5:-1].split(", ")[1], f"{where}.{key}")
    else:
        model = getattr(models, kind)
        types = {model.attribute_map[name]: of for name, of in model.openapi_types.items()}
        for key, each in value.items():
            if key not in types:
                yield f"{where}.{key}: unknown to {kind}"
            else:
                yield from misfits(models, each, types[key], f"{where}.{key}")


def kubernetes_takes(document):
    """What Kubernetes has against it; a missing word is a ValueError."""
    kubernetes = pytest.importorskip("kubernetes.client", reason="python3-kubernetes is not installed")
    kind = document["kind"]
    found = list(misfits(kubernetes.models, document, f"V1{kind}", kind))
    api = kubernetes.CoreV1Api if document["apiVersion"] == "v1" else kubernetes.AppsV1Api
    if not hasattr(api, "create_namespaced_" + re.sub("(?<!^)([A-Z])", r"_\1", kind).lower()):
        found.append(f"{kind} is not of {document['apiVersion']}")
    response = type("Response", (), {"data": json.dumps(document)})
    if not found:
        kubernetes.ApiClient().deserialize(response, f"V1{kind}")
    return found


def test_kubernetes_knows_every_word():
    assert [kubernetes_takes(document) for document in documents("kubernetes.yaml")] == [[], [], []]


@pytest.mark.parametrize("good, bad, complaint", [
    ("hostNetwork: true", "hostNetwrk: true", "unknown to V1PodSpec"), ("replicas: 1", 'replicas: "1"', "is no int"),
    ("apiVersion: apps/v1", "apiVersion: v1", "is not of v1"), ("      containers:\n", "      initContainers:\n", "containers"),
    ("{name: conf, mountPath: /etc/tandem}", "{name: conf}", "mount_path")])
def test_kubernetes_does_not_take_another(good, bad, complaint):
    with open(os.path.join(DEPLOY, "container", "kubernetes.yaml"), encoding="utf-8") as file:
        text = file.read()
    assert good in text
    document = list(yaml.safe_load_all(text.replace(good, bad)))[2]
    try:
        found = kubernetes_takes(document)
    except ValueError as error:
        found = [str(error)]
    assert found and complaint in found[0], found
