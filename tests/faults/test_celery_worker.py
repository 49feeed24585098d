"""Real Celery processes on a real Valkey fire timers and deliver the outbox, also after they were killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings

from koogallery.kernel import clock
from koogallery.kernel.models import Deadline, OutboxMessage
from tests.processes import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 120


@contextlib.contextmanager
def worker(folder: Path, *, beat: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker with two processes, and beat; all of them end with the block."""
    command = [sys.executable, "-m", "celery", "-A", "tests.faults.worker", "worker", "--concurrency", "2"]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    if beat:
        command += ["--beat", "--schedule", str(folder / "beat")]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and its children as a crash of the machine would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_until(met: Callable[[], bool], folder: Path) -> float:
    """Wait for a condition; says how many seconds it took."""
    start = time.monotonic()
    while not met():
        if time.monotonic() - start > PATIENCE_SECONDS:
            pytest.fail((folder / "worker.log").read_text()[-4000:])
        time.sleep(0.05)
    return time.monotonic() - start


def effects(name: str) -> Counter[int]:
    """How often each bell had this effect."""
    return Counter(Deadline.objects.filter(owner_type=f"effect {name}").values_list("owner_id", flat=True))


def hang_bells(count: int, due_in: timedelta = timedelta(0)) -> None:
    """Bells that are due to ring."""
    at = clock.now() + due_in
    Deadline.objects.bulk_create(
        Deadline(owner_type="bell", owner_id=n, name="ring_test_bell", due_at=at) for n in range(count)
    )


@pytest.fixture(autouse=True)
def _empty_broker() -> None:
    """What other tests have queued is of no concern here, and losing it must never matter."""
    redis.Redis.from_url(settings.REDIS_URL).flushall()


def test_a_worker_fires_what_becomes_due_and_delivers_what_follows(tmp_path: Path) -> None:
    hang_bells(1, due_in=timedelta(seconds=4))
    due_at = Deadline.objects.get().due_at

    with worker(tmp_path):
        wait_until(lambda: bool(effects("timer")), tmp_path)
        assert clock.now() >= due_at
        wait_until(lambda: bool(effects("outbox")), tmp_path)

    assert (effects("timer"), effects("outbox")) == (Counter({0: 1}), Counter({0: 1}))


def test_a_worker_killed_among_a_thousand_rows_and_a_flushed_broker_lose_and_double_nothing(tmp_path: Path) -> None:
    bells = 1000
    hang_bells(bells)

    with worker(tmp_path) as process:
        wait_until(lambda: len(effects("timer")) >= 100, tmp_path)
        kill(process)
    assert len(effects("timer")) < bells, "the kill came too late to show anything"
    redis.Redis.from_url(settings.REDIS_URL).flushall()

    with worker(tmp_path):
        wait_until(lambda: len(effects("outbox")) == bells, tmp_path)

    once = Counter(range(bells))
    assert effects("timer") == once
    assert effects("outbox") == once
    assert not OutboxMessage.objects.open().exists()


PUBLISHES = """
import time
import tests.faults.worker as worker
from django.db import transaction
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish

for bell in range(3):
    start = time.monotonic()
    with transaction.atomic():
        publish(worker.BellRang(bell), at=clock.now())
    assert time.monotonic() - start < 1, time.monotonic() - start
    time.sleep(0.1)
time.sleep(2)  # a process that ends at once wakes nobody, and beat does it
"""


def publish_in_a_process(**variables: str) -> None:
    """Publish three events, each in a transaction that must not take long, in a process without our registries."""
    run = subprocess.run(
        [sys.executable, "-c", PUBLISHES],
        cwd=ROOT,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def test_a_commit_wakes_a_worker_without_beat(tmp_path: Path) -> None:
    with worker(tmp_path, beat=False):
        wait_until(lambda: b"ready." in (tmp_path / "worker.log").read_bytes(), tmp_path)
        publish_in_a_process()
        wait_until(lambda: len(effects("outbox")) == 3, tmp_path)


@pytest.mark.parametrize(
    "broker", ["unix:///nonexistent/valkey.sock", "redis://127.0.0.1:1/0", "redis://192.0.2.1:6379/0"]
)
def test_a_broker_that_is_down_costs_a_commit_nothing(broker: str) -> None:
    publish_in_a_process(REDIS_URL=broker)

    assert OutboxMessage.objects.open().count() == 3
