# SPDX-License-Identifier: AGPL-3.0-or-later
"""SIPp with the scenarios of ../sipp/, echoing RTP."""

import os
import tempfile

from . import proc

SCENARIOS = os.path.join(os.path.dirname(__file__), "..", "sipp")
TIMEOUT_S = 40


class Sipp:
    """One SIPp process at @host:@port of a node; @scenario is a name of sipp/ or a sippscript.Script."""

    def __init__(self, node, scenario, host, port, *, calls=1, target=None, number=None, hold_ms=3000, media_port=6000,
                 transport="u1"):
        self.written = None
        if isinstance(scenario, str):
            path = os.path.abspath(os.path.join(SCENARIOS, scenario + ".xml"))
        else:
            descriptor, path = tempfile.mkstemp(suffix=".xml")
            os.close(descriptor)
            scenario.write(path)
            self.written = path
        arguments = ["sipp", "-sf", path, "-i", host, "-p", str(port),
                     "-mi", host, "-mp", str(media_port), "-rtp_echo", "-m", str(calls), "-t", transport, "-nostdin",
                     "-trace_err", "-trace_logs", "-aa", "-deadcall_wait", "0", "-timeout", f"{TIMEOUT_S}s", "-timeout_error", "-d", str(hold_ms)]
        if number:
            arguments += ["-s", number]
        self.port, self.transport = port, "tcp" if transport.startswith("t") else "udp"
        self.process = proc.Process("sipp", [*arguments, *([target] if target else [])], node)

    async def start(self):
        """Wait until it listens; returns self."""
        await proc.until(self._listens, 10, "SIPp listens")
        return self

    def _listens(self):
        with open(f"/proc/{self.process.pid}/net/{self.transport}", encoding="ascii") as file:
            return any(line.split()[1].endswith(f":{self.port:04X}") for line in file.readlines()[1:])

    def _read(self, kind):
        """Its files of @kind, "errors" or "logs"."""
        text = ""
        for name in os.listdir(self.process.cwd):
            if name.endswith(f"_{kind}.log"):
                with open(os.path.join(self.process.cwd, name), encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    async def noted(self, note):
        """Wait until the step with @note has been played."""
        await proc.until(lambda: note in self._read("logs"), 20, f"SIPp notes {note}")

    async def finish(self, timeout=TIMEOUT_S):
        """Wait until its scenario is through; AssertionError with SIPp's own complaint if it was not played to its end."""
        status = await self.process.wait(timeout)
        errors = self._read("errors")
        await self.close()
        assert status == 0, f"SIPp ended with {status}\n{errors}"

    async def close(self):
        """End it."""
        await self.process.stop()
        self.process.remove()
        if self.written:
            os.unlink(self.written)
            self.written = None
