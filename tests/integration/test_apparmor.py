# SPDX-License-Identifier: AGPL-3.0-or-later
"""AppArmor's profile of deploy/: all that Tandem opens is in it, as strace sees it; and where the kernel has AppArmor,
Tandem lives under it.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn 10.77.0.2
"""

import os
import re
import shutil

import pytest

from bed import apparmor, proc, tandem
from bed.commands import ctl
from bed.scene import Bed

STRACE = [shutil.which("strace"), "-D", "-f", "-q", "--seccomp-bpf", "-e", "trace=open,openat,openat2,creat,unlink,unlinkat,mkdir,mkdirat,rename,renameat,renameat2,"
          "link,linkat,symlink,chmod,fchmodat,chown,fchownat,truncate,utimensat,execve,bind,connect,sendmsg"]
CALL = re.compile(r'^(\d+) +(\w+)\((.*)\) += (\d+)', re.M)
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
WRITES = {"unlink", "unlinkat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "chmod", "fchmodat", "chown",
          "fchownat", "truncate", "utimensat", "creat", "bind", "connect", "sendmsg"}


class TracedTandem(tandem.Tandem):
    """One that strace watches, with its files in four directories as an installation has them."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.places = {}
        for place, inside in (("/var/lib/tandem", "data"), ("/run/tandem", "run"), ("/var/log/tandem", "log")):
            path = self.places[place] = os.path.join(self.directory, inside)
            os.mkdir(path, 0o700)
            shutil.chown(path, tandem.USER)
        data, run, log = self.places.values()
        self.sections["media"].update(certificate=data + "/tandem.pem", keep=run + "/calls")
        self.sections["db"]["path"], self.sections["control"]["socket"] = data + "/tandem.db", run + "/control"
        self.sections["log"]["file"] = log + "/tandem.log"
        self.seen = os.path.join(self.directory, "seen")
        open(self.seen, "w", encoding="ascii").close()
        shutil.chown(self.seen, tandem.USER)

    def _command(self, *arguments):
        return [*STRACE, "-A", "-o", self.seen, *super()._command(*arguments)]

    @property
    def log(self):
        with open(self.sections["log"]["file"], encoding="utf-8", errors="replace") as file:
            return file.read()

    async def start(self):
        before = self.log.count("event=ready") if os.path.exists(self.sections["log"]["file"]) else 0
        self.launch()
        await proc.until(lambda: os.path.exists(self.sections["log"]["file"]) and self.log.count("event=ready") > before, tandem.READY_S, "ready")
        return self

    def installed(self, path, pid):
        """Where @path is in an installation."""
        for place, here in self.places.items():
            if path.startswith(here):
                return place + path[len(here):]
        for here, there in (("/tandem", "/usr/sbin/tandem"), ("/notify", "/run/systemd/notify")):
            if path == self.directory + here:
                return there
        if path.startswith(self.directory):
            return "/etc/tandem" + path[len(self.directory):]
        return re.sub("^/proc/(self|thread-self)/(.*)", lambda match: f"/proc/{pid}/{match[2]}", path)

    def touched(self):
        """{(path of an installation, rights, whether it is its own)} of what was done with files and went well."""
        with open(self.seen, encoding="utf-8", errors="replace") as file:
            text = file.read()
        found = set()
        for pid, call, words, _ in CALL.findall(text):
            for path in PATH.findall(words)[:1 if call.startswith(("open", "execve", "symlink")) else 2]:
                if not path.startswith("/") or (call in ("bind", "connect", "sendmsg") and "AF_UNIX" not in words):
                    continue
                rights = self._rights(call, words, path)
                own = not os.path.exists(path) or os.stat(path).st_uid == os.stat(self.seen).st_uid or path.startswith("/proc/self")
                name = self.installed(os.path.normpath(path), pid)
                found.add((name + "/" if os.path.isdir(path) else name, rights, own))
        return found

    @staticmethod
    def _rights(call, words, path):
        if call in WRITES:
            return "w"
        if call.startswith("open"):
            rights = "rw" if "O_RDWR" in words else "w" if re.search("O_WRONLY|O_CREAT|O_TRUNC", words) else "r"
            return rights + ("m" if re.search(r"\.so[.0-9]*$", path) else "")
        return "rm" if call == "execve" else "r"


class TracedBed(Bed):
    """A Bed with such a one."""

    tandem_class = TracedTandem


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed: apt-get install strace")
@pytest.mark.skipif(not shutil.which("apparmor_parser"), reason="apparmor_parser is not installed: apt-get install apparmor")
@pytest.mark.skipif(bool(re.search("/(asan|tsan)/", tandem.binary())), reason="a sanitizer reads more than the program does")
@pytest.mark.parametrize("bed", [{"stage": TracedBed}], ids=["Prosody"], indirect=True, scope="module")
async def test_all_that_it_opens_is_in_the_profile(scene):
    """A call, a death in its middle, a trace that is saved, a backup, a trunk that is added, a new log, an end."""
    traced = scene.bed.tandem
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs)
    await traced.kill()
    await traced.start()
    await scene.heard(mine, theirs)
    for words in (("trace-start", scene.number()), ("trace-save",), ("backup",), ("reload",), ("status",),
                  ("trunk-add", "further", "sip:10.77.0.3:5070", "password=x", "username=y")):
        status, text = await ctl(traced, *words)
        assert status == 0, (words, text)
    await mine.hangup()
    await theirs.wait("ended")
    touched = traced.touched()
    paths = {path for path, _, _ in touched}
    for pattern in ("/usr/sbin/tandem", "/etc/tandem/tandem.conf", "/var/lib/tandem/tandem.db", "/run/tandem/calls.*", "/run/tandem/control",
                    "/run/systemd/notify", r"/var/lib/tandem/.*\.pcap", r"/var/lib/tandem/.*backup.*", "/var/log/tandem/tandem.log", r".*/libssl\.so.*"):
        assert any(re.fullmatch(pattern, path) for path in paths), (pattern, sorted(paths))
    profile = apparmor.Profile()
    missed = sorted(each for each in touched if not profile.permits(*each))
    assert not missed, missed
    assert not profile.permits("/etc/shadow", "r", False) and not profile.permits("/etc/tandem/secret", "m", False)
    assert not profile.permits("/var/lib/tandem/tandem.db", "w", False), "another's"


def test_a_profile_is_read_as_apparmor_reads_it(tmp_path):
    path = tmp_path / "profile"
    path.write_text("abi <abi/3.0>,\n@{THERE}=/srv/a/ /srv/b\nprofile x /bin/x {\n\t@{THERE}/*.conf r,\n\towner /data/** rw,\n\t/d[0-3]/{one,two/}x? rk,\n"
                    "\tdeny /data/no r,\n\tnetwork inet dgram,\n}\n")
    profile = apparmor.Profile(str(path))
    for file, rights, own, well in (("/srv/a/x.conf", "r", False, True), ("/srv/b/x.conf", "rw", False, False), ("/srv/a/x/y.conf", "r", False, False),
                                    ("/data/a/b", "rw", True, True), ("/data/a/b", "r", False, False), ("/data/", "r", True, False),
                                    ("/data/no", "r", True, False), ("/d2/onexy", "rk", False, True), ("/d2/two/xy", "k", False, True),
                                    ("/d4/onexy", "r", False, False), ("/d2/onex/", "r", False, False)):
        assert profile.permits(file, rights, own) == well, (file, rights, own)


class HeldBed(Bed):
    """A Bed whose Tandem is held to the profile."""

    def make_tandem(self):
        made = super().make_tandem()
        made.held = True
        return made


@pytest.mark.skipif(bool(apparmor.missing(tandem.binary())), reason=apparmor.missing(tandem.binary()) or "")
@pytest.mark.parametrize("bed", [{"stage": HeldBed}], ids=["Prosody"], indirect=True, scope="module")
async def test_it_lives_under_the_profile(scene):
    """Calls, a death in one, and what it must not open: the kernel refuses that."""
    held = scene.bed.tandem
    with open(f"/proc/{held.process.pid}/attr/current", encoding="ascii") as file:
        assert file.read().strip() == f"tandem-test-{os.getpid()} (enforce)"
    mine, theirs = await scene.call_in(client=await scene.client("alice"))
    await scene.heard(mine, theirs)
    await held.kill()
    await held.start()
    await scene.heard(mine, theirs)
    for words in (("trace-start", "+15550001111"), ("trace-save",), ("backup",), ("reload",)):
        status, text = await ctl(held, *words)
        assert status == 0, (words, text)
    await theirs.hangup()
    await mine.ended()
    refused = proc.Process("refused", [*apparmor.held(tandem.binary()), held.directory + "/tandem", "-n", "-c", "/etc/shadow"], held.node)
    assert await refused.wait() == 1 and "Permission denied" in refused.log(), refused.log()
    await refused.stop()
