"""`bin/up` waits for programs as long as they live and work, says for what, and gives up on those that do nothing."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from koogallery.kernel import running, starting
from koogallery.kernel.running import CannotRun, Child

SOON = 1.2
# Works for longer than anybody may stand still, then does what a worker says when it takes work.
BUSY = f"""
import time
end = time.monotonic() + {2 * SOON}
while time.monotonic() < end: pass
print("worker@here ready.", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "STILL_SECONDS", SOON)
    monkeypatch.setattr(starting, "SAY_EVERY_SECONDS", SOON / 2)
    # Whether the web server answers is not what these are about.
    monkeypatch.setattr(running, "_answers", lambda _port: True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    started: list[Child] = []

    def start(worker: str) -> list[Child]:
        for name, program in (("web", "import time; time.sleep(60)"), ("worker", worker)):
            child = Child(name, [sys.executable, "-c", program], tmp_path / f"{name}.log", {})
            child.start(tmp_path)
            started.append(child)
        return started

    yield start
    for child in started:
        child.process.kill()
        child.process.wait()


def test_a_slow_start_is_waited_for_and_told_of(start, capsys):
    running._wait_until_ready(start(BUSY), 1)
    assert "Waiting for the worker: 1 seconds so far." in capsys.readouterr().out


def test_who_stands_still_is_given_up(start):
    begun = time.monotonic()
    with pytest.raises(CannotRun, match=r"not ready: waited \d seconds for the worker; see "):
        running._wait_until_ready(start("import time; time.sleep(60)"), 1)
    assert time.monotonic() - begun < 20


def test_who_ends_is_not_waited_for(start):
    with pytest.raises(CannotRun, match=r"The worker process ended .*: no such queue"):
        running._wait_until_ready(start("raise SystemExit('no such queue')"), 1)


def test_work_of_a_programs_children_is_its_own():
    inner = "sum(range(4_000_000))"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{inner}']); input()"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE) as program:
        end = time.monotonic() + 20
        while starting.processor_seconds([program.pid]) < 0.05 and time.monotonic() < end:
            time.sleep(0.05)
        assert starting.processor_seconds([program.pid]) >= 0.05
        program.kill()
