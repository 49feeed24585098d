"""How a benchmark ends: by itself, by a signal, or because it could not measure."""

import signal
import sys
from collections.abc import Callable

from bench import place
from koogallery.kernel.embedded import EmbeddedError


class Stopped(Exception):
    """A signal asked us to stop."""


def status_of(measure: Callable[[], int]) -> int:
    """Measure; the exit status: `measure`'s own, 130 when a signal stopped it, 2 when it could not measure."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stop)
    try:
        return measure()
    except Stopped:
        print("Stopped.", file=sys.stderr)
        return 130
    except (place.CannotMeasure, EmbeddedError) as error:
        print(error, file=sys.stderr)
        return 2


def _stop(_sign: int, _frame: object) -> None:
    # The first signal ends everything in order; further ones do not disturb that.
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)
    raise Stopped
