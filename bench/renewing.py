"""Subscriptions that renew by themselves, some of them tonight, and what became of them: its own process, as bench/flows.py.

`python -m bench.renewing fill NUMBER DUE` makes subscriptions by generate_series; DUE of them are to be deducted now.
`python -m bench.renewing charged NUMBER SECONDS` waits until so many are charged, and prints what is left to be done.
`python -m bench.renewing left` prints the same at once.
`python -m bench.renewing check DUE` prints what does not add up afterwards.

One original of each row is made by the models; Postgres copies it under new numbers, so every column is right.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any

import django

django.setup()

from django.db import connection, models, transaction  # noqa: E402
from django.db.models import QuerySet  # noqa: E402

from accounts.models import Account, Membership, User  # noqa: E402
from accounts.permissions import Role  # noqa: E402
from bench.history import indexes_of  # noqa: E402
from billing.models import PaymentMethod, SandboxCard, SandboxCharge  # noqa: E402
from catalog.models import Specification  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.books import breaches  # noqa: E402
from koogallery.kernel.models import OutboxMessage, TimerFailure  # noqa: E402
from orders.models import Order, OrderDelivery, OrderLine, Subscription, SubscriptionTerm  # noqa: E402
from orders.terms import BILLING_ZONE, end_of, last_day  # noqa: E402
from renewals.models import RenewalPlan  # noqa: E402

APPS_PER_ACCOUNT = 20
BASE = 1_000_000_000
BATCH = 100_000
POLL_SECONDS = 0.2
DAY = timedelta(days=1)
OF_OTHERS = {"supervised_orders_have_a_flow"}
"""The books of what was bought are not the matter: nobody delivered it."""


def fill(number: int, due: int) -> None:
    """`number` subscriptions on auto-renewal; `due` of them end in seven days, so that they are deducted now."""
    specification = Specification.objects.filter(
        product__slug__gt="", product__delivery_method="license", product__auto_renewal_supported=True,
        prices__billing_mode="monthly", prices__currency="USD",
    ).select_related("product__seller").order_by("id")[0]  # fmt: skip
    at = clock.now() - 30 * DAY
    accounts = max(1, -(-number // APPS_PER_ACCOUNT))
    with transaction.atomic():
        originals = _originals(specification, at)
    indexes = _begin_filling(originals)
    with transaction.atomic():
        account = f"{BASE} + (n - 1) / {APPS_PER_ACCOUNT} + 1"
        own = {"id": f"{BASE} + n"}
        _copy(originals[Account], accounts, own | {"public_id": "'BA' || lpad(n::text, 14, '0')"})
        _copy(originals[User], accounts, own | {"email": "'renewing-' || n || '@bench.example'"})
        _copy(originals[Membership], accounts, own | {"account_id": f"{BASE} + n", "user_id": f"{BASE} + n"})
        reference = {"reference": "'card_bench_' || n"}
        _copy(originals[SandboxCard], accounts, own | reference)
        card = own | reference | {"account_id": f"{BASE} + n", "public_id": "'BC' || lpad(n::text, 14, '0')"}
        _copy(originals[PaymentMethod], accounts, card)
    for first in range(1, number + 1, BATCH):
        last = min(number, first + BATCH - 1)
        ends = f"CASE WHEN n <= {due} THEN %(tonight)s::timestamptz ELSE %(later)s::timestamptz + n %% 300 * interval '1 day' END"
        with transaction.atomic():
            order = own | {"account_id": account, "number": "'CSB' || lpad(n::text, 12, '0')"}
            _copy(originals[Order], last, order, first)
            line = own | {"order_id": f"{BASE} + n"}
            _copy(originals[OrderLine], last, line, first)
            _copy(originals[OrderDelivery], last, line, first)
            app = own | {"account_id": account, "line_id": f"{BASE} + n", "expires_at": ends}
            app |= {"public_id": "'BS' || lpad(n::text, 14, '0')"}
            _copy(originals[Subscription], last, app, first)
            term = own | {"subscription_id": f"{BASE} + n", "line_id": f"{BASE} + n", "ends_at": ends}
            _copy(originals[SubscriptionTerm], last, term, first)
            deducted = f"CASE WHEN n <= {due} THEN %(now)s::timestamptz ELSE {ends} - interval '7 days' - interval '21 hours' + interval '1 second' END"
            plan = own | {
                "subscription_id": f"{BASE} + n",
                "deduct_at": deducted,
                "notice_at": f"NULLIF({deducted}, %(now)s::timestamptz) - interval '6 days'",
            }
            _copy(originals[RenewalPlan], last, plan, first)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for definition in indexes:
            cursor.execute(definition)
        for model in originals:
            if model is SandboxCard:  # which has no number
                continue
            table = model._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("VACUUM ANALYZE")


def _begin_filling(kinds: Iterable[type[models.Model]]) -> list[str]:
    """Take triggers and the indexes that guard nothing out of the way; what makes those anew.

    Each copy refers to what its original does, or to a copy that is made before.
    """
    with connection.cursor() as cursor:
        indexes = indexes_of(cursor, list(kinds))
        for name in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")
        # A crash in the middle costs a new beginning, no more.
        cursor.execute("SET synchronous_commit = off")
    return list(indexes.values())


def _originals(specification: Specification, at: datetime) -> dict[type[models.Model], models.Model]:
    """One row of each kind."""
    account = Account.objects.create(name="Renewing")
    user = User.objects.create(email="renewing@bench.example", full_name="Renewing", password="!")
    found: list[models.Model] = [account, user]
    found.append(Membership.objects.create(account=account, user=user, role=Role.OWNER))
    found.append(SandboxCard.objects.create(reference="card_bench", scenario="success", customer=""))
    card = {"brand": "Visa", "last4": "4242", "expires_year": at.year + 9, "expires_month": 12, "is_default": True}
    found.append(PaymentMethod.objects.create(account=account, gateway="sandbox", reference="card_bench", **card))
    free = {"amount": "0.00", "currency": "USD"}
    product = specification.product
    order = Order.objects.create(
        number="CSB", account=account, seller=product.seller, product=product, status="completed", list_price=0, payable=0,
        quote={"payable": free, "applied": {"coupon": ""}, "lines": []}, created_at=at, unpaid_until=at, paid_at=at,
        completed_at=at,
    )  # fmt: skip
    line = OrderLine.objects.create(
        order=order, delivery_method=product.delivery_method, specification=specification, product_name=product.name,
        specification_name=specification.name, attributes={}, billing_mode="monthly", duration_value=1,
        duration_unit="month", amount=0,
    )  # fmt: skip
    delivery = OrderDelivery.objects.create(order=order, deliverer="bench", status="done", started_at=at, ended_at=at)
    # Ends long after the measurement.
    ends = end_of(last_day(clock.now()) + 400 * DAY)
    app = Subscription.objects.create(
        account=account, line=line, product=product, specification=specification, status="enabled", created_at=at,
        delivery_method=product.delivery_method, billing_mode="monthly", listed_at=at, starts_at=at, expires_at=ends,
        anchor_day=last_day(ends).day,
    )  # fmt: skip
    term = {"starts_at": at, "ends_at": ends, "anchor_day": app.anchor_day, "bought_at": at}
    found += [order, line, delivery, app, SubscriptionTerm.objects.create(subscription=app, line=line, **term)]
    found.append(RenewalPlan.objects.create(subscription=app, mode="auto", period_unit="month", changed_at=at))
    return {type(one): one for one in found}


def _copy(original: models.Model, last: int, changed: dict[str, str], first: int = 1) -> None:
    """Copies number `first` to `last` of a row, with these columns as expressions of their number n."""
    table = original._meta.db_table
    columns = [str(field.column) for field in original._meta.concrete_fields]
    values = ", ".join(changed.get(column, f'o."{column}"').replace("\n", " ") for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    now = clock.now()
    times = {
        "now": now - timedelta(hours=1),
        "tonight": end_of(last_day(now) + 7 * DAY),
        "later": end_of(last_day(now) + 45 * DAY),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS o, generate_series(%(first)s, %(last)s) AS n"
            f" WHERE o.{original._meta.pk.column} = %(original)s",
            times | {"first": first, "last": last, "original": original.pk},
        )


def left() -> dict[str, int]:
    """What is still to be done, and what was charged."""
    at = clock.now()
    return {
        "due": RenewalPlan.objects.filter(deduct_at__lte=at).count(),
        "charging": RenewalPlan.objects.filter(charging_since__isnull=False).count(),
        "outbox": OutboxMessage.objects.open().count(),
        "charges": _charges().count(),
    }


def _charges() -> QuerySet[SandboxCharge]:
    """What the processor took for renewals; the demo's own are no part of it."""
    return SandboxCharge.objects.filter(card__reference__startswith="card_bench_")


