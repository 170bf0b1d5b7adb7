# SPDX-License-Identifier: AGPL-3.0-or-later
"""The guides of deploy/ hold what they say: their snippets are read by the programs they are for, what they name is there,
and the shells' completion knows the programs' words. No network, no root but where a firewall is asked."""

import fcntl
import glob
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios

import pytest
import yaml

from bed import certificate, kamailio, proc
from bed.tandem import ROOT, binary, missing

DEPLOY = os.path.join(ROOT, "deploy")
SNIPPETS = os.path.join(DEPLOY, "snippets")
GUIDES = sorted(glob.glob(os.path.join(DEPLOY, "guides", "*.txt")))
LIMIT_S, COLUMNS = 20, 88
SANITIZER = re.compile("lib(a|t|ub)san")
TRUNKS = 'xmpp { domain = "tel.example.org"  secret_file = "/etc/tandem/secret" }\n'  # where a snippet has trunks alone
LOAD = ("[application:ensure_all_started(A) || A <- [fast_yaml, fast_xml, stringprep, idna, xmpp]], mnesia:start(), "
        'R = ejabberd_config:load(), io:format("RESULT ~s~n", [case R of ok -> ok; E -> ejabberd_config:format_error(E) end]), '
        "halt().")


def snippet(name):
    """The text of a snippet."""
    with open(os.path.join(SNIPPETS, name), encoding="utf-8") as file:
        return file.read()


