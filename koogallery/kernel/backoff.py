"""When to try again after a failure: exponential, with jitter, bounded."""

import random
import traceback
from datetime import datetime, timedelta

from django.db.models import Q

from koogallery.kernel.compiled import Moment

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=1)
JITTER = 0.2

ERROR_LENGTH = 4000


def next_try(tries: int, at: datetime) -> datetime:
    """When to try again after `tries` failures (1 or more), the last at `at`: 5 s, 10 s, ... 1 h; up to 20 % less."""
    wait = min(FIRST * 2 ** min(tries - 1, 20), LONGEST)
    return at + wait * random.uniform(1 - JITTER, 1)


def ready(column: str, at: datetime | Moment) -> Q:
    """Rows whose next try has come, as a filter on `column`.

    No wait is longer than an hour, so a time further ahead was written by a clock that stood ahead
    (`run_timers --at`, a corrected machine): it counts as come.
    """
    return Q(**{f"{column}__isnull": True}) | Q(**{f"{column}__lte": at}) | Q(**{f"{column}__gt": at + LONGEST})


def describe(error: BaseException) -> str:
    """The error for an operator: kind, first line of its message, and where; never the values of variables.

    The rest of the message is left out because Postgres puts row contents there.
    """
    first_line = str(error).strip().partition("\n")[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = "\n".join(f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:])
    return f"{type(error).__name__}: {first_line}\n{where}"[:ERROR_LENGTH].replace("\x00", "")
