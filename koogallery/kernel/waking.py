"""Wakes a Celery worker to deliver the outbox, without letting anybody wait for the broker.

A thread of each process sends the message. A broker that is down, full or frozen costs a request nothing: beat looks
into the outbox every few seconds anyway.
"""

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

# Wishes that come together are one message.
GATHER_SECONDS = 0.02
# Who was just woken looks for everything: a process that publishes all the time need not wake for each.
BREATH_SECONDS = 0.2
BROKER_PAUSE_SECONDS = 5.0
# A message that found no worker for so long is pointless: beat was there since.
EXPIRES_SECONDS = 5


class _Waker:
    """Sends in a daemon thread, which starts with the first wish."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._pools: set[str] = set()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, pool: str) -> None:
        self._pools.add(pool)
        self._wanted.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._send_for_ever, name="outbox-waker", daemon=True)
                    self._thread.start()

    def _send_for_ever(self) -> None:
        # tasks.py imports the delivery, which imports the outbox
        from koogallery.kernel.tasks import deliver_outbox, deliver_pool

        while True:
            self._wanted.wait()
            time.sleep(GATHER_SECONDS)
            self._wanted.clear()
            try:
                while self._pools:
                    pool = self._pools.pop()
                    if pool:
                        deliver_pool.apply_async((pool,), queue=pool, retry=False, expires=EXPIRES_SECONDS)
                    else:
                        deliver_outbox.apply_async(retry=False, expires=EXPIRES_SECONDS)
                time.sleep(BREATH_SECONDS)
            except Exception as error:
                log.warning("outbox_broker_down", error=type(error).__name__)
                time.sleep(BROKER_PAUSE_SECONDS)


_waker = _Waker()


def wake_worker(pool: str = "") -> None:
    """Ask a Celery worker of the pool to deliver soon. Returns at once and never raises for the broker's sake."""
    _waker.wake(pool)


def _after_fork() -> None:
    """Threads do not survive a fork."""
    global _waker
    _waker = _Waker()


os.register_at_fork(after_in_child=_after_fork)
