# SPDX-License-Identifier: AGPL-3.0-or-later
"""Network namespaces on a bridge, with packet filters and NAT: nothing leaves them.

A Node is a namespace. The processes of a test are started inside one, and the agents written in Python (clients,
telephones) live in one process and one event loop: `with node.inside():` makes every socket that this task, and the
tasks it starts, creates from then on belong to the node. That works because a socket stays in the namespace it was
created in, so only its creation has to be wrapped, and because asyncio and its libraries create theirs through
socket.socket().
"""

import atexit
import contextlib
import contextvars
import ctypes
import ipaddress
import os
import re
import socket
import subprocess

import aioice.ice

CLONE_NEWNET = 0x40000000
PREFIX = "tdm"
# Loaded with the interpreter's lock held: nobody else may run between entering a namespace and leaving it.
_libc = ctypes.PyDLL(None, use_errno=True)
_node = contextvars.ContextVar("node", default=None)
_only = contextvars.ContextVar("only", default=None)
_home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(*argv, quiet=False):
    """Run a command to its end and return what it printed; RuntimeError with its message if it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode and not quiet:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Rule:
    """A packet filter rule that can be taken away again."""

    def __init__(self, node, family, arguments):
        self.node = node
        self.tool = "ip6tables" if family == 6 else "iptables"
        self.arguments = arguments
        self._apply("-I")
        self.active = True

    def _apply(self, verb):
        with self.node.enter():
            run(self.tool, "-w", verb, *self.arguments)

    def remove(self):
        """Take the rule away; doing so twice does no harm."""
        if self.active:
            self._apply("-D")
            self.active = False


class Node:
    """One network namespace with addresses on one or more networks."""

    def __init__(self, network, name):
        self.network = network
        self.name = name
        self.netns = f"{network.tag}-{name}"
        self.interfaces = 0
        self.addresses = []
        run("ip", "netns", "add", self.netns)
        self.fd = os.open(f"/run/netns/{self.netns}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link set lo up")
        with self.enter(), open("/proc/sys/net/ipv4/conf/all/promote_secondaries", "w", encoding="ascii") as control:
            control.write("1")  # the first of two addresses may be taken away

    def ip(self, command):
        """Run one `ip` command inside this node."""
        return run("ip", "-n", self.netns, *command.split())

    def join(self, network, *addresses):
        """Connect this node to @network's bridge with @addresses ("10.77.0.1/24", "fd77::1/64")."""
        interface = f"eth{self.interfaces}"
        self.interfaces += 1
        network.plug(self, interface)
        for address in addresses:
            self.add_address(address, interface)
        return self

    def add_address(self, address, interface="eth0"):
        """Give an interface one more address."""
        extra = " nodad" if ":" in address else ""
        self.ip(f"addr add {address} dev {interface}{extra}")
        self.addresses.append(str(ipaddress.ip_interface(address).ip))

    def drop_address(self, address, interface="eth0"):
        """Take an address away."""
        self.ip(f"addr del {address} dev {interface}")
        self.addresses.remove(str(ipaddress.ip_interface(address).ip))

    @contextlib.contextmanager
    def enter(self):
        """Move this thread into the node for a block that never awaits (process start, raw sockets)."""
        _setns(self.fd)
        try:
            yield self
        finally:
            _setns(_home)

    @contextlib.contextmanager
    def inside(self):
        """Let every socket this task creates from here on, also in tasks it starts, belong to the node."""
        token = _node.set(self)
        try:
            yield self
        finally:
            _node.reset(token)

    def block(self, *, source=None, to=None, protocol="udp", chain="INPUT", port=None, source_port=None):
        """Drop what matches; returns the Rule, which can be removed."""
        arguments = [chain]
        if source:
            arguments += ["-s", source]
        if to:
            arguments += ["-d", to]
        arguments += ["-p", protocol]
        if port:
            arguments += ["--dport", str(port)]
        if source_port:
            arguments += ["--sport", str(source_port)]
        family = 6 if ":" in (source or to or "") else 4
        return Rule(self, family, arguments + ["-j", "DROP"])

    def masquerade(self, inner, outer="eth0"):
        """Make this node a router that hides the network @inner behind its address on @outer."""
        with self.enter():
            with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as control:
                control.write("1")
            run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-s", inner, "-o", outer, "-j", "MASQUERADE")

    def close(self):
        """Remove the namespace."""
        os.close(self.fd)
        run("ip", "netns", "del", self.netns, quiet=True)


class Host:
    """This machine itself in the place of a Node, for what people shall reach from outside."""

    fd = _home
    enter, inside = Node.enter, Node.inside

    def __init__(self, address):
        self.addresses = [address]


class Network:
    """A bridge in a namespace of its own, and the nodes plugged into it."""

    _count = 0

    def __init__(self):
        Network._count += 1
        self.tag = f"{PREFIX}{os.getpid()}-{Network._count}"
        self.nodes = []
        self.bridges = 0
        self.switch = Node(self, "br")
        self.switch.ip("link add br0 type bridge")
        self.switch.ip("link set br0 up")
        atexit.register(self.close)

    def node(self, name, *addresses):
        """A new node with @addresses on this network."""
        node = Node(self, name)
        self.nodes.append(node)
        return node.join(self, *addresses) if addresses else node

    def plug(self, node, interface):
        """Join @node's new @interface to the bridge by a veth pair."""
        self.bridges += 1
        port = f"p{self.bridges}"
        node.ip(f"link add {interface} type veth peer name {port} netns {self.switch.netns}")
        self.switch.ip(f"link set {port} master br0 up")
        node.ip(f"link set {interface} up")

    def link(self, one, one_address, other, other_address):
        """A private wire between two nodes (behind a router, say), beside the bridge."""
        left, right = f"eth{one.interfaces}", f"eth{other.interfaces}"
        one.interfaces += 1
        other.interfaces += 1
        one.ip(f"link add {left} type veth peer name {right} netns {other.netns}")
        for node, interface, address in ((one, left, one_address), (other, right, other_address)):
            node.add_address(address, interface)
            node.ip(f"link set {interface} up")

    def close(self):
        """Remove every namespace; doing so twice does no harm."""
        for node in reversed(self.nodes):
            node.close()
        self.nodes = []
        if self.switch:
            self.switch.close()
            self.switch = None
        atexit.unregister(self.close)


def sweep():
    """Remove namespaces that a killed run has left behind."""
    for line in run("ip", "netns", "list").splitlines():
        match = re.match(rf"{PREFIX}(\d+)-\S+", line)
        if match and not os.path.exists(f"/proc/{match.group(1)}"):
            run("ip", "netns", "del", match.group(0), quiet=True)


@contextlib.contextmanager
def only(addresses):
    """Let this task gather candidates from @addresses alone; None for all that the node has."""
    token = _only.set(addresses)
    try:
        yield
    finally:
        _only.reset(token)


def addresses_here(use_ipv4=True, use_ipv6=True):
    """The addresses of the node this task is inside of: what aioice would gather."""
    node = _node.get()
    found = list(_only.get() or (node.addresses if node else []))
    return [a for a in found if (use_ipv6 if ":" in a else use_ipv4)]


def _install():
    create = socket.socket.__init__

    def create_inside(self, family=-1, type=-1, proto=-1, fileno=None):  # pylint: disable=redefined-builtin
        node = _node.get()
        if node is None or fileno is not None:
            create(self, family, type, proto, fileno)
            return
        _setns(node.fd)
        try:
            create(self, family, type, proto, fileno)
        finally:
            _setns(_home)

    socket.socket.__init__ = create_inside
    aioice.ice.get_host_addresses = addresses_here


_install()
