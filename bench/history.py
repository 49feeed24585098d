"""Orders that exist already: N paid, delivered, accepted, completed ones with everything that hangs on them.

`python -m bench.history NUMBER` prints JSON. A few orders are made by the real services, from the quote to the release
of the money; Postgres copies each of them with all its rows, under new numbers, for many accounts and days. So they
are right in every column, whatever migrations add, and `check_books` holds for them as it does for their originals.
`bench.flows` makes open ones in the same way.
"""

import json
import random
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django

BATCH = 50_000
# From so many copies on, indexes are made when all rows are there.
MANY = 200_000
ORIGINALS = 8
ORDERS_PER_ACCOUNT = 50
# Younger than the shortest term that is bought, so that nothing of them expires during a measurement.
DAYS = 300
AT_DAYS_AGO = timedelta(days=2)

django.setup()

from django.db import connection, models, transaction  # noqa: E402

from accounts.actor import Actor, Party  # noqa: E402
from accounts.models import Account, Membership, User  # noqa: E402
from accounts.permissions import Role  # noqa: E402
from accounts.services import open_account  # noqa: E402
from accounts.web import buyer_actor  # noqa: E402
from bench.buyers import SEED  # noqa: E402
from billing.gateways.sandbox import SandboxGateway  # noqa: E402
from billing.models import (  # noqa: E402
    JournalEntry,
    Payment,
    PaymentAllocation,
    PaymentMethod,
    Posting,
    SandboxCard,
    SandboxCharge,
)
from billing.services import PaymentRequest, bind_card, pay_order  # noqa: E402
from catalog.choices import BillingMode, FlowType  # noqa: E402
from catalog.models import Specification  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.outbox import delivering_here  # noqa: E402
from orders.models import (  # noqa: E402
    AcceptedAgreement,
    Order,
    OrderDelivery,
    OrderLine,
    PurchaseDraft,
    Subscription,
    SubscriptionTerm,
)
from orders.ports import sale_refusal  # noqa: E402
from orders.services import complete_order, open_draft, place_draft  # noqa: E402
from pricing.models import QuoteUse  # noqa: E402
from pricing.values import Duration, QuoteRequest  # noqa: E402
from supervision import services as supervision  # noqa: E402
from supervision.models import Delivery, FlowRecord, ServiceFlow  # noqa: E402

OWNER = "history@bench.example"


# --- the originals, by the real services ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owner:
    """Who buys the originals: a person with an account and a card."""

    user: User
    account: Account
    by: Actor


def owner(email: str, name: str) -> tuple[Owner, bool]:
    """The person of this address and whether he is new."""
    user, made = User.objects.get_or_create(email=email, defaults={"full_name": name})
    if made:
        open_account(user, name)
    membership = Membership.objects.select_related("account").get(user=user)
    found = Owner(user, membership.account, buyer_actor(user, membership))
    if made:
        bind_card(found.account, SandboxGateway().enter_card("success"), by=found.by)
    return found, made


def originals() -> list[Order]:
    """A few completed yearly licences of different sellers' products, made now if there are none."""
    who, made = owner(OWNER, "History")
    if made:
        for specification in sold():
            _completed(specification, who)
    return list(Order.objects.filter(account=who.account).order_by("id"))


def sold() -> Iterable[Specification]:
    """What is bought: specifications of different products, the same every time."""
    found = (
        Specification.objects.filter(
            product__flow_type=FlowType.LICENSE,
            product__status="published",
            removed_at=None,
            prices__billing_mode=BillingMode.YEARLY,
            prices__amount__gt=0,
        )
        .select_related("product__seller")
        .order_by("product_id", "id")[: 20 * ORIGINALS]
    )
    sold = {one.product_id: one for one in found if sale_refusal(one.product) is None}
    return random.Random(SEED).sample(list(sold.values()), min(ORIGINALS, len(sold)))


def paid(specification: Specification, who: Owner, at: datetime) -> Order:
    """One of it for a year, ordered and paid for a few minutes after `at`."""
    request = QuoteRequest(specification.pk, BillingMode.YEARLY, Duration(1, "year"))
    draft = open_draft(request, account=who.account, user=who.user, by=who.by, at=at)
    order = place_draft(draft, agreements_accepted=True, quote=draft.quote, by=who.by, at=at + timedelta(minutes=2))
    pay_order(order, PaymentRequest(), by=who.by, at=at + timedelta(minutes=3))
    return order


def accepted(order: Order, who: Owner, at: datetime) -> None:
    """The seller delivers four hours after `at`, the buyer accepts an hour later."""
    flow = ServiceFlow.objects.get(order=order)
    seller = Actor(Party.SELLER, "History", user_id=who.user.pk, seller_id=order.seller_id, role="seller")
    supervision.deliver(flow, note="The key is in the mail.", by=seller, at=at + timedelta(hours=4))
    supervision.accept_delivery(flow, by=who.by, at=at + timedelta(hours=5))


def _completed(specification: Specification, who: Owner) -> None:
    at = clock.now() - AT_DAYS_AGO
    order = paid(specification, who, at)
    accepted(order, who, at)
    complete_order(order, by=Actor.timer("complete_accepted_orders"), at=at + timedelta(hours=8))