def run(*argv, **more):
    """(exit code, all it has printed)."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False, **more)
    return done.returncode, done.stdout


@pytest.fixture(name="place")
def _place():
    path = proc.directory("guides")
    yield path
    shutil.rmtree(path)


def put(place, name, text):
    """Write a file there; its path."""
    path = os.path.join(place, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def needs(program, package=None):
    """Skips without @program."""
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed: apt-get install {package or program}")


# ---- XMPP servers ----

@needs("prosodyctl", "prosody")
@pytest.mark.parametrize("damage, good", [(("", ""), True), (('Component "tel', 'Component {"tel'), False)])
def test_prosody_reads_its_snippet(place, damage, good):
    os.mkdir(os.path.join(place, "certs"))
    path = put(place, "prosody.cfg.lua", snippet("prosody.cfg.lua").replace(*damage))
    code, said = run("prosodyctl", "--config", path, "check", "config")
    assert (code == 0 and "All checks passed" in said) == good, said


@needs("erl", "ejabberd")
@pytest.mark.parametrize("damage, good", [(("", ""), True), (("global_routes", "globl_routes"), False),
                                          (("resume_timeout", "resume"), False)])
def test_ejabberd_reads_its_snippet(place, damage, good):
    paths = glob.glob("/usr/lib/*/ejabberd-*/ebin") + glob.glob("/usr/lib/ejabberd*/ebin")
    if not paths:
        pytest.skip("ejabberd is not installed: apt-get install ejabberd")
    path = put(place, "ejabberd.yml", snippet("ejabberd.yml").replace(*damage))
    _, said = run("erl", "-noinput", "-pa", *paths, "-mnesia", "dir", f'"{place}/mnesia"', "-eval", LOAD,
                  env=dict(os.environ, EJABBERD_CONFIG_PATH=path, ERL_CRASH_DUMP_BYTES="0"), cwd=place)
    assert ("RESULT ok" in said) == good, said


# ---- Tandem itself ----

@pytest.fixture(name="files", scope="module")
def _files():
    path = proc.directory("guides-etc")
    certificate.write(path, "gw.example.org")
    for name in ("secret", "fritzbox.password", "telnyx.password", "twilio.password", "voipms.password", "carrier.password"):
        put(path, name, "secret\n")
    for name in os.listdir(path):
        os.chmod(os.path.join(path, name), 0o600)
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
@pytest.mark.parametrize("name", sorted(os.path.basename(path) for path in glob.glob(os.path.join(SNIPPETS, "tandem-*.conf"))))
def test_tandem_reads_its_snippets(place, files, name):
    text = snippet(name)
    if "\nxmpp {" not in text:
        text = TRUNKS + text
    path = put(place, name, text.replace("/etc/tandem/", files + "/"))
    assert run(binary(), "-n", "-c", path) == (0, "")
    code, said = run(binary(), "-n", "-c", put(place, "damaged", text + "\nnumbr = 1\n"))
    assert code == 1 and "numbr" in said


# ---- what stands before and beside it ----

@pytest.mark.skipif(bool(kamailio.missing()), reason=kamailio.missing() or "")
@pytest.mark.parametrize("name", ["kamailio-dispatcher.cfg", "kamailio-websocket.cfg"])
def test_kamailio_reads_its_snippets(place, name):
    code, said = run("kamailio", "-c", "-f", os.path.join(SNIPPETS, name), "-Y", place)
    assert code == 0 and "config file ok" in said, said
    damaged = put(place, name, snippet(name).replace("t_relay();", "t_rely();", 1))
    assert run("kamailio", "-c", "-f", damaged, "-Y", place)[0] != 0


@needs("turnserver", "coturn")
@pytest.mark.parametrize("damage, good", [(("", ""), True), (("fingerprint", "fingerprnt"), False)])
def test_coturn_reads_its_snippet(place, damage, good):
    path = put(place, "turnserver.conf", snippet("turnserver.conf").replace(*damage))
    argv = ["turnserver", "-c", path, "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", "0", "--log-file=stdout", "--no-tls", "--no-dtls",
            "--pidfile", os.path.join(place, "pid"), "--userdb", os.path.join(place, "db")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Default realm" in line:  # it has read all of it
                break
        process.send_signal(signal.SIGTERM)
        said = "".join(said + process.stdout.readlines())
    assert "Default realm: example.org" in said, said
    assert ("Bad configuration format" not in said and "CONFIG ERROR" not in said) == good, said


@needs("iptables-restore", "iptables")
@pytest.mark.skipif(os.geteuid() != 0, reason="firewalls are root's")
def test_iptables_reads_its_snippet(place):
    assert run("iptables-restore", "--test", "--noflush", os.path.join(SNIPPETS, "firewall.rules"))[0] == 0
    damaged = put(place, "rules", snippet("firewall.rules").replace("--dport", "--dprt", 1))
    assert run("iptables-restore", "--test", "--noflush", damaged)[0] != 0


@needs("nft", "nftables")
@pytest.mark.skipif(os.geteuid() != 0, reason="firewalls are root's")
def test_nftables_reads_its_snippet():
    assert run("nft", "-c", "-f", os.path.join(SNIPPETS, "firewall.nft")) == (0, "")


def test_both_firewalls_open_the_same_ports():
    def ports(name, pattern):
        return {tuple(sorted(re.findall(r"\d+", group))) for group in re.findall(pattern, snippet(name))}
    nft = ports("firewall.nft", r"(?:udp|tcp) dport (\{[^}]*\}|\S+)")
    iptables = ports("firewall.rules", r"--dport (\S+)")
    assert {port for group in nft for port in group} == {port for group in iptables for port in group}


def test_asterisks_sections_name_each_other():
    sections = re.findall(r"^\[(\S+)\]\n((?:\S+=.*\n)+)", snippet("asterisk-pjsip.conf"), re.M)
    kinds = {(name, re.search("^type=(.*)$", body, re.M)[1]) for name, body in sections}
    named = {(value, key if key != "aors" else "aor") for _, body in sections
             for key, value in re.findall("^(transport|aors|endpoint)=(.*)$", body, re.M)}
    assert named and named <= kinds, named - kinds
    contexts = re.findall(r"^\[(\S+)\]$", snippet("asterisk-extensions.conf"), re.M)
    assert re.search("^context=(.*)$", snippet("asterisk-pjsip.conf"), re.M)[1] in contexts


@needs("apparmor_parser", "apparmor")
def test_apparmor_reads_the_profile():
    code, said = run("apparmor_parser", "-QK", os.path.join(DEPLOY, "apparmor", "tandem"))
    assert code == 0, said


@needs("logrotate")
def test_logrotate_turns_the_log_over(place):
    log, asked = os.path.join(place, "tandem.log"), os.path.join(place, "asked")
    text = said_in(os.path.join(DEPLOY, "logrotate", "tandem")).replace("/var/log/tandem/*", os.path.join(place, "*"))
    command = "systemctl kill --signal=HUP tandem.service"
    assert command in text
    path = put(place, "rotate", text.replace(command, f"echo asked >>{asked}"))
    os.chmod(path, 0o644)
    for name in (log, os.path.join(place, "other.log")):
        put(place, os.path.basename(name), "a line\n")
    assert run("logrotate", "-f", "-s", os.path.join(place, "state"), path) == (0, "")
    assert said_in(log + ".1") == "a line\n" and not os.path.exists(log) and said_in(asked) == "asked\n"
    assert run("logrotate", "-s", os.path.join(place, "state"), path) == (0, ""), "nothing is there"
    damaged = put(place, "damaged", text.replace("sharedscripts", "shardscripts"))
    os.chmod(damaged, 0o644)
    assert "shardscripts" in run("logrotate", "-d", damaged)[1]


# ---- containers ----

def documents(name):
    """What a file of YAML has."""
    with open(os.path.join(DEPLOY, "container", name), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def test_compose_names_what_is_there():
    compose, = documents("compose.yaml")
    assert set(compose["services"]) == {"prosody", "tandem"}
    for service in compose["services"].values():
        assert service["network_mode"] == "host"
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source[0] in "./" or source in compose["volumes"], volume
        context = os.path.join(DEPLOY, "container", service["build"]["context"])
        assert os.path.exists(os.path.join(context, service["build"]["dockerfile"]))
    assert os.path.samefile(context, ROOT)  # Tandem's, the last


def test_kubernetes_mounts_what_it_has():
    kinds = {document["kind"]: document for document in documents("kubernetes.yaml")}
    pod = kinds["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["hostNetwork"] and kinds["StatefulSet"]["spec"]["replicas"] == 1
    mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
def test_the_configuration_of_kubernetes_is_read(place, files):
    text = next(d for d in documents("kubernetes.yaml") if d["kind"] == "ConfigMap")["data"]["tandem.conf"]
    path = put(place, "tandem.conf", text.replace("/etc/tandem-secret/", files + "/"))
    assert run(binary(), "-n", "-c", path) == (0, "")


def test_the_container_has_the_packages_of_the_package():
    with open(os.path.join(DEPLOY, "container", "Containerfile"), encoding="utf-8") as file:
        build, runtime = file.read().split("bookworm-slim")
    with open(os.path.join(DEPLOY, "debian", "control"), encoding="utf-8") as file:
        needed = re.search(r"Build-Depends: ([^\n]*\n(?: .*\n)*)", file.read())[1]
    names = {name.split()[0] for name in needed.split(",")} - {"debhelper-compat"}
    assert names <= set(build.split()), names - set(build.split())
    if missing() or not shutil.which("dpkg"):
        return
    for library in linked():
        assert library in runtime.split() or library in ("libc6", "libgcc-s1"), library


def linked():
    """The Debian packages that the program itself asks libraries of."""
    sonames = re.findall(r"NEEDED +(\S+)", run("objdump", "-p", binary())[1])
    paths = dict(re.findall(r"(\S+) => (\S+)", run("ldd", binary())[1]))
    real = {os.path.realpath(paths[soname]) for soname in sonames if not SANITIZER.match(soname)}
    owners = run("dpkg", "-S", *real, *(path.removeprefix("/usr") for path in real))[1]
    return {line.split(":")[0] for line in owners.splitlines() if "no path found" not in line}


# ---- completion ----

def commands():
    """The words of gateway/admin's table, as tandemctl takes them."""
    words = {"help"}
    for path in glob.glob(os.path.join(ROOT, "gateway", "admin", "commands_*.c")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        words |= set(re.findall(r'\.node = "([^"]*)"', text)) | set(re.findall(r'\.word = "([^"]*)"', text))
    return words


def complete(*words):
    """What bash offers for the last of @words."""
    script = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
              '"_$1" "$1" "${@: -1}" "${COMP_WORDS[COMP_CWORD-1]}"; printf "%s\\n" "${COMPREPLY[@]}"')
    code, said = run("bash", "-c", script, os.path.join(DEPLOY, "completion", "tandem.bash"), *words)
    assert code == 0, said
    return set(said.split())


