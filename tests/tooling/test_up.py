"""`bin/up` in a copy of the checkout: starts, serves, survives a crash, and leaves no process behind."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PATIENCE_SECONDS = 600
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", "*_cache", "tests")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy with the environment of this checkout, in a path with a blank and an umlaut."""
    copy = tmp_path_factory.mktemp("up") / "Käse Brett"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    yield copy
    note = copy / "var" / "pgdata"
    if note.exists():
        shutil.rmtree(note.read_text().strip(), ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(checkout: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")} | {"LANG": "C"}
    command = [str(checkout / "bin" / "up"), "--port", str(port)]
    return subprocess.Popen(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_until_it_runs(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    end, seen = time.monotonic() + PATIENCE_SECONDS, ""
    while time.monotonic() < end:
        line = process.stdout.readline()
        seen += line
        if "KooGallery runs" in line:
            return
        if not line and process.poll() is not None:
            break
    pytest.fail(seen)


def processes_of(checkout: Path) -> list[str]:
    """Command lines of processes that work in the copy."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(checkout) in os.readlink(entry / "cwd") or str(checkout) in (entry / "cmdline").read_text():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def gone(checkout: Path) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not processes_of(checkout):
            return True
        time.sleep(0.2)
    return False


def test_it_starts_serves_recovers_from_a_crash_and_stops_in_order(checkout):
    port = free_port()
    first = up(checkout, port)
    wait_until_it_runs(first)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/products/") as page:
        assert page.status == 200

    taken = up(checkout, port)
    said, _none = taken.communicate(timeout=60)
    assert taken.returncode == 1
    assert f"Port {port} is in use" in said

    first.kill()
    first.wait()
    assert gone(checkout), processes_of(checkout)

    second = up(checkout, port)
    wait_until_it_runs(second)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        assert answer.status == 200
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert gone(checkout), processes_of(checkout)