def charged(number: int, seconds: float) -> dict[str, int]:
    """What is left once so many are charged, or the time is up."""
    end = monotonic() + seconds
    while _charges().count() < number and monotonic() < end:
        sleep(POLL_SECONDS)
    return left()


def check(due: int) -> dict[str, Any]:
    """Whether each due one was renewed once, charged once, and the books add up."""
    renewed = Order.objects.filter(kind="renewal", status="completed")
    ends = end_of(last_day(clock.now()) + 7 * DAY)
    wrong = [one for one in breaches() if one.invariant.name not in OF_OTHERS]
    return {
        "renewed": renewed.count(),
        "apps": renewed.values("subject").distinct().count(),
        "charges": _charges().count(),
        "forgotten": Subscription.objects.filter(pk__gt=BASE, pk__lte=BASE + due, expires_at__lte=ends).count(),
        "failures": TimerFailure.objects.count(),
        "stuck": OutboxMessage.objects.stuck().count(),
        "breaches": [str(one) for one in wrong],
        "day": datetime.combine(last_day(clock.now()), time(0), BILLING_ZONE).astimezone(UTC).isoformat(),
    }


def main(arguments: list[str]) -> None:
    """One of them."""
    match arguments:
        case ["fill", number, due]:
            fill(int(number), int(due))
        case ["charged", number, seconds]:
            print(json.dumps(charged(int(number), float(seconds))))
        case ["left"]:
            print(json.dumps(left()))
        case ["check", due]:
            print(json.dumps(check(int(due))))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