# --- their copies -----------------------------------------------------------------------------------------------------

# What hangs on an order, parents before children: the model, and which rows are the order's (`o`: of bench_original).
TABLES: tuple[tuple[type[models.Model], str], ...] = (
    (Order, "row.id = o.id"),
    (OrderLine, "row.order_id = o.id"),
    (OrderDelivery, "row.order_id = o.id"),
    (AcceptedAgreement, "row.order_id = o.id"),
    (PurchaseDraft, "row.order_id = o.id"),
    (QuoteUse, "row.order_number = o.number"),
    (Subscription, "row.line_id IN (SELECT id FROM orders_orderline WHERE order_id = o.id)"),
    (SubscriptionTerm, "row.line_id IN (SELECT id FROM orders_orderline WHERE order_id = o.id)"),
    (ServiceFlow, "row.order_id = o.id"),
    (FlowRecord, "row.flow_id IN (SELECT id FROM supervision_serviceflow WHERE order_id = o.id)"),
    (Delivery, "row.flow_id IN (SELECT id FROM supervision_serviceflow WHERE order_id = o.id)"),
    (Payment, "row.id = o.payment"),
    (PaymentAllocation, "row.order_id = o.id"),
    (SandboxCharge, "row.key = o.payment_key"),
    (JournalEntry, "row.order_id = o.id OR row.payment_id = o.payment"),
    (
        Posting,
        "row.entry_id IN (SELECT id FROM billing_journalentry WHERE order_id = o.id OR payment_id = o.payment)",
    ),
)


def _name(salt: int) -> str:
    """SQL of a name like those of `kernel.ids`: another one for each copy, spread over an index as random ones are."""
    return f"({_SPREAD} || lpad(upper(to_hex({salt << 28} + c.n)), 8, '0'))"


_SPREAD = "lpad(upper(to_hex((c.n * 2654435761) & 4294967295)), 8, '0')"
_NUMBER = f"'CS' || to_char(o.created_at - c.shift, 'YYMMDD') || {_SPREAD}"
# What must differ in each copy beside keys, accounts, cards and times.
NAMES = {
    (Order, "number"): _NUMBER,
    (PurchaseDraft, "public_id"): _name(1),
    (QuoteUse, "nonce"): _name(2),
    (QuoteUse, "order_number"): _NUMBER,
    (Subscription, "public_id"): _name(3),
    (ServiceFlow, "public_id"): _name(4),
    (Payment, "public_id"): _name(5),
    (Payment, "reference"): f"'ch_' || {_name(6)}",
    (SandboxCharge, "key"): _name(5),
    (SandboxCharge, "reference"): f"'ch_' || {_name(6)}",
}
# By what a copy differs in the columns that name one of these.
OWNERS = {Account: "c.account", PaymentMethod: "c.card", SandboxCard: "c.card_reference"}


def copy(
    bought: list[Order],
    number: int,
    *,
    oldest: timedelta = timedelta(days=DAYS),
    youngest: timedelta = timedelta(0),
    first: int = 0,
) -> None:
    """Copy the orders in turn until there are `number` copies, spread over accounts and time, the oldest first.

    Args:
        oldest: how much longer ago than its original the first copy happened.
        youngest: and the last one.
        first: a number that no copy had yet: names are made from it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_original AS SELECT row_number() OVER (ORDER BY o.id) - 1 AS original, o.id,"
            " o.number, o.created_at, a.payment_id AS payment, p.public_id AS payment_key FROM orders_order AS o"
            " JOIN billing_paymentallocation AS a ON a.order_id = o.id JOIN billing_payment AS p ON p.id = a.payment_id"
            " WHERE o.id = ANY(%s)",
            [[one.pk for one in bought]],
        )
        statements = [_prepare(cursor, model, own, first) for model, own in TABLES]
        indexes = indexes_of(cursor, [model for model, _own in TABLES]) if number >= MANY else {}
        for name in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        end = first + number
        for batch in range(first, end, BATCH):
            with transaction.atomic():
                # Rows that are right as their originals are: no trigger need look at each; `check_books` does.
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("SET LOCAL synchronous_commit = off")
                cursor.execute("DROP TABLE IF EXISTS bench_copy")
                cursor.execute(
                    "CREATE TEMP TABLE bench_copy AS SELECT n, n %% %s AS original, a.account, a.card, a.card_reference,"
                    " make_interval(secs => %s + %s::float8 * (%s - n) / %s) AS shift"
                    " FROM generate_series(%s::bigint, %s) AS n JOIN bench_account AS a ON a.k = n %% %s",
                    [
                        len(bought), youngest.total_seconds(), (oldest - youngest).total_seconds(), end, number,
                        batch, min(batch + BATCH, end) - 1, _count(cursor),
                    ],
                )  # fmt: skip
                cursor.execute("ANALYZE bench_copy")
                for statement in statements:
                    cursor.execute(statement)
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for definition in indexes.values():
            cursor.execute(definition)
        for model, _own in TABLES:
            table = model._meta.db_table
            cursor.execute(f"DROP TABLE bench_{table}")
            if model._meta.pk and model._meta.pk.get_internal_type() == "BigAutoField":
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("DROP TABLE bench_original")


def indexes_of(cursor: Any, copied: Collection[type[models.Model]]) -> dict[str, str]:
    """Those of tables that guard nothing: name -> statement. Making them anew is faster than filling them."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
        " AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
        [[model._meta.db_table for model in copied]],
    )
    return dict(cursor.fetchall())