def test_bash_completes_the_commands():
    offered = complete("tandemctl", "")
    assert {word for word in offered if not word.startswith("-")} == commands()
    assert complete("tandemctl", "number-a") == {"number-assign"}
    assert complete("tandemctl", "-t", "trunk-") == {word for word in commands() if word.startswith("trunk-")}
    assert complete("tandemctl", "-r", "o") == {"owner", "operator"}
    assert complete("tandemctl", "log-level", "d") == {"debug"}


def test_bash_completes_the_program():
    assert complete("tandem", "--") == {"--setup"}
    assert complete("tandem", "doc") == {"doctor"}
    assert complete("tandem", "--setup", "do") == {"domain="}
    assert os.path.join(DEPLOY, "tandem.conf") in complete("tandem", "-c", os.path.join(DEPLOY, "tandem.con"))


@pytest.mark.skipif(bool(missing()), reason=missing() or "")
def test_setup_takes_the_words_that_are_completed():
    _, said = run(binary(), "-c", "/nonexistent/tandem.conf", "--setup", "nonsense=1", stdin=subprocess.DEVNULL)
    assert {f"{key}=" for key in re.findall(r"^  (\S+) ", said, re.M)} == complete("tandem", "--setup", "")


def test_zsh_knows_the_same_commands():
    with open(os.path.join(DEPLOY, "completion", "_tandem"), encoding="utf-8") as file:
        text = file.read()
    assert set(re.search(r"'1:command:\(([^)]*)\)'", text)[1].split()) == commands()


