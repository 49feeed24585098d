"""An order is completed: what was held becomes the seller's, less our fee and the tax; and back again (RULES 9)."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Sum

from billing import ledger
from billing.choices import DisputeStatus, EntryKind, Ledger
from billing.ledger import Side
from billing.models import Dispute, JournalEntry, Payment, Posting, ProductFee
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.money import Money
from orders.models import Order
from pricing.choices import CouponUseStatus
from pricing.models import CouponUse

RELEASED = (Ledger.SELLER_PAYABLE, Ledger.SERVICE_FEES, Ledger.TAX)


_OWN_FEE = Compiled(lambda: ProductFee.objects.filter(product=Param("product")).values_list("percent")[:1])


def fee_share(order: Order) -> Decimal:
    """Our share of the order's sales: 0.15 for 15 per cent; the product's own, or the settings' (RULES 9)."""
    own = _OWN_FEE.first(product=order.product_id)
    return (own[0] if own else settings.SERVICE_FEE_PERCENT) / Decimal(100)


def release(order: Order, *, at: datetime) -> None:
    """Post what is held for a completed order, and what its coupon is worth to the seller."""
    share, parties = fee_share(order), {"account_id": order.account_id, "seller_id": order.seller_id}
    if held := ledger.held_for(order):
        tax = (Money(order.tax, order.currency) * (held.amount / order.payable)).rounded()
        cloud = _cloud_part(order, held - tax)
        fee = cloud + ((held - tax - cloud) * share).rounded()
        sides = [Side(Ledger.HELD, held, **parties), *_earned(order, held - tax - fee, fee, tax)]
        ledger.post(EntryKind.RELEASE, sides, at=at, order=order)
    if not order.coupon_code:
        return
    use = (
        CouponUse.objects.filter(order_number=order.number, status=CouponUseStatus.SPENT)
        .select_related("coupon")
        .first()
    )
    if use is not None and use.amount:
        worth = Money(use.amount, use.currency)
        if use.coupon.seller_id:
            # The seller's own coupon lowers what he earns: nobody pays it to him.
            sides = [Side(Ledger.COUPONS_HELD, worth, **parties), Side(Ledger.COUPONS, -worth, **parties)]
        else:
            fee = (worth * share).rounded()
            zero = Money.zero(worth.currency)
            sides = [Side(Ledger.COUPONS_HELD, worth, **parties), *_earned(order, worth - fee, fee, zero)]
        ledger.post(EntryKind.COUPON_EARNED, sides, at=at, order=order, text=str(use.coupon))


def _cloud_part(order: Order, net: Money) -> Money:
    """What of `net` is for servers under an image, which the platform sells, not the seller."""
    servers, whole = order.server_charges, order.payable - order.tax
    return (net * (servers / whole)).rounded() if servers and whole else Money.zero(net.currency)


def _earned(order: Order, seller: Money, fee: Money, tax: Money) -> list[Side]:
    return [
        Side(Ledger.SELLER_PAYABLE, -seller, account_id=order.account_id, seller_id=order.seller_id),
        Side(Ledger.SERVICE_FEES, -fee, account_id=order.account_id, seller_id=order.seller_id),
        Side(Ledger.TAX, -tax, account_id=order.account_id, seller_id=order.seller_id),
    ]


_RELEASED = Compiled(
    lambda: (
        Posting.objects.filter(
            entry__order=Param("order"),
            entry__kind__in=(EntryKind.RELEASE, EntryKind.REFUND_OWED, EntryKind.DISPUTE_SET_OFF),
            ledger__in=RELEASED,
            currency=Param("currency"),
        )
        .order_by()
        .values("ledger")
        .annotate(total=Sum("amount", output_field=models.DecimalField()))
        .values_list("ledger", "total")
    )
)


