# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the integration tests run.

Tests are coroutines that get a `scene` (bed/scene.py) on the `bed` of their module. Those of one module run side by side,
a few at a time; one marked `alone` runs after them by itself. With pytest-xdist (tests/run) modules run side by side too,
each in one process (--dist loadscope); one marked `quiet` weighs or times the program and has the machine to itself. A
failing test prints its timeline and the last lines of every process. Without root, or without the program where it is
needed, tests are skipped and say why.

    BED_PARALLEL=1   one test at a time        BED_KEEP=1   keep the directories of the processes
    TANDEM=PATH      another binary            TANDEM_WRAP="valgrind --error-exitcode=9"
    BED_APPARMOR=1   it is held to deploy/apparmor
    BED_SERVERS=both ejabberd as well, for modules that have Prosody alone (bed/servers.py)
"""

import asyncio
import inspect
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from bed import net, proc, tandem  # noqa: E402  pylint: disable=wrong-import-position
from bed.scene import Bed, Scene  # noqa: E402  pylint: disable=wrong-import-position

PARALLEL = int(os.environ.get("BED_PARALLEL", "6"))
LIMIT_S = 60.0
# These modules take longest, and begin first: then none of them is left alone at the end. Not all that have a browser, which would
# starve each other.
FIRST = ("test_clients", "test_session_timer", "test_unresumed", "test_message", "test_public", "test_web_phones", "test_jmi",
         "test_commands", "test_changes", "test_trunk_srtp", "test_stream")
TAIL_LINES = 60

_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)


def pytest_configure(config):
    """Markers, and what a killed run has left."""
    config.addinivalue_line("markers", "alone: runs by itself, after the other tests of its module")
    config.addinivalue_line("markers", "quiet: the module weighs or times the program, and wants the machine to itself")
    config.addinivalue_line("markers", "limit(seconds): how long the test may take")
    config.addinivalue_line("markers", "bed_options(**options): how the module's Bed, or @stage, is made")
    if os.geteuid() == 0:
        net.sweep()
        if not os.environ.get("BED_KEEP"):
            proc.sweep()


def _is_ours(item):
    return inspect.iscoroutinefunction(getattr(item, "function", None))


def _key(item):
    params = getattr(item, "callspec", None)
    return item.module.__name__, str(params.params.get("bed")) if params else "None"


def pytest_collection_modifyitems(items):
    """Tests that run alone come last in their module and bed."""
    ranks, order = {name: rank for rank, name in enumerate(FIRST)}, {}
    for item in sorted(items, key=lambda item: ranks.get(item.module.__name__, len(FIRST))):
        order.setdefault(_key(item), len(order))
    items.sort(key=lambda item: (order[_key(item)], bool(item.get_closest_marker("alone"))))


@pytest.fixture(scope="module")
def bed(request):
    """The stage of a module: `pytestmark = [pytest.mark.bed_options(turn=True)]`, `parametrize("bed", [...], indirect=True)`
    with classes of servers, or dictionaries of options."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    marks = getattr(request.module, "pytestmark", [])
    marker = next((m for m in (marks if isinstance(marks, list) else [marks]) if m.name == "bed_options"), None)
    options = dict(marker.kwargs) if marker else {}
    param = getattr(request, "param", None)
    if param:
        options.update(param if isinstance(param, dict) else {"server": param})
    if options.get("program", True) and tandem.missing():
        pytest.skip(tandem.missing())
    stage = options.pop("stage", Bed)(**options)
    try:
        _loop.run_until_complete(stage.start())
    except proc.Absent as reason:
        pytest.skip(str(reason))
    yield stage
    _loop.run_until_complete(stage.stop())


@pytest.fixture
def scene(bed):
    """Stands for the Scene that the runner makes for the test."""
    return bed


class Group:
    """The tests of a module on one bed, running side by side."""

    groups = {}

    def __init__(self, stage, items):
        self.stage, self.items = stage, items
        self.gate, self.reviving = asyncio.Semaphore(PARALLEL), asyncio.Lock()
        self.scenes, self.tasks, self.deaths = {}, {}, {}

    @classmethod
    def of(cls, item):
        """The group that @item belongs to; starts it when its first test comes."""
        key = _key(item)
        if key not in cls.groups:
            mates = [other for other in item.session.items if _is_ours(other) and _key(other) == key
                     and not other.get_closest_marker("alone") and "scene" in other.fixturenames]
            group = cls.groups[key] = cls(item.funcargs["bed"], mates)
            if not item.get_closest_marker("alone") and len(mates) > 1:
                for mate in mates:
                    group.tasks[mate.nodeid] = _loop.create_task(group.perform(mate))
        return cls.groups[key]

    async def perform(self, item):
        """Run one test from the making of its scene to its checks."""
        async with self.gate:
            async with self.reviving:
                if self.stage.tandem:
                    await self.stage.tandem.revive()
            marker = item.get_closest_marker("limit")
            stage = self.scenes[item.nodeid] = Scene(self.stage)
            params = item.callspec.params if hasattr(item, "callspec") else {}
            names = inspect.signature(item.function).parameters
            arguments = {name: params[name] for name in names if name in params and name != "bed"}
            try:
                await asyncio.wait_for(item.function(scene=stage, **arguments), marker.args[0] if marker else LIMIT_S)
                await stage.close()
                stage.check()
            except asyncio.TimeoutError:
                self.deaths[item.nodeid] = stage.deaths()
                raise AssertionError("the test took too long") from None
            except BaseException:
                self.deaths[item.nodeid] = stage.deaths()
                raise
            finally:
                await stage.close()

    def run(self, item):
        """The outcome of @item."""
        task = self.tasks.get(item.nodeid) or self.perform(item)
        _loop.run_until_complete(task)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run coroutines."""
    if not _is_ours(pyfuncitem):
        return None
    if "scene" in pyfuncitem.fixturenames:
        Group.of(pyfuncitem).run(pyfuncitem)
    else:
        names = inspect.signature(pyfuncitem.function).parameters
        _loop.run_until_complete(pyfuncitem.function(**{n: pyfuncitem.funcargs[n] for n in names}))
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Add what was measured to the report, and to that of a failure the timeline and the logs."""
    outcome = yield
    report = outcome.get_result()
    group = Group.groups.get(_key(item))
    stage = group.scenes.get(item.nodeid) if group else None
    if stage and report.when == "call":
        report.user_properties += [("measured", f"{what}: {value}") for what, value in stage.figures]
    if not report.failed or not _is_ours(item):
        return
    for death in group.deaths.get(item.nodeid, []) if group else []:
        report.sections.append(("Tandem died during this test", death))
    if stage:
        report.sections.append(("timeline", stage.timeline.text()))
    for process in proc.Process.running:
        if os.path.exists(process.path):  # the bed is being taken down
            report.sections.append((f"last lines of {process.name}", process.tail(TAIL_LINES)))


def pytest_terminal_summary(terminalreporter):
    """What was measured."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    found = [text for report in reports for name, text in report.user_properties if name == "measured"]
    if found:
        terminalreporter.section("measured")
    for text in found:
        terminalreporter.line(text)
