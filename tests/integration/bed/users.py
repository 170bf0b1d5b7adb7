# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs that root starts with mounts of their own, and for whom this machine has a user tandem."""

import os
import pwd

from . import proc
from .tandem import USER

AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={pwd.getpwnam(USER).pw_gid}", "--clear-groups"]
ENTRIES = (("passwd", "tandem:x:5060:5060::/:/bin/false\n"), ("group", "tandem:x:5060:\n"))


def by_root(script):
    """A prefix: root does @script in mounts of its own, then what follows."""
    return ["unshare", "-m", "sh", "-ec", script + '; exec "$@"', "sh"]


def with_service():
    """A prefix: for what follows there is a user tandem with its group."""
    directory = proc.directory("users")
    for name, line in ENTRIES:
        with open(f"/etc/{name}", encoding="utf-8") as old, open(os.path.join(directory, name), "w", encoding="utf-8") as new:
            new.writelines([entry for entry in old if not entry.startswith("tandem:")] + [line])
    return by_root("; ".join(f"mount --bind {directory}/{name} /etc/{name}" for name, _ in ENTRIES))
