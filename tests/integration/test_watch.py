# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator sees: the metrics and the status page of a gateway with calls.

    client c1  --  Prosody srv  --  Tandem gw  --  carrier pstn
               --HTTP 10.77.0.1:9464-->
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from bed import chromium, http, proc, tandem
from bed.scene import GATEWAY

ADDRESS = (GATEWAY, 9464)
TOKEN = "sesame"
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
# Panels of what has perhaps not happened when they are asked.
NOTHING_YET = {"Registrations", "Calls now", "Refused before they began, a minute", "Failed INVITEs a minute, by status",
               "Calls whose media failed, a minute"}
PICTURES = os.environ.get("WATCH_PICTURES")  # a directory where the screenshots are kept
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
CONNECTIONS_MAX, CONNECTION_S = 16, 10.0
HOSTILE = "<script>alert(1)</script>"

pytestmark = [pytest.mark.bed_options(sections={"watch": {"listen": f"{GATEWAY}:9464", "token": TOKEN}})]


async def fetch(scene, path="/", method="GET", headers=None):
    """An answer of the gateway to who has the token."""
    return await http.fetch(scene.bed.c1, ADDRESS, path, method, http.bearer(TOKEN) if headers is None else headers)


class Metrics:
    """What /metrics says: value("name", label="…") is the sum of all series that fit."""

    def __init__(self, text):
        self.text, self.samples = text, []
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def value(self, name, **labels):
        """The sum of the series that fit."""
        return sum(v for n, have, v in self.samples if n == name and labels.items() <= have.items())


async def metrics(scene):
    """The metrics of now."""
    return Metrics((await fetch(scene, "/metrics")).text)


async def test_metrics_tell_of_calls(scene):
    before = await metrics(scene)
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=3.0)
    during = await metrics(scene)
    await mine.hangup()
    await theirs.wait("ended")
    busy, refusing = await scene.propose()
    await refusing.refuse(486, "Busy Here")
    await busy.ended()

    async def rose(name, by=1, **labels):
        return (await metrics(scene)).value(name, **labels) >= before.value(name, **labels) + by

    for cause in ("normal", "busy"):
        assert await rose("tandem_calls_total", direction="outbound", trunk="carrier", cause=cause), cause
    assert await rose("tandem_calls_answered_total", direction="outbound", trunk="carrier")
    assert await rose("tandem_call_setup_seconds_count", direction="outbound", trunk="carrier")
    assert await rose("tandem_call_post_dial_delay_seconds_count", by=2, direction="outbound", trunk="carrier")
    assert await rose("tandem_trunk_failed_invites_total", trunk="carrier", status="486")
    for what in ("ice", "dtls"):
        assert await rose(f"tandem_media_{what}_seconds_count", leg="xmpp")
    for leg in ("xmpp", "sip"):
        for direction in ("received", "sent"):
            assert await rose(f"tandem_media_{direction}_packets_total", by=100, leg=leg, trunk="carrier"), (leg, direction)
        for what in ("jitter_seconds", "loss_ratio", "mos"):
            assert await rose(f"tandem_media_{what}_count", leg=leg, trunk="carrier"), (leg, what)
    assert during.value("tandem_calls_active", state="up") >= 1
    assert during.value("tandem_worker_received_packets_total") > before.value("tandem_worker_received_packets_total")
    after = await metrics(scene)
    for name, labels, value in before.samples:  # counters only rise
        if name.endswith(("_total", "_count", "_bucket")):
            assert after.value(name, **labels) >= value, (name, labels)


async def test_metrics_tell_of_the_gateway(scene):
    m = await metrics(scene)
    assert m.value("tandem_xmpp_up") == 1 and m.value("tandem_xmpp_connects_total") >= 1
    assert m.value("tandem_calls_limit") == 1000
    assert m.value("tandem_trunk_state", trunk="carrier") == 1
    assert abs(m.value("process_start_time_seconds") - time.time()) < 600
    assert m.value("process_resident_memory_bytes") > 1e6
    assert m.value("tandem_db_job_seconds_count") == m.value("tandem_db_jobs_total")
    assert m.value("tandem_db_job_seconds_bucket", le="+Inf") == m.value("tandem_db_job_seconds_count")


@pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: make deps")
async def test_prometheus_finds_no_fault(scene):
    call, theirs = await scene.propose()
    await theirs.refuse(404, "Not Found")
    await call.ended()
    text = (await fetch(scene, "/metrics")).body
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


async def test_srtp_failures_are_counted(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=1.0)
    before = await metrics(scene)
    for seq in range(20):  # an RTP header, and an authentication tag of nobody's
        await mine.transport.agent.send(bytes([0x80, 0, 0, seq]) + bytes(8) + os.urandom(170))
    deadline = time.monotonic() + 5.0
    while not await _rose(scene, before, "tandem_media_srtp_failures_total", 20):
        assert time.monotonic() < deadline, "forged packets are not counted"
    await scene.heard(mine, theirs, seconds=1.0)
    await mine.hangup()


async def _rose(scene, before, name, by):
    return (await metrics(scene)).value(name, leg="xmpp") >= before.value(name, leg="xmpp") + by


