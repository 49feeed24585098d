"""One year in daily steps over subscriptions of every kind, against a calculation that walks the calendar day by day."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Account, Membership
from billing.gateways.sandbox import SandboxGateway
from billing.models import Statement
from billing.services import CreditTerms, PaymentRequest, bind_card, grant_credit, pay_order, top_up
from catalog.models import Price, Specification
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.money import Money
from notifications.models import Message
from orders.models import Order, Subscription
from orders.services import RenewalWish, place_renewal
from orders.terms import last_day
from pricing.values import Duration
from renewals.services import PlanWish, change_plan
from renewals.services.forecasting import forecast
from tests.conftest import Timers
from tests.factories import a_buyer, a_specification, an_operator
from tests.renewals.conftest import day
from tests.renewals.many import Sold, sell

pytestmark = pytest.mark.django_db

FIRST, DAYS = date(2024, 1, 10), 366
RISES_ON = FIRST + timedelta(days=150)
DISABLED_ON = FIRST + timedelta(days=100)

# Of 200, so many of each kind.
SHARES = {
    "monthly": 2, "yearly": 16, "counted": 2, "quarterly": 3, "balance": 1, "dearer": 1, "declined": 1, "stopped": 2,
    "by hand": 9, "cancelled": 9, "saas": 9, "rescued in grace": 3, "rescued in retention": 3, "on account": 2, "long": 137,
}  # fmt: skip
AUTO = {"monthly", "yearly", "counted", "quarterly", "balance", "dearer", "declined", "stopped", "on account"}
LONG = 10_000
UNCHANGED = {"monthly", "yearly", "quarterly", "balance", "on account"}


# --- the naive calculation: no month is ever added, days are counted ---------------------------------------------


def anchor_days(after: date, anchor: int) -> Iterator[date]:
    """Every later day on which a term with this anchor can end, found by looking at each day."""
    one = after
    while True:
        one += timedelta(days=1)
        last = (one + timedelta(days=1)).month != one.month
        if one.day == anchor or (last and one.day < anchor):
            yield one


@dataclass
class Naive:
    """What should become of one subscription."""

    kind: str
    until: date
    anchor: int
    months: int
    grace: int = 15
    count: int = 0
    deducted_before: int = 7
    price: Decimal = Decimal("5.00")
    auto: bool = False
    status: str = "enabled"
    charges: list[tuple[date, Decimal]] = field(default_factory=list)

    def renew(self, today: date, months: int, amount: Decimal) -> None:
        found = anchor_days(self.until, self.anchor)
        for _ in range(months):
            self.until = next(found)
        self.status = "enabled"
        self.charges.append((today, amount))

    def live(self, today: date) -> None:
        """One day: its 03:00, its noon, and the midnight before it."""
        over = (today - self.until).days
        if self.status != "closed" and over > 0:
            self.status = "expired" if over <= self.grace else "frozen" if over <= self.grace + 15 else "closed"
        left = (self.until - today).days
        if self.auto and self.status == "enabled" and left == self.deducted_before and self.kind != "declined":
            price = Decimal("6.00") if self.kind == "dearer" and today > RISES_ON else self.price
            self.renew(today, self.months, price)
            if self.count:
                self.count -= 1
                self.auto = self.count > 0
        if self.kind == "stopped" and today == DISABLED_ON:
            self.auto = False
        rescued = {"rescued in grace": 5, "rescued in retention": 20}.get(self.kind)
        if over == rescued and len(self.charges) == 0:
            self.renew(today, 2, Decimal("10.00"))


# --- the same for real ---------------------------------------------------------------------------------------------


class Year:
    """The subscriptions of every kind, an account a kind."""

    def __init__(self, number: int) -> None:
        self.at = day(str(FIRST))
        license_ = a_specification(prices={"monthly": "5.00", "yearly": "50.00"})
        dearer = a_specification(prices={"monthly": "5.00"}, seller=license_.product.seller)
        saas = a_specification(prices={"monthly": "5.00"}, saas=True, seller=license_.product.seller)
        self.dearer, self.naive, self.buyers, sold = dearer, [], {}, []
        for kind, share in SHARES.items():
            account = self._account(kind)
            specification = {"saas": saas, "dearer": dearer}.get(kind, license_)
            sold += [self._one(kind, index, account, specification) for index in range(max(1, share * number // 200))]
        self.apps = sell(sold, at=self.at)
        # Only who renews by hand reads what is told; the rest is told to nobody, which is quicker.
        Membership.objects.exclude(account=self.buyers["by hand"].account_id).delete()

    def _account(self, kind: str) -> Account:
        self.buyers[kind] = by = a_buyer()
        account, operator = Account.objects.get(pk=by.account_id), an_operator()
        by_card = "insufficient_funds" if kind == "declined" else "success"
        if kind == "balance":
            top_up(account, Money(Decimal(100_000), "USD"), reference="T-1", by=operator, at=self.at)
        elif kind == "on account":
            terms = CreditTerms(Money(Decimal(1_000_000), "USD"), "TK-1")
            grant_credit(account, terms, by=operator, at=self.at)
        else:
            bind_card(account, SandboxGateway().enter_card(by_card), by=by, at=self.at)
        return account

    def _one(self, kind: str, index: int, account: Account, specification: Specification) -> Sold:
        # What is called long ends after the year.
        ends = FIRST + timedelta(days=9 + (7 * index + len(kind)) % 52 + (400 if kind == "long" else 0))
        anchor = 31 if (ends + timedelta(days=1)).month != ends.month and index % 2 else ends.day
        period = {"yearly": Duration(1, "year"), "quarterly": Duration(3, "month")}.get(kind, Duration(1, "month"))
        auto, count, before = kind in AUTO, 3 if kind == "counted" else 0, 1 + index % 7 if kind == "quarterly" else 7
        mode = "auto" if auto else "cancelled" if kind == "cancelled" else "manual"
        price = {"yearly": Decimal("50.00"), "quarterly": Decimal("15.00")}.get(kind, Decimal("5.00"))
        self.naive.append(
            Naive(kind, ends, anchor, period.months, 0 if kind == "saas" else 15, count, before, price, auto)
        )
        return Sold(account, specification, ends, anchor, mode, period, count, before)

    def act(self, today: date) -> None:
        """What people do at noon of a day: the price rises, somebody stops, somebody rescues."""
        at = day(str(today))
        if today == RISES_ON:
            Price.objects.filter(specification=self.dearer).update(amount=Decimal("6.00"))
        for app, one in zip(self.apps, self.naive, strict=True):
            if one.kind == "stopped" and today == DISABLED_ON:
                change_plan(app, PlanWish("manual"), by=self.buyers[one.kind], at=at)
            wanted = {"rescued in grace": 5, "rescued in retention": 20}.get(one.kind)
            if wanted and not one.charges and (today - one.until).days == wanted:
                wish = RenewalWish(Duration(2, "month"))
                with clock.standing_at(at):
                    order = place_renewal(app, wish, by=self.buyers[one.kind])
                    pay_order(order, PaymentRequest(), by=self.buyers[one.kind])

    def charged(self) -> dict[int, list[tuple[date, Decimal]]]:
        """Subscription -> (day, amount) of every renewal that was paid."""
        found = defaultdict(list)
        paid = Order.objects.filter(kind="renewal", status="completed").order_by("paid_at", "id")
        for subject, paid_at, payable in paid.values_list("subject", "paid_at", "payable"):
            found[subject].append((last_day(paid_at), payable))
        return found

    def spent_by(self, kinds: set[str]) -> dict[date, Decimal]:
        """Month -> what the accounts of these kinds were charged, as the naive calculation has it."""
        found: dict[date, Decimal] = defaultdict(Decimal)
        for one in self.naive:
            if one.kind in kinds:
                for when, amount in one.charges:
                    found[when.replace(day=1)] += amount
        return found


def books_balance() -> bool:
    """The sum of all postings is zero for each currency, in one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT currency FROM billing_posting GROUP BY currency HAVING sum(amount) <> 0")
        return not cursor.fetchall()