def released_for(order: Order) -> dict[Ledger, Money]:
    """What of the buyer's payment the seller, we and the tax office have of the order now; coupons apart."""
    sums = dict(_RELEASED.all(order=order.pk, currency=order.currency))
    return {name: Money(-sums.get(name, Decimal(0)), order.currency) for name in RELEASED}


def refund_sources(order: Order, amount: Money) -> list[Side]:
    """From where a refund of `amount` comes: what is held; after completion, in the shares in which it was released."""
    parties = {"account_id": order.account_id, "seller_id": order.seller_id}
    if ledger.held_for(order):
        return [Side(Ledger.HELD, amount, **parties)]
    shares = released_for(order)
    total = Money.total(shares.values(), order.currency)
    if amount == total:
        return [Side(name, share, **parties) for name, share in shares.items()]
    # Each part is at most what its party has: the tax of all, then our fee of what both of us have besides.
    tax = _part(amount, shares[Ledger.TAX], total)
    fee = _part(amount - tax, shares[Ledger.SERVICE_FEES], total - shares[Ledger.TAX])
    return [
        Side(Ledger.SELLER_PAYABLE, amount - tax - fee, **parties),
        Side(Ledger.SERVICE_FEES, fee, **parties),
        Side(Ledger.TAX, tax, **parties),
    ]


def _part(amount: Money, share: Money, of: Money) -> Money:
    """The part of `amount` that falls on `share` of `of`, rounded once."""
    return Money(amount.amount * share.amount / of.amount, amount.currency).rounded() if of else of


def kept_of(order: Order) -> Money:
    """What of the buyer's payment is held for the order, or after completion was released."""
    return ledger.held_for(order) or Money.total(released_for(order).values(), order.currency)


def left_of(payment: Payment) -> Money:
    """What of a charge has not gone back yet, by refunds or by charge-backs that are open or lost."""
    return payment.money - Money(payment.refunded, payment.currency) - charged_back(payment)


_CHARGED_BACK = Compiled(
    lambda: (
        Dispute.objects.filter(payment=Param("payment"))
        .exclude(status=DisputeStatus.WON)
        .order_by()
        .values("payment")
        .annotate(total=Sum("amount", output_field=models.DecimalField()))
        .values_list("total")
    )
)
_PAYMENT = Compiled(lambda: Payment.objects.counted_for(Param("order")).order_by("id")[:1])


def charged_back(payment: Payment) -> Money:
    """What banks have taken back of a charge, unless we won it back."""
    total = _CHARGED_BACK.first(payment=payment.pk)
    return Money(total[0] if total else Decimal(0), payment.currency)


def refundable(order: Order, payment: Payment | None = None) -> Money:
    """How much of what the buyer paid can still go back: what we keep of it, and no bank has taken back already.

    Args:
        payment: what paid the order, where it was read already.
    """
    kept = kept_of(order)
    payment = payment or (_PAYMENT.first(order=order.pk) if kept else None)
    return min(kept, left_of(payment)) if kept and payment else kept


def set_off_charge_backs(order: Order, *, at: datetime) -> None:
    """An order ended in whole and what could go back is on its way: the rest of it, which a bank took, is nobody's.

    It bears the charge-back, so that neither the seller nor we keep money that the buyer has.
    """
    if rest := kept_of(order):
        gain = Side(Ledger.DISPUTE_LOSSES, -rest, account_id=order.account_id, seller_id=order.seller_id)
        payment = Payment.objects.counted_for(order).get()
        ledger.post(
            EntryKind.DISPUTE_SET_OFF, [*refund_sources(order, rest), gain], at=at, order=order, payment=payment
        )


def borne_by(order: Order) -> Money:
    """How much of charge-backs an ended order bears now."""
    return -ledger.balance_of(order, Ledger.DISPUTE_LOSSES)


def was_released(order: Order) -> bool:
    """Whether the order's money was released to its seller."""
    return JournalEntry.objects.filter(order=order, kind=EntryKind.RELEASE).exists()
