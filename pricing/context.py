"""Reads what a price depends on beside the catalogue: discounts, the tax of the buyer's country, resellers' prices."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Value

from accounts.models import Account
from catalog.models import Product
from pricing.coupons import coupon_facts
from pricing.models import Discount, ResellerPrice, TaxRate
from pricing.reductions import HUNDRED, DiscountFacts, PriceContext, TaxFacts
from pricing.values import SpecificationFacts

# Stands in the column of the kind where a row is no discount but the tax.
_TAX = "tax"


def price_context(product: Product, *, account: Account | None, at: datetime, coupon: str = "") -> PriceContext:
    """Everything that lowers or taxes prices of `product` for `account` (None: a visitor) at `at`.

    Raises:
        CouponInvalid: unknown coupon, or another account's.
    """
    rows = _reductions(product, account, at)
    return PriceContext(
        discounts=tuple(DiscountFacts(*row) for row in rows if row[1] != _TAX),
        tax=next((TaxFacts(row[2], row[3] / HUNDRED) for row in rows if row[1] == _TAX), None),
        coupon=coupon_facts(coupon, account=account) if coupon else None,
        product=product.pk,
        seller=product.seller_id,
    )


def _reductions(product: Product, account: Account | None, at: datetime) -> list[tuple[Any, ...]]:
    """Discounts as rows of `DiscountFacts`, and the tax of the account's country as a row like them: one query."""
    granted = {
        f"for_{who}": ExpressionWrapper(Q(**{f"{column}__isnull": False}), BooleanField())
        for who, column in (
            ("customer", "account"),
            ("product", "product"),
            ("seller", "seller"),
            ("reseller", "reseller"),
        )
    }
    discounts = Discount.objects.in_force(at).for_buyer(account).for_product(product).annotate(**granted)
    rows = discounts.values_list("id", "kind", "name", "percent", *granted)
    if account is not None:
        in_force = Q(valid_until=None) | Q(valid_until__gt=at)
        taxes = TaxRate.objects.filter(in_force, country=account.country, valid_from__lte=at).order_by("-valid_from")[
            :1
        ]
        never = {name: Value(False) for name in granted}
        rows = rows.union(
            taxes.annotate(kind=Value(_TAX), **never).values_list("id", "kind", "name", "percent", *granted), all=True
        )
    return list(rows)


def with_reseller_prices(facts: SpecificationFacts, account: Account | None) -> SpecificationFacts:
    """The specification at the price list of the account's reseller, where he has one (RULES 6)."""
    if account is None or not account.reseller_id:
        return facts
    own = ResellerPrice.objects.filter(
        reseller_id=account.reseller_id, specification_id=facts.id, currency=facts.currency
    )
    amounts = {one.billing_mode: one.amount for one in own}
    prices = {
        mode: replace(price, amount=amounts[mode], scheme="linear", tiers=()) if mode in amounts else price
        for mode, price in facts.prices.items()
    }
    return replace(facts, prices=prices)