@pytest.fixture(autouse=True)
def _nobody_pays_statements_here(settings):
    """So none is due within the year: an overdue one would stop what is bought on account (RULES 6)."""
    settings.STATEMENT_DUE_AFTER = timedelta(days=2 * DAYS)


def test_a_year_is_what_a_naive_calculation_says(timers):
    live_a_year(timers, 200)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_year_of_ten_thousand_is_what_a_naive_calculation_says(timers, capsys):
    """Each firing is committed, as in a process that runs: within one transaction the database would keep every
    version of every row, and read through all that was due before at each look at what is."""
    began = time.monotonic()

    def told(today: date) -> None:
        with capsys.disabled():
            print(f"\n{today}: {Order.objects.count():,} orders, {time.monotonic() - began:.0f} s", end="", flush=True)

    live_a_year(timers, LONG, each_month=told)


def live_a_year(timers: Timers, number: int, each_month: Callable[[date], None] = lambda today: None) -> None:
    """Let `number` subscriptions live for a year, and compare what became of them with the naive calculation."""
    year = Year(number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    foreseen = {
        kind: forecast(Account.objects.get(pk=year.buyers[kind].account_id), at=year.at)[0] for kind in UNCHANGED
    }
    for passed in range(DAYS):
        today = FIRST + timedelta(days=passed)
        timers.run(day(str(today)))
        year.act(today)
        for one in year.naive:
            one.live(today)
        assert books_balance(), today
        if today.day == 1:
            each_month(today)
    timers.run(day(str(FIRST + timedelta(days=DAYS - 1)), "12:02"))

    charged, now = year.charged(), {app.pk: app for app in Subscription.objects.all()}
    for app, one in zip(year.apps, year.naive, strict=True):
        real = now[app.pk]
        assert (one.kind, charged[app.pk]) == (one.kind, one.charges), (one, app.pk)
        assert (one.kind, real.status, last_day(real.expires_at)) == (one.kind, one.status, one.until)
        local = real.expires_at + timedelta(hours=8)
        assert (local.hour, local.minute, local.second) == (23, 59, 59)
    for kind, one in foreseen.items():
        spent = year.spent_by({kind})
        assert {month.month: month.automatic.amount for month in one.months} == {
            month.month: spent.get(month.month, Decimal(0)) for month in one.months
        }, kind
    statements = Statement.objects.order_by("month").values_list("month", "amount")
    owed = year.spent_by({"on account"})
    assert dict(statements) == {month: amount for month, amount in owed.items() if month < date(2025, 1, 1)}
    # 7, 3 and 1 days before expiry, freeze and release, and each of them: twelve messages for every one that ended so.
    by_hand = sum(one.kind == "by hand" for one in year.naive)
    assert Message.objects.count() == 12 * by_hand
    wrong = [
        one
        for one in breaches()
        if one.invariant.name not in ("supervised_orders_have_a_flow", "listing_repeats_prices")
    ]
    assert [str(one) for one in wrong] == []


def test_a_worker_that_was_down_for_months_comes_to_the_same_dates_prices_and_bills(timers):
    """The same year without what people do, once in daily steps as the naive calculation, once in leaps."""
    year = Year(14)
    kinds = UNCHANGED | {"counted", "by hand", "cancelled", "saas"}
    for passed in range(DAYS):
        for one in year.naive:
            if one.kind in kinds:
                one.live(FIRST + timedelta(days=passed))
    for leap in (70, 71, 190, DAYS - 1):
        timers.run(day(str(FIRST + timedelta(days=leap)), "12:02"))
    charged = year.charged()
    for app, one in zip(year.apps, year.naive, strict=True):
        if one.kind in kinds:
            real = Subscription.objects.get(pk=app.pk)
            assert (one.kind, charged[app.pk]) == (one.kind, one.charges)
            assert (one.kind, real.status, last_day(real.expires_at)) == (one.kind, one.status, one.until)
    owed = year.spent_by({"on account"})
    assert dict(Statement.objects.values_list("month", "amount")) == {
        month: amount for month, amount in owed.items() if month < date(2025, 1, 1)
    }
