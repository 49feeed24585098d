"""What an account spent, by month (GMT+08:00), product and seller: orders when they are paid, refunds when they are decided,
pay-per-use in the month of its use. With tax; what a coupon paid is no spend."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import DateField, DecimalField, F, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Account, Seller
from billing.choices import RefundStatus
from billing.models import Refund, UsageBillLine
from billing.rules.cycles import midnight
from catalog.models import Product
from koogallery.kernel.money import Money
from orders.models import Order
from orders.terms import BILLING_ZONE

MONTHS = 12

Named = TypeVar("Named", Product, Seller)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on one product in one month; refunds may make it negative."""

    month: date
    product: Product
    money: Money


@dataclass(frozen=True, slots=True)
class Share:
    """One row of a table: a month, product or seller, and what was spent on it.

    Attributes:
        product: which one, where it is of a product; two may have the same name.
        seller: which one, where it is of a seller.
    """

    name: str
    money: Money
    product: Product | None = None
    seller: Seller | None = None


def spent(account: Account, until: date, months: int = MONTHS) -> list[Spent]:
    """What was spent in the last `months` months up to that of `until`, oldest first, by product and currency."""
    sums: dict[tuple[date, int, str], Decimal] = defaultdict(Decimal)
    for month, product, currency, total in _sums(account, month_earlier(until, months - 1), month_earlier(until, -1)):
        sums[month, product, currency] += total
    products = Product.objects.select_related("seller").in_bulk({product for _month, product, _currency in sums})
    return [
        Spent(month, products[product], Money(total, currency))
        for (month, product, currency), total in sorted(sums.items())
        if total
    ]


def spent_by_month(account: Account, until: date, months: int = MONTHS) -> dict[str, list[Share]]:
    """Currency -> what was spent in each of the last `months` months, oldest first, months without any included."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for month, _product, currency, total in _sums(account, month_earlier(until, months - 1), month_earlier(until, -1)):
        sums[currency, f"{month:%Y-%m}"] += total
    names = [f"{month_earlier(until, at):%Y-%m}" for at in reversed(range(months))]
    return {
        currency: [Share(name, Money(sums.get((currency, name), Decimal(0)), currency)) for name in names]
        for currency in sorted({currency for currency, _name in sums})
    }


def _sums(account: Account, first: date, after: date) -> "QuerySet[Any, Any]":
    """(month, product, currency, sum) of orders, of refunds (negative) and of use, in one query."""
    start, end = midnight(first), midnight(after)

    def summed(rows: Any, amount: Any) -> Any:
        by_product = rows.order_by().values("month", "product", "currency")
        return by_product.annotate(total=Sum(amount, output_field=DecimalField())).values_list(
            "month", "product", "currency", "total"
        )

    paid = Order.objects.for_account(account).filter(paid_at__gte=start, paid_at__lt=end, payable__gt=0)
    back = Refund.objects.filter(order__account=account, created_at__gte=start, created_at__lt=end)
    back = back.exclude(status=RefundStatus.FAILED)
    used = UsageBillLine.objects.filter(bill__account=account, month__gte=first, month__lt=after)
    parts = [
        summed(paid.annotate(month=_month_of("paid_at")), F("payable")),
        summed(back.annotate(month=_month_of("created_at"), product=F("order__product")), -F("amount")),
        summed(used.annotate(product=F("line__order__product")), F("amount") + F("tax")),
    ]
    return parts[0].union(*parts[1:], all=True)


def _month_of(column: str) -> TruncMonth:
    return TruncMonth(column, output_field=DateField(), tzinfo=BILLING_ZONE)


def month_earlier(month: date, count: int) -> date:
    """The first day of the month `count` months before; of a later one for a negative count."""
    year, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(year, index + 1, 1)


def by_product(rows: Iterable[Spent]) -> list[Share]:
    """The sums by product, whatever their names, the largest first. The rows are in one currency."""
    return [Share(one.name, money, product=one) for one, money in _largest(rows, lambda row: row.product)]


def by_seller(rows: Iterable[Spent]) -> list[Share]:
    """The sums by seller likewise."""
    return [Share(one.name, money, seller=one) for one, money in _largest(rows, lambda row: row.product.seller)]


def _largest(rows: Iterable[Spent], of: Callable[[Spent], Named]) -> list[tuple[Named, Money]]:
    sums: dict[Named, Money] = {}
    for row in rows:
        sums[of(row)] = sums.get(of(row), Money.zero(row.money.currency)) + row.money
    return sorted(sums.items(), key=lambda one: (-one[1].amount, one[0].name, one[0].pk))


def every_month(rows: Iterable[Spent], until: date, currency: str, months: int = MONTHS) -> Iterator[Share]:
    """The sums by month, oldest first, months without any included."""
    sums: dict[str, Money] = {}
    for row in rows:
        name = f"{row.month:%Y-%m}"
        sums[name] = sums.get(name, Money.zero(currency)) + row.money
    for at in reversed(range(months)):
        name = f"{month_earlier(until, at):%Y-%m}"
        yield Share(name, sums.get(name, Money.zero(currency)))
