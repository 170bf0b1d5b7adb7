# SPDX-License-Identifier: AGPL-3.0-or-later
"""baresip as a telephone that answers by itself and says what it hears: decoded, and encoded again."""

import asyncio
import glob
import json
import os

from . import media, proc

SLIP_S = 0.045  # its jitter buffer and its bridge give or take a packet each
FILLED = 30  # packets, until its buffers are at their level
WINDOWS = 4  # its threads are late where others run, and then its bridge has nothing to play
CONFIG = """\
poll_method epoll
sip_listen {host}:{port}
audio_player aubridge,echo
audio_source aubridge,echo
audio_alert aubridge,echo
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_ports 30000-30100
jitter_buffer_delay 1-2
rtcp_mux {mux}
module_path {modules}
module g711.so
module aubridge.so
module srtp.so
module ice.so
module dtls_srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""
CONTROL_OFFSET = 1000  # from the SIP port


async def echoes(call, slip_s=0.0):
    """Assert that the peer of @call hears itself from baresip, whose packets give or take @slip_s more."""
    await media.flowing(call.audio, packets=FILLED)
    await media.listen((call.audio, call.audio), slip_limit=SLIP_S + slip_s, windows=WINDOWS)


class Baresip:
    """A baresip at @host:@port of a node (TLS: the next port), which answers calls to @number. @options are of its account,
    @config are more lines of its configuration."""

    def __init__(self, node, host, port, number, options="", rtcp_mux=False, config=""):
        self.directory = proc.directory("baresip")
        modules = (glob.glob("/usr/lib/baresip/modules") + glob.glob("/usr/lib/*/baresip/modules"))[0]
        with open(os.path.join(self.directory, "config"), "w", encoding="ascii") as file:
            file.write(CONFIG.format(host=host, port=port, modules=modules, control=port + CONTROL_OFFSET,
                                     mux="yes" if rtcp_mux else "no") + config)
        with open(os.path.join(self.directory, "accounts"), "w", encoding="ascii") as file:
            file.write(f"<sip:{number}@{host}>;regint=0;answermode=auto;audio_codecs=PCMU,PCMA{options}\n")
        self.node, self.control = node, (host, port + CONTROL_OFFSET)
        self.process = proc.Process("baresip", ["baresip", "-f", self.directory, "-v"], node, cwd=self.directory)

    async def start(self):
        """Wait until it listens; returns self."""
        await self.process.wait_log(r"baresip is ready", 10)
        return self

    async def dial(self, uri):
        """Call @uri; it hears itself."""
        command = json.dumps({"command": "dial", "params": uri}).encode()
        with self.node.inside():
            _, writer = await asyncio.open_connection(*self.control)
        writer.write(b"%d:%s," % (len(command), command))
        await writer.drain()
        writer.close()

    async def stop(self):
        """End it."""
        await self.process.stop()
        self.process.remove()
