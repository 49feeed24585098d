"""Due dates of an owner that has more of them than columns: notices, tries of a deduction.

Each name has one handler and is a timer of that name, so `run_timers NAME`, failures and order work as for columns.

    @on_deadline("renewal_notice", lock=lambda pk: Subscription.objects.select_for_update().get(pk=pk))
    def send_renewal_notice(subscription_id: int, *, at: datetime, by: Actor) -> None: ...

    set_deadline(subscription, "renewal_notice", due_at=expires_at - 7 * DAY)
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from koogallery.kernel import clock
from koogallery.kernel.models import Deadline
from koogallery.kernel.timers import Fire, Timer, register

Handler = TypeVar("Handler", bound=Fire)

# The owner's number after its kind without the app: a deadline of subscription 7 waits in lane "subscription:7".
OWNER_LANE = Concat(
    Cast("owner_type", TextField()), Value(":"), Cast("owner_id", TextField()), output_field=TextField()
)


def owner_type(owner: models.Model) -> str:
    """How deadlines name the kind of their owner: its model's name in lower case ("subscription")."""
    return owner._meta.model_name or ""


def deadlines_of(owner: models.Model) -> QuerySet[Deadline]:
    """The owner's open deadlines, soonest first."""
    rows = Deadline.objects.filter(owner_type=owner_type(owner), owner_id=owner.pk, fired_at__isnull=True)
    return rows.order_by("due_at", "id")


def set_deadline(owner: models.Model, name: str, *, due_at: datetime) -> None:
    """Make `name` due for the owner at `due_at` (aware); one that is open already moves there.

    Call it under the owner's lock, as every change of the owner.
    """
    if due_at.tzinfo is None:
        raise ValueError("A deadline needs an aware time.")
    if deadlines_of(owner).filter(name=name).update(due_at=due_at):
        return
    try:
        with transaction.atomic():
            Deadline.objects.create(owner_type=owner_type(owner), owner_id=owner.pk, name=name, due_at=due_at)
    except IntegrityError:  # somebody set it without the owner's lock; the later word counts
        deadlines_of(owner).filter(name=name).update(due_at=due_at)


def cancel_deadline(owner: models.Model, name: str) -> bool:
    """Take an open deadline away. False when there is none."""
    return bool(deadlines_of(owner).filter(name=name).delete()[0])


def cancel_deadlines(owner: models.Model) -> int:
    """Take all open deadlines of the owner away; says how many."""
    return deadlines_of(owner).delete()[0]


def on_deadline(
    name: str, *, lock: Callable[[int], object] | None = None, rank: int = 0
) -> Callable[[Handler], Handler]:
    """Let the decorated service carry out deadlines of this name, called as `(owner_id, *, at, by)`.

    Args:
        name: of the deadline and of its timer.
        lock: takes the lock of the owner (the order's row, by the one-lock rule), before the deadline is looked at
            once more; so the service is not called for one that was cancelled or moved meanwhile.
        rank: as in `Timer`.

    The service may set the same deadline again for a later time; otherwise it is marked as fired.
    """

    def decorate(handler: Handler) -> Handler:
        def fire(pk: int, /, *, at: datetime, by: Any) -> None:
            deadline = Deadline.objects.filter(pk=pk).first()
            if deadline is None:
                return
            if lock is not None:
                lock(deadline.owner_id)
            still_due = Deadline.objects.filter(pk=pk, due_at=at, fired_at__isnull=True)
            if not still_due.exists():
                return
            handler(deadline.owner_id, at=at, by=by)
            still_due.update(fired_at=clock.now())

        register(
            Timer(
                name=name,
                model=Deadline,
                due_column="due_at",
                open=Q(name=name, fired_at__isnull=True),
                fire=fire,
                lane=OWNER_LANE,
                rank=rank,
            )
        )
        return handler

    return decorate