# ---- Prometheus itself ----

DEPLOY = os.path.join(tandem.ROOT, "deploy")
SCRAPED_S, POLL_S = 20.0, 0.3
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: tandem
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["{host}:{port}"]}}]
"""
VARIABLES = {"$instance": ".*", "$trunk": ".*", "$__rate_interval": "1m"}


def dashboard_queries():
    """(panel, query) of every target of the dashboard, the variables filled in."""
    with open(os.path.join(DEPLOY, "grafana.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    for panel in panels:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield panel["title"], query


class Prometheus:
    """Debian's, in the clients' node."""

    address = ("127.0.0.1", 9090)

    def __init__(self, node):
        self.node, self.directory = node, proc.directory("prometheus")
        config = os.path.join(self.directory, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(SCRAPE.format(rules=os.path.join(DEPLOY, "tandem.rules.yml"), token=TOKEN, host=ADDRESS[0], port=ADDRESS[1]))
        self.process = proc.Process("prometheus", [
            PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={self.directory}/data",
            "--web.listen-address={}:{}".format(*self.address)], node, cwd=self.directory)

    async def ask(self, path, **parameters):
        """The data of an API call."""
        answer = await http.fetch(self.node, self.address, f"/api/v1/{path}?" + urlencode(parameters))
        body = answer.body.partition(b"\r\n")[2].rpartition(b"\r\n0")[0] if "transfer-encoding" in answer.headers else answer.body
        data = json.loads(body)
        assert data["status"] == "success", (parameters, data)
        return data["data"]

    async def query(self, query):
        """The series that a query gives."""
        return (await self.ask("query", query=query))["result"]

    async def wait(self, query):
        """Wait until a query gives something."""
        deadline = time.monotonic() + SCRAPED_S
        while not await self.query(query):
            assert time.monotonic() < deadline, f"{query}: nothing within {SCRAPED_S} s"
            await asyncio.sleep(POLL_S)


@pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed: make deps")
async def test_prometheus_answers_the_dashboard(scene):
    prometheus = Prometheus(scene.bed.c1)
    await prometheus.process.wait_log("Server is ready")
    await prometheus.wait("tandem_xmpp_up == 1")  # what it has not seen before the call has not risen by it
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=2.5)
    await mine.hangup()
    await theirs.wait("ended")
    await prometheus.wait('rate(tandem_calls_answered_total{trunk="carrier"}[1m]) > 0')
    for title, query in dashboard_queries():
        if title in NOTHING_YET:
            await prometheus.query(query)
        else:
            await prometheus.wait(query)
    groups = (await prometheus.ask("rules"))["groups"]
    assert [r["health"] for g in groups for r in g["rules"]] == ["ok"] * 17
    await prometheus.process.stop()
    prometheus.process.remove()


@pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: make deps")
async def test_the_alerts_speak_when_they_should(scene):
    del scene
    for verb, path in (("check", os.path.join(DEPLOY, "tandem.rules.yml")),
                       ("test", os.path.join(tandem.ROOT, "tests", "data", "alerts.test.yml"))):
        done = subprocess.run([PROMTOOL, verb, "rules", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# ---- the page ----

class Page(HTMLParser):
    """The elements and texts of a page, as a browser would make of it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        """All texts."""
        return " ".join(self.texts)


async def test_the_page_shows_calls_and_failures(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=3.0)
    busy, refusing = await scene.propose()
    await refusing.refuse(486, "Busy Here")
    await busy.ended()
    page = Page((await fetch(scene)).text)
    assert mine.client.boundjid.bare in page.text and mine.peer.split("@")[0] in page.text
    assert "polyline" in page.tags and "MOS 4." in page.text
    assert "The line was busy." in page.text and "carrier" in page.text
    assert "script" not in page.tags
    assert sorted(set(page.links)) == ["/style.css", "data:,"]
    await mine.hangup()


