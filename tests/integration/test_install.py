# SPDX-License-Identifier: AGPL-3.0-or-later
"""`make install` and `make uninstall` into a root of their own: what is put where, what stays, what finds it."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from bed import proc
from bed.tandem import ROOT, binary, missing

pytestmark = [pytest.mark.skipif(bool(missing()), reason=missing() or ""),
              pytest.mark.skipif("/asan/" in binary() or not os.path.samefile(os.path.dirname(binary()), os.path.join(ROOT, "build")),
                                 reason="it is what `make` has built that is installed")]

LIMIT_S = 60
FILES = {
    "sbin/tandem": 0o755, "sbin/tandemctl": 0o755, "share/man/man5/tandem.conf.5": 0o644, "share/man/man8/tandem.8": 0o644,
    "share/man/man8/tandemctl.8": 0o644, "share/bash-completion/completions/tandem": 0o644, "share/zsh/site-functions/_tandem": 0o644}
SYSTEM = {"/lib/systemd/system/tandem.service": 0o644, "/usr/lib/sysusers.d/tandem.conf": 0o644, "/usr/lib/tmpfiles.d/tandem.conf": 0o644,
          "/etc/tandem/tandem.conf": 0o640}


def make(target, root, **variables):
    """Run make there; nothing is built, and no package is installed."""
    done = subprocess.run(["make", "-s", "-C", ROOT, "DEPS=no", target, f"DESTDIR={root}", "-o", "build/tandem", "-o", "build/tandemctl",
                           *(f"{name}={value}" for name, value in variables.items())],
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr


def there(root):
    """{path: its mode} of all files; links say where they lead."""
    found = {}
    for path, _, names in os.walk(root):
        for name in names:
            full = os.path.join(path, name)
            found[full.removeprefix(root)] = os.readlink(full) if os.path.islink(full) else stat.S_IMODE(os.stat(full).st_mode)
    return found


def expected(prefix):
    """What there should be."""
    return {**{f"{prefix}/{name}": mode for name, mode in FILES.items()}, **SYSTEM,
            f"{prefix}/share/bash-completion/completions/tandemctl": "tandem"}


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.fixture(name="root")
def _root():
    path = proc.directory("install")
    yield path
    shutil.rmtree(path)


@pytest.fixture(name="installed", scope="module")
def _installed():
    """One that is looked at."""
    path = proc.directory("installed")
    make("install", path)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("prefix, variables", [("/usr/local", {}), ("/opt/tandem", {"PREFIX": "/opt/tandem"})])
def test_all_of_it_is_put_and_taken_away(root, prefix, variables):
    make("install", root, **variables)
    assert there(root) == expected(prefix)
    unit = read(root + "/lib/systemd/system/tandem.service")
    assert f"ExecStart={prefix}/sbin/tandem -c /etc/tandem/tandem.conf\n" in unit and "@" not in re.sub("SystemCallFilter=.*", "", unit)
    said = subprocess.run([root + f"{prefix}/sbin/tandem", "-V"], capture_output=True, text=True, check=True).stdout
    assert said == subprocess.run([binary(), "-V"], capture_output=True, text=True, check=True).stdout
    make("uninstall", root, **variables)
    assert set(there(root)) == {"/etc/tandem/tandem.conf"}


def test_a_configuration_stays(root):
    os.makedirs(root + "/etc/tandem")
    with open(root + "/etc/tandem/tandem.conf", "w", encoding="utf-8") as file:
        file.write("# mine\n")
    os.chmod(root + "/etc/tandem/tandem.conf", 0o600)
    make("install", root)
    assert read(root + "/etc/tandem/tandem.conf") == "# mine\n" and there(root)["/etc/tandem/tandem.conf"] == 0o600


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed: apt-get install man-db")
@pytest.mark.parametrize("page", ["tandem", "tandem.conf", "tandemctl"])
def test_man_finds_the_manuals(installed, page):
    said = subprocess.run(["man", "-M", installed + "/usr/local/share/man", "-P", "cat", page], capture_output=True, text=True, check=False,
                          env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C"})
    assert said.returncode == 0 and "DESCRIPTION" in re.sub(".\b", "", said.stdout), said.stderr


@pytest.mark.skipif(not shutil.which("systemd-sysusers") or os.geteuid() != 0, reason="systemd is not installed, or not root")
def test_systemd_makes_user_and_directories(root, installed):
    shutil.copytree(installed, root, dirs_exist_ok=True)
    for tool in (["systemd-sysusers", f"--root={root}"], ["systemd-tmpfiles", "--create", f"--root={root}"]):
        done = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=LIMIT_S)
        assert done.returncode == 0 and not done.stderr.replace("Creating", "").count("tandem.conf:"), done.stderr
    user = next(line for line in read(root + "/etc/passwd").splitlines() if line.startswith("tandem:")).split(":")
    assert user[5] == "/var/lib/tandem" and user[6].endswith("nologin")
    assert any(line.startswith("tandem:") for line in read(root + "/etc/group").splitlines())
    uid, gid = int(user[2]), int(user[3])
    for path, owner, group, mode in (("/var/lib/tandem", uid, gid, 0o700), ("/etc/tandem", 0, gid, 0o750), ("/etc/tandem/tandem.conf", 0, gid, 0o640)):
        found = os.stat(root + path)
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (owner, group, mode), path


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_reads_the_unit(root, installed):
    """Where its program is; a word of it that systemd does not know is told."""
    path = root + "/tandem.service"
    text = read(installed + "/lib/systemd/system/tandem.service").replace("/usr/local/sbin/", installed + "/usr/local/sbin/")

    def verify(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False, timeout=LIMIT_S)
        return [line for line in done.stderr.splitlines() if "tandem.service" in line]
    assert verify(text) == []
    assert verify(text.replace("PrivateTmp", "PrivateTpm")) != []