@needs("zsh")
def test_zsh_reads_its_completion():
    assert run("zsh", "-n", os.path.join(DEPLOY, "completion", "_tandem")) == (0, "")


# How each shell is started, and told of the completion.
SHELLS = {"bash": (["bash", "--norc", "--noprofile", "-i"], '. {0}/tandem.bash; bind "set show-all-if-ambiguous on"; '
                   'bind "set completion-query-items 0"; bind "set page-completions off"; bind "set enable-bracketed-paste off"'),
          "zsh": (["zsh", "-f", "-i"], "fpath=({0} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=9999")}
MOVES, NOISE = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[=>])"), re.compile(r"[\x07\x08\r]")


def typed(shell, *lines):
    """What is on the screen of @shell after each of @lines and the tabulator."""
    argv, setup = SHELLS[shell]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 160, 0, 0))
    with subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env={**os.environ, "TERM": "xterm", "HOME": "/nonexistent"},
                          preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as process:  # pylint: disable=subprocess-popen-preexec-fn
        os.close(slave)

        def until(mark):
            screen = ""
            while mark not in screen:
                assert select.select([master], [], [], LIMIT_S)[0], screen
                screen += NOISE.sub("", MOVES.sub(" ", os.read(master, 65536).decode()))
            return screen

        try:
            os.write(master, f"{setup.format(os.path.join(DEPLOY, 'completion'))}; PS1='@'@' '\n".encode())
            until("@@ ")  # the shell is reading
            screens = []
            for line in lines:
                os.write(master, f"{line}\t\t".encode() + b"\x15echo DO''NE\n")
                screens.append(until("DONE\n"))
                if "@@ " not in screens[-1].rpartition("DONE\n")[2]:
                    until("@@ ")
        finally:
            process.kill()  # the block waits for its end
            os.close(master)
    return screens