async def test_what_others_choose_stays_text(scene):
    theirs = await scene.dial("%3Cscript%3Ealert(1)%3C%2Fscript%3E", caller="%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    await theirs.wait("ended")
    answer = await fetch(scene)
    assert HOSTILE not in answer.text and "&lt;script&gt;" in answer.text
    assert HOSTILE in Page(answer.text).text
    assert "<script" not in (await fetch(scene, "/metrics")).text


async def test_headers_keep_the_page_in_its_place(scene):
    headers = (await fetch(scene)).headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    style = await fetch(scene, "/style.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8" and "url(" not in style.text


# ---- who may ----

@pytest.mark.parametrize("headers", [{}, http.bearer("sesam"), http.bearer(""), http.bearer(TOKEN + "x"), http.basic("x", "open"),
                                     {"Authorization": TOKEN}, {"Authorization": "Basic !!!!"}, {"Authorization": "Digest x"}],
                         ids=["none", "short", "empty", "long", "password", "bare", "base64", "digest"])
async def test_without_the_token_there_is_nothing(scene, headers):
    for path in ("/", "/metrics", "/healthz", "/nowhere"):
        answer = await fetch(scene, path, headers=headers)
        assert answer.status == 401 and "Basic" in answer.headers["www-authenticate"] and "tandem_" not in answer.text


async def test_a_browser_gives_the_token_as_a_password(scene):
    assert (await fetch(scene, headers=http.basic("anybody", TOKEN))).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_it_is_read_only(scene, method):
    answer = await fetch(scene, method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


async def test_head_has_no_body(scene):
    answer = await fetch(scene, method="HEAD")
    assert answer.status == 200 and answer.body == b"" and answer.headers["content-type"].startswith("text/html")
    assert int(answer.headers["content-length"]) > 1000


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "//", "/style.css/..", "/../etc/passwd", "/%2e%2e/etc/passwd", "/status"])
async def test_an_unknown_path_is_not_found(scene, path):
    assert (await fetch(scene, path)).status == 404


async def test_health_is_told(scene):
    answer = await fetch(scene, "/healthz")
    assert (answer.status, answer.text) == (200, "ok\n")


# ---- bounds ----

async def test_a_head_that_is_too_long_is_refused(scene):
    answer = await fetch(scene, headers={**http.bearer(TOKEN), "X-Long": "x" * 10000})
    assert answer.status in (400, 413)


@pytest.mark.limit(30)
async def test_who_sends_slowly_is_cut_off(scene):
    reader, writer = await http.connect(scene.bed.c1, ADDRESS)
    began = time.monotonic()
    for octet in b"GET / HTTP/1.1\r\nHost: 10.77.0.1\r\nX-Slow: " + b"x" * 60:
        writer.write(bytes([octet]))
        try:
            await asyncio.wait_for(reader.read(1), 0.5)
            break
        except asyncio.TimeoutError:
            continue
    took = time.monotonic() - began
    writer.close()
    assert CONNECTION_S - 1 < took < CONNECTION_S + 5


def _descriptors(scene):
    return len(os.listdir(f"/proc/{scene.bed.tandem.process.pid}/fd"))


@pytest.mark.alone
async def test_connections_are_bounded(scene):
    before = _descriptors(scene)
    idle = [await http.connect(scene.bed.c1, ADDRESS) for _ in range(3 * CONNECTIONS_MAX)]
    await proc.until(lambda: _descriptors(scene) >= before + CONNECTIONS_MAX, proc.SOON_S, "all places are taken")
    await scene.alive()
    assert _descriptors(scene) <= before + CONNECTIONS_MAX + 4
    for _, writer in idle:
        writer.close()
    assert (await fetch(scene, "/healthz")).status == 200
    await proc.until(lambda: _descriptors(scene) <= before, proc.SOON_S, "all descriptors are given back")


@pytest.mark.alone
async def test_a_connection_has_one_answer_however_many_it_asks_for(scene):
    """And whoever comes when all places are taken has his in his turn."""
    reader, writer = await http.connect(scene.bed.c1, ADDRESS)
    asked = f"GET /healthz HTTP/1.1\r\nHost: {GATEWAY}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: keep-alive\r\n\r\n"
    writer.write(asked.encode() * 2)
    answer = await asyncio.wait_for(_all_of(reader), CONNECTION_S)
    writer.close()
    assert answer.count(b"HTTP/1.1 200") == 1 and b"connection: close" in answer.lower()
    answers = await asyncio.gather(*[fetch(scene, "/healthz") for _ in range(4 * CONNECTIONS_MAX)])
    assert {answer.status for answer in answers} == {200}


async def _all_of(reader):
    """What comes until the other side closes, who may have left something unread."""
    octets = b""
    try:
        while more := await reader.read(65536):
            octets += more
    except ConnectionResetError:
        pass
    return octets


# ---- in a browser ----

GROUND = {"light": (0xf6, 0xf7, 0xf9), "dark": (0x0f, 0x13, 0x18)}


async def picture(scene, scheme, width):
    """The status page's pixels in a browser @width wide."""
    from matplotlib import image  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(PICTURES or directory, f"{scheme}-{width}.png")
        browser = proc.Process("picture", [
            chromium.PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            f"--user-data-dir={directory}/profile", f"--window-size={width},1100", f"--screenshot={path}",
            f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", "--disable-background-networking",
            "--disable-component-update", "--no-first-run", f"http://x:{TOKEN}@{GATEWAY}:9464/"], scene.bed.c1)
        await browser.wait(40.0)
        assert "Refused" not in browser.log(), browser.tail()  # what the policy forbids
        pixels = image.imread(path)
        browser.remove()
    return pixels


@pytest.mark.alone
@pytest.mark.skipif(bool(chromium.missing()), reason=str(chromium.missing()))
async def test_a_browser_shows_it(scene):
    mine, theirs = await scene.call_out()
    await scene.heard(mine, theirs, seconds=2.5)
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 500)):
        pixels = await picture(scene, scheme, width)
        corner = tuple(round(float(c) * 255) for c in pixels[2, 2][:3])
        assert corner == GROUND[scheme], "the style sheet is not applied"
        assert len({tuple(p) for p in pixels[::5, ::5, :3].reshape(-1, 3).tolist()}) > 10, "nothing is drawn"
    await mine.hangup()
