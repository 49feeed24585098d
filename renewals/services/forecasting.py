"""What an account will spend on renewals, month by month: what is deducted by itself, and what would be renewed by hand.

At today's list prices and discounts, with tax, before coupons; months are those of GMT+08:00. Pay-per-use is metered
and not foreseen.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from accounts.models import Account
from catalog.models import Product
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from orders.choices import SubscriptionStatus
from orders.services import RenewalPrices, RenewalWish, price_of_renewal, renewal_prices
from orders.terms import add_months, last_day, renewed_until
from renewals import rules
from renewals.choices import RenewalMode
from renewals.models import RenewalPlan

MONTHS = 12
MOST_STEPS = 120


@dataclass(frozen=True, slots=True)
class ForecastMonth:
    """A month, by its first day: what is deducted in it, and what expires in it and would cost to renew by hand."""

    month: date
    automatic: Money
    by_hand: Money
    renewals: int


@dataclass(frozen=True, slots=True)
class ForecastProduct:
    """One product's part of all months: what is deducted, and what it would cost to renew by hand."""

    product: Product
    automatic: Money
    by_hand: Money
    renewals: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The months in one currency, and the same by product, what costs most first.

    What cannot be renewed any more has no price, and is not part of it.
    """

    currency: str
    months: tuple[ForecastMonth, ...]
    products: tuple[ForecastProduct, ...]

    @property
    def automatic(self) -> Money:
        return Money.total((one.automatic for one in self.months), self.currency)

    @property
    def by_hand(self) -> Money:
        return Money.total((one.by_hand for one in self.months), self.currency)


@dataclass(slots=True)
class _Sum:
    automatic: Decimal = Decimal(0)
    by_hand: Decimal = Decimal(0)
    renewals: int = 0

    def add(self, price: Money, *, automatic: bool) -> None:
        if automatic:
            self.automatic += price.amount
        else:
            self.by_hand += price.amount
        self.renewals += 1

    def in_currency(self, currency: str) -> tuple[Money, Money, int]:
        return Money(self.automatic, currency), Money(self.by_hand, currency), self.renewals


def forecast(account: Account, *, at: datetime, months: int = MONTHS) -> list[Forecast]:
    """What the account will spend from the month of `at` on, one forecast for each currency; a fixed number of queries."""
    plans = list(RenewalPlan.objects.for_account(account).exclude(mode=RenewalMode.CANCELLED).with_table_columns())
    prices = renewal_prices([plan.subscription for plan in plans], account=account, at=at)
    first = last_day(at).replace(day=1)
    known = [add_months(first, number, 1) for number in range(months)]
    by_month: dict[tuple[str, date], _Sum] = defaultdict(_Sum)
    by_product: dict[tuple[str, int], _Sum] = defaultdict(_Sum)
    products: dict[int, Product] = {}
    currencies = {account.currency: None}
    for plan in plans:
        price = _price(plan, account, prices, at)
        if price is None:
            continue
        product = plan.subscription.product
        currencies[price.currency], products[product.pk] = None, product
        for when in _renewals(plan, until=add_months(first, months, 1), at=at):
            by_month[price.currency, max(when.replace(day=1), first)].add(price, automatic=_by_itself(plan))
            by_product[price.currency, product.pk].add(price, automatic=_by_itself(plan))
    return [
        Forecast(
            currency,
            tuple(ForecastMonth(month, *by_month[currency, month].in_currency(currency)) for month in known),
            tuple(
                ForecastProduct(products[pk], *one.in_currency(currency))
                for (_currency, pk), one in sorted(
                    by_product.items(), key=lambda row: (-row[1].automatic, -row[1].by_hand, row[0])
                )
                if _currency == currency
            ),
        )
        for currency in currencies
    ]


def _by_itself(plan: RenewalPlan) -> bool:
    """Whether it is deducted: what has expired is renewed by hand first, whatever its plan."""
    return plan.is_auto and plan.subscription.status == SubscriptionStatus.ENABLED


def _price(plan: RenewalPlan, account: Account, prices: RenewalPrices, at: datetime) -> Money | None:
    """What one period costs today; None where it cannot be renewed."""
    wish = RenewalWish(plan.period, automatic=_by_itself(plan))
    try:
        return price_of_renewal(plan.subscription, wish, account=account, at=at, prices=prices).payable
    except DomainError:
        return None


def _renewals(plan: RenewalPlan, *, until: date, at: datetime) -> Iterator[date]:
    """The days (GMT+08:00) before `until` on which the plan is deducted; or expires, where it is renewed by hand.

    By hand only what is still to expire counts as often as its period comes round.
    """
    app, left = plan.subscription, plan.count or MOST_STEPS
    if app.expires_at is None:
        return
    expires_at, anchor = app.expires_at, app.anchor_day or last_day(app.expires_at).day
    if _by_itself(plan):
        due = plan.deduct_at
        for _step in range(min(left, MOST_STEPS)):
            if due is None or last_day(due) >= until:
                return
            yield last_day(due)
            expires_at = renewed_until(expires_at, anchor, plan.period)
            due = rules.first_deduction(expires_at, plan.deduction_days, at=due)
        return
    for _step in range(MOST_STEPS):
        if last_day(expires_at) >= until:
            return
        yield max(last_day(expires_at), last_day(at))
        expires_at = renewed_until(expires_at, anchor, plan.period)