def open_accounts(copies: int) -> None:
    """Buying accounts for so many copies, each with an owner and a card; those that there are count."""
    ours = PaymentMethod.objects.filter(reference__startswith="card_history_")
    numbers = range(ours.count(), max(1, copies // ORDERS_PER_ACCOUNT))
    accounts = Account.objects.bulk_create(Account(name=f"History {at}") for at in numbers)
    users = User.objects.bulk_create(User(email=f"history{at}@bench.example") for at in numbers)
    Membership.objects.bulk_create(
        Membership(account=account, user=user, role=Role.OWNER) for account, user in zip(accounts, users, strict=True)
    )
    cards = SandboxCard.objects.bulk_create(
        SandboxCard(reference=f"card_history_{at}", scenario="success") for at in numbers
    )
    PaymentMethod.objects.bulk_create(
        PaymentMethod(
            account=account, gateway="sandbox", reference=card.reference, brand="Visa", last4="4242",
            expires_year=2099, expires_month=1, is_default=True,
        )
        for account, card in zip(accounts, cards, strict=True)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_account (k int PRIMARY KEY, account bigint, card bigint, card_reference text)"
        )
        cursor.execute(
            "INSERT INTO bench_account SELECT row_number() OVER () - 1, account_id, id, reference"
            " FROM billing_paymentmethod WHERE reference LIKE 'card_history_%'"
        )


def _count(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM bench_account")
    return int(cursor.fetchone()[0])


def _prepare(cursor: Any, model: type[models.Model], own: str, first: int) -> str:
    """Keep the originals' rows of a table with their place in their order; the statement that copies them."""
    table = model._meta.db_table
    key = model._meta.pk
    assert key is not None
    cursor.execute(
        f"CREATE TEMP TABLE bench_{table} AS SELECT o.original,"
        f" row_number() OVER (PARTITION BY o.original ORDER BY row.{key.column}) - 1 AS place, row.*"
        f" FROM bench_original AS o JOIN {table} AS row ON {own}"
    )
    columns, values = [], []
    for one in model._meta.concrete_fields:
        columns.append(f'"{one.column}"')
        values.append(_value(cursor, model, one, first))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM bench_copy AS c"
        f" JOIN bench_original AS o USING (original) JOIN bench_{table} AS row USING (original)"
        f" ORDER BY c.n, row.place"
    )


def _value(cursor: Any, model: type[models.Model], column: Any, first: int) -> str:
    """What a copy has in a column, in SQL."""
    if (model, column.name) in NAMES:
        return NAMES[model, column.name]
    if column.primary_key:
        return _copied_key(cursor, model._meta.db_table, "row.place", first)
    original = f'row."{column.column}"'
    if isinstance(column, models.DateTimeField):
        return f"{original} - c.shift"
    target = column.related_model
    if target in OWNERS:
        return f"CASE WHEN {original} IS NULL THEN NULL ELSE {OWNERS[target]} END"
    if target in _before(model):
        parent = target._meta.db_table
        place = f"(SELECT parent.place FROM bench_{parent} AS parent WHERE parent.id = {original})"
        return _copied_key(cursor, parent, place, first)
    return original


def _before(model: type[models.Model]) -> list[type[models.Model]]:
    """Tables that are copied before this one; what names a later one (an upgrade's subject) is empty here."""
    every = [one for one, _own in TABLES]
    return every[: every.index(model)]


def _copied_key(cursor: Any, table: str, place: str, first: int) -> str:
    """The key of a copied row: behind every key that there is, as many for each order as an original has rows."""
    cursor.execute(
        f"SELECT coalesce(max(id), 0) + 1, (SELECT coalesce(max(place), 0) + 1 FROM bench_{table}) FROM {table}"
    )
    free, span = cursor.fetchone()
    return f"{free} + (c.n - {first}) * {span} + {place}"


def main(arguments: list[str]) -> None:
    """Make them."""
    number = int(arguments[0])
    if PaymentMethod.objects.filter(reference__startswith="card_history_").exists():
        sys.exit("An earlier run was interrupted: remove the folder, or name another one.")
    began = time.monotonic()
    with delivering_here():
        bought = originals()
    if not bought:
        sys.exit("There is no yearly licence to buy.")
    open_accounts(number)
    copy(bought, number)
    copied = time.monotonic()
    connection.cursor().execute("VACUUM ANALYZE")
    times = {"orders_seconds": round(copied - began, 1), "vacuum_seconds": round(time.monotonic() - copied, 1)}
    print(json.dumps({"orders": number} | times))


if __name__ == "__main__":
    main(sys.argv[1:])