@pytest.mark.parametrize("shell", [pytest.param(name, marks=needs(name)) for name in SHELLS])
def test_a_shell_completes_every_word(shell):
    """Typed at its terminal."""
    names = sorted(commands())
    everything, options, role, setup, daemon, *one = typed(
        shell, "tandemctl ", "tandemctl -", "tandemctl -r o", "tandem --setup ", "tandem -", *(f"tandemctl -t {name[:-1]}" for name in names))
    assert set(names) <= set(everything.split()), everything
    assert {"-h", "-r", "-s", "-t", "-u"} <= set(options.split()) and {"owner", "operator"} <= set(role.split()), (options, role)
    assert {"domain=", "server=", "secret=", "admin=", "public_address=", "trunk=", "username=", "password=", "number=", "owner="} <= set(setup.split()), setup
    assert {"-c", "-h", "-n", "-v", "-V", "--setup"} <= set(daemon.split()), daemon
    for name, screen in zip(names, one):
        assert name in re.split(r"\s+", screen), (name, screen)


# ---- what is said ----

def said_in(path):
    """The text of a document."""
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("path", GUIDES + [os.path.join(DEPLOY, "SECURITY.md"), os.path.join(DEPLOY, "DESIGN.md"), os.path.join(ROOT, "README")], ids=os.path.basename)
def test_what_a_document_names_is_there(path):
    names = re.findall(r"\b((?:deploy|tests|gateway|sip|xmpp|media|db)/[\w./*-]*\w(?:\.\w+)?)", said_in(path))
    places = (ROOT, os.path.join(ROOT, "tests", "unit"))
    absent = [name for name in names if not any(glob.glob(os.path.join(place, name + end)) for place in places for end in ("", ".*"))]
    assert names and not absent, absent


def test_every_snippet_is_in_a_guide():
    text = "".join(map(said_in, GUIDES))
    for name in os.listdir(SNIPPETS):
        assert name in text, name


@pytest.mark.parametrize("path", GUIDES, ids=os.path.basename)
def test_a_guide_fits_a_terminal(path):
    assert all(len(line) <= COLUMNS for line in said_in(path).splitlines())


def rows():
    """(attack, defences, proofs) of the table of threats."""
    for line in said_in(os.path.join(DEPLOY, "SECURITY.md")).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and "`" in cells[2]:
            yield cells


def test_each_threat_has_a_defence_and_a_test_that_runs():
    table = list(rows())
    assert len(table) > 15
    for attack, defences, proofs in table:
        for name in re.findall("`([^`]*)`", defences):
            assert os.path.exists(os.path.join(ROOT, name)), (attack, name)
        assert any(name.startswith("tests/") for name in re.findall("`([^`]*)`", proofs)), attack


def is_test(path, name):
    """Whether @path has a test of exactly that name, which runs: in C, one that is in the program's table."""
    text = said_in(os.path.join(ROOT, path))
    if path.endswith(".py"):
        return bool(re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)) and name.startswith("test_")
    return bool(re.search(rf"^static void {name}\(\s*void \*\*state\)", text, re.MULTILINE)
                and re.search(rf"^\s+\w+\(\s*{name}\s*[,)]", text, re.MULTILINE))


def test_each_test_that_is_named_for_security_is_there():
    named = re.findall(r"`(tests/[^`]*)::([^`]*)`", said_in(os.path.join(DEPLOY, "SECURITY.md")))
    assert len(named) > 80
    assert not [f"{path}::{name}" for path, name in named if not is_test(path, name)]
    assert not is_test("tests/unit/sip/test_server.c", "aim") and not is_test("tests/unit/sip/test_server.c", "a_merged_request")
    assert not is_test("tests/integration/test_strangers.py", "options") and not is_test("tests/integration/test_strangers.py", "test_a")


@needs("systemd-analyze", "systemd")
def test_the_units_exposure_is_what_is_said(place):
    unit = said_in(os.path.join(DEPLOY, "tandem.service")).replace("@SBINDIR@", "/usr/sbin").replace("@CONFDIR@", "/etc/tandem")
    code, said = run("systemd-analyze", "security", "--offline=true", "--no-pager", put(place, "tandem.service", unit))
    assert code == 0, said
    score = re.search(r"Overall exposure level for tandem.service: ([\d.]+)", said).group(1)
    assert f"`systemd-analyze security --offline=true` gives the unit\n{score} of 10" in said_in(os.path.join(DEPLOY, "SECURITY.md")), score
