"""When use is billed, what a bill takes, when arrears are announced (RULES 8). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from orders.ports import MonthOfUse


def unbilled(used: Iterable[MonthOfUse], billed: Mapping[tuple[int, int, date], int]) -> list[MonthOfUse]:
    """What a bill takes: of each subscription, line and month what was used, less what was billed before."""
    rest = []
    for one in used:
        seconds = one.seconds - billed.get((one.subscription_id, one.line_id, one.month), 0)
        if seconds:
            rest.append(replace(one, seconds=seconds))
    return rest


def first_cut(
    hours: Iterable[tuple[datetime, Decimal]], *, billed: Decimal, after: datetime | None, limit: Decimal
) -> datetime | None:
    """The end of the first hour after `after` with which what has accrued since the last bill reaches `limit`, or None.

    Args:
        hours: (end of an hour, what its use costs), in order, from before the last bill on.
        billed: what of that is billed.
        after: the last bill's cut: what came late of hours before it counts, and cuts no bill there again.
    """
    accrued = -billed
    for end, cost in hours:
        accrued += cost
        if accrued >= limit and (after is None or end > after):
            return end
    return None


NOTICE_DAYS = (7, 3, 1)


def next_notice(steps: Iterable[datetime], after: datetime) -> datetime | None:
    """When the next of the coming steps is announced: 7, 3 and 1 days before it."""
    return min((at for at, _step in _notices(steps) if at > after), default=None)


def latest_notice(steps: Iterable[datetime], until: datetime) -> tuple[datetime, datetime] | None:
    """The last announcement that was due until then, and the step that it tells of; None where that has happened since.

    After a standstill those before it are not told any more.
    """
    latest = max((one for one in _notices(steps) if one[0] <= until), default=None)
    return latest if latest and latest[1] > until else None


def _notices(steps: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    return [(step - timedelta(days=days), step) for step in steps for days in NOTICE_DAYS]


def fee_that_stays(lines: Iterable[tuple[int, Decimal]]) -> Decimal:
    """What we keep of one month's use of one thing, exactly, once all its lines are counted.

    What is taken back is of the newest line that took it, and of those before as far as that took less; its part of their fee
    goes back with it, at whatever share that was booked.

    Args:
        lines: (seconds, our fee of them), the oldest first; of negative seconds the fee is not looked at.
    """
    stays: list[tuple[int, Decimal]] = []
    for seconds, fee in lines:
        if seconds > 0:
            stays.append((seconds, fee))
            continue
        back = -seconds
        while back and stays:
            taken, its_fee = stays.pop()
            if taken > back:
                stays.append((taken - back, its_fee * (taken - back) / taken))
            back = max(back - taken, 0)
    return sum((fee for _seconds, fee in stays), Decimal(0))
