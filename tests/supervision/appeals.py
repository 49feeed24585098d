"""What tests of appeals share."""

from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum

from accounts.actor import Actor
from billing.models import Posting
from koogallery.kernel.books import breaches
from orders.models import Order
from supervision import services
from supervision.choices import Decision
from supervision.models import Appeal, FlowRecord
from tests.supervision.conftest import Deal

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SYSTEM = Actor.timer("test")


def appeal_of(one: Deal) -> Appeal:
    return Appeal.objects.get(flow=one.flow)


def decide(one: Deal, decision: Decision, *, by: Actor | None = None, at=None, **more):
    return services.decide_appeal(
        one.flow, decision=decision, reason="Heard both.", by=by or one.operator, at=at or one.at, **more
    )


def actions(one: Deal) -> list[str]:
    return list(FlowRecord.objects.filter(flow=one.flow).order_by("id").values_list("action", flat=True))


def held_of(order: Order) -> Decimal:
    rows = Posting.objects.filter(entry__order=order, ledger="held")
    return -rows.aggregate(total=Sum("amount"))["total"]


def no_breach() -> bool:
    return not [one for one in breaches() if one.invariant.name not in ("listing_repeats_prices",)]
