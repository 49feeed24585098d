"""Waiting for programs that start: for as long as they live and work, however slow the machine is.

A loaded machine makes everything slow, so no number of seconds says that a program will not come up. It has ended, or
it has stood still for long: then the wait is over.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from subprocess import Popen

import psutil

Say = Callable[[str], None]

# Who used less than this share of a processor in all that time stands still; a program that only listens uses less.
STILL_SECONDS = 90.0
LEAST_SHARE = 0.03
# Also what works for ever comes to an end.
LONGEST_SECONDS = 1_800.0
SAY_EVERY_SECONDS = 15.0
# Programs are looked at often while they may be quick, and seldom once they are slow anyway.
QUICK_SECONDS = 10.0
SLOW_PAUSE_SECONDS = 1.0


class StoodStill(Exception):
    """What was waited for did not come; the message names it."""


def wait_for(missing: Callable[[], Mapping[str, Popen[bytes]]], *, say: Say | None = None, pause: float = 0.1) -> None:
    """Return when nothing is missing.

    Args:
        missing: what is not there yet, in words ("the worker"), and the program that brings it. Raises when one ended.
        say: tells a person every so often what is waited for.
        pause: seconds between two looks, at first.

    Raises:
        StoodStill: the programs of what is missing live, but do nothing any more.
    """
    begun = moved_at = said_at = looked_at = time.monotonic()
    used = 0.0
    while waiting := missing():
        now = time.monotonic()
        if now - looked_at >= min(SLOW_PAUSE_SECONDS, STILL_SECONDS / 4):
            looked_at, uses = now, processor_seconds(one.pid for one in waiting.values())
            if not used <= uses < used + LEAST_SHARE * STILL_SECONDS:
                used, moved_at = uses, now
        names = " and ".join(waiting)
        if now - moved_at > STILL_SECONDS or now - begun > LONGEST_SECONDS:
            raise StoodStill(f"waited {now - begun:.0f} seconds for {names}")
        if say and now - said_at >= SAY_EVERY_SECONDS:
            said_at = now
            say(f"Waiting for {names}: {now - begun:.0f} seconds so far.")
        time.sleep(pause if now - begun < QUICK_SECONDS else SLOW_PAUSE_SECONDS)


def processor_seconds(programs: Iterable[int]) -> float:
    """What these processes and all that they started, also what has ended, have used of processors."""
    used = 0.0
    for program in programs:
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(program)
            for one in (started, *started.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    used += sum(one.cpu_times()[:4])  # its own and its gone children's, in user mode and in the kernel
    return used
