"""Running servers in bulk, hours of metering over them, and a count by hand: its own process, as bench/flows.py.

`python -m bench.meters SERVERS HOURS` prints what each hour cost, and how many meters are wrong, as JSON on the last line.
"""

import json
import random
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from accounts.actor import Actor  # noqa: E402
from accounts.models import Account, Seller  # noqa: E402
from catalog.models import Category, Price, Product, Specification  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.money import Money  # noqa: E402
from orders.models import Order, OrderLine, Subscription  # noqa: E402
from pricing.values import MeteredPrice  # noqa: E402
from provisioning.metering.books import INVARIANTS  # noqa: E402
from provisioning.metering.models import Meter, MeterClock, UsageRecord  # noqa: E402
from provisioning.metering.recording import record_hours  # noqa: E402
from provisioning.metering.services import start_meter, stop_meter  # noqa: E402

START = datetime(2026, 3, 10, 1, tzinfo=UTC)
HOUR = 3600
ACCOUNTS = 1_000
BATCH = 5_000
# So many of a thousand servers start and stop within an hour.
RESTLESS = 20
RATE = MeteredPrice(Money(Decimal("0.0136"), "USD")).as_json()


def main(servers: int, hours: int) -> None:
    """Make, record hour by hour, count by hand."""
    subscriptions = make(servers)
    marks: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    figures = [measured("first start", 1, lambda: start_all(subscriptions, marks))]
    chance = random.Random(8)
    restless = subscriptions[:: max(1, 1000 // RESTLESS)]
    for hour in range(1, hours + 1):
        with transaction.atomic():
            for one in restless:
                # Some marks lie in the hour before: they come late.
                low = max(0, (hour - 2) * HOUR) if chance.random() < 0.1 else (hour - 1) * HOUR
                for at, running in sorted((chance.randrange(low, hour * HOUR), state) for state in (False, True)):
                    mark(one, at, running, marks)
                    if chance.random() < 0.2:
                        mark(one, at, running, marks)
        figures.append(measured(f"hour {hour}", hour, lambda: None))
    broken = [one.name for one in INVARIANTS if rows_of(one.breaches)]
    recorded = by_meter()
    by_hand = {pk: counted(marks[pk], hours * HOUR) for pk in marks}
    wrong = sum(recorded.get(pk, 0) != seconds for pk, seconds in by_hand.items())
    print(json.dumps({"hours": figures[1:], "wrong": wrong, "breaches": broken, "seconds": sum(recorded.values())}))


def make(servers: int) -> list[Subscription]:
    """Accounts, one image on sale, and a pay-per-use subscription for each server."""
    seller = Seller.objects.create(slug="metered", name="Metered Ltd.", email="a@metered.example")
    category = Category.objects.create(slug="metered", name="Metered")
    product = Product.objects.create(
        seller=seller,
        category=category,
        slug="metered",
        name="Metered image",
        delivery_method="image",
        supervised=False,
    )
    specification = Specification.objects.create(product=product, code="one", name="One")
    Price.objects.create(specification=specification, billing_mode="pay_per_use", amount=Decimal("0.0136"))
    accounts = Account.objects.bulk_create(Account(name=f"Account {at}") for at in range(min(ACCOUNTS, servers)))
    made: list[Subscription] = []
    for first in range(0, servers, BATCH):
        count = min(BATCH, servers - first)
        orders = Order.objects.bulk_create(
            Order(
                number=f"CSM{first + at:012d}",
                account=accounts[(first + at) % len(accounts)],
                seller=seller,
                product=product,
                list_price=0,
                payable=0,
                quote={"lines": [], "metered": RATE},
                status="completed",
                created_at=START,
                paid_at=START,
                completed_at=START,
            )
            for at in range(count)
        )
        lines = OrderLine.objects.bulk_create(
            OrderLine(
                order=one,
                delivery_method="image",
                specification=specification,
                product_name=product.name,
                specification_name=specification.name,
                billing_mode="pay_per_use",
                amount=0,
                metered=RATE,
            )
            for one in orders
        )
        made += Subscription.objects.bulk_create(
            Subscription(
                account_id=order.account_id,
                line=line,
                product=product,
                specification=specification,
                delivery_method="image",
                billing_mode="pay_per_use",
                status="enabled",
                created_at=START,
                listed_at=START,
                starts_at=START,
            )
            for order, line in zip(orders, lines, strict=True)
        )
    return made


def start_all(subscriptions: list[Subscription], marks: dict[int, list[tuple[int, bool]]]) -> None:
    """Every server starts with the first hour: in bulk, for the first start of each is not what is measured."""
    price = MeteredPrice.from_json(RATE)
    mark(subscriptions[0], 0, True, marks)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO metering_meter (subscription_id, line_id, account_id, currency, unit_price, discount_percent,
                tax_percent, tax_name, running, recheck_from)
            SELECT id, line_id, account_id, 'USD', %s, 0, 0, '', true, %s FROM orders_subscription
            ON CONFLICT DO NOTHING
            """,
            [price.unit_price.amount, START],
        )
        cursor.execute(
            "INSERT INTO metering_metermark (meter_id, at, running) SELECT id, %s, true FROM metering_meter"
            " ON CONFLICT DO NOTHING",
            [START],
        )
        cursor.execute("ANALYZE")
    for pk in Meter.objects.values_list("subscription", flat=True):
        marks[pk] = [(0, True)]


def mark(one: Subscription, at: int, running: bool, marks: dict[int, list[tuple[int, bool]]]) -> None:
    """As the cloud's report would."""
    (start_meter if running else stop_meter)(one, at=START + timedelta(seconds=at))
    if (at, running) not in marks[one.pk]:
        marks[one.pk].append((at, running))


def measured(what: str, hour: int, before: Any) -> dict[str, Any]:
    """Record up to the end of an hour; what it cost on the clock and of our own processor."""
    before()
    at = START + timedelta(hours=hour)
    records = UsageRecord.objects.count()
    began, processor = time.monotonic(), time.process_time()
    if what != "first start":
        with clock.standing_at(at):
            record_hours(MeterClock.ONE, at=at, by=Actor.timer("record_usage"))
    took, own = time.monotonic() - began, time.process_time() - processor
    return {"what": what, "records": UsageRecord.objects.count() - records, "seconds": took, "processor": own}


def by_meter() -> dict[int, int]:
    """Subscription -> seconds recorded."""
    return dict(
        rows_of(
            "SELECT meter.subscription_id, sum(record.seconds) FROM metering_usagerecord AS record"
            " JOIN metering_meter AS meter ON meter.id = record.meter_id GROUP BY 1"
        )
    )


def rows_of(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def counted(marks: list[tuple[int, bool]], until: int) -> int:
    """The seconds in which it ran, from mark to mark; of one second the mark that was recorded last counts."""
    says = dict(marks)
    total, since = 0, None
    for at in sorted(says):
        if says[at] and since is None:
            since = at
        elif not says[at] and since is not None:
            total, since = total + at - since, None
    return total + (until - since if since is not None else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
