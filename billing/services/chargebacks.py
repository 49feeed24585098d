"""How charge-backs and refunds of one charge stand together: the buyer gets what he paid back once (decision 0021)."""

from datetime import datetime

from billing.choices import Ledger
from billing.gateways.base import DisputeNotice
from billing.ledger import Side
from billing.models import Dispute, Payment
from billing.services.refunds import record_refund
from billing.services.releasing import borne_by, left_of
from koogallery.kernel.money import Money
from orders.models import Order


def what_counts(notice: DisputeNotice, payment: Payment) -> Money:
    """How much of a new charge-back counts: no more than what of the locked charge has not gone back yet."""
    if notice.amount.currency != payment.currency:
        return Money.zero(payment.currency)
    return min(notice.amount, left_of(payment))


def give_won_back(dispute: Dispute, *, at: datetime) -> None:
    """A charge-back was won of orders that ended meanwhile and bore it: the money is the buyer's after all.

    Under the locks of the payment's orders and of the payment.
    """
    left = dispute.money
    for order in Order.objects.filter(allocations__payment=dispute.payment).order_by("id"):
        if part := min(left, borne_by(order)):
            left -= part
            losses = Side(Ledger.DISPUTE_LOSSES, part, account_id=order.account_id, seller_id=order.seller_id)
            reason = "The bank gave a charge-back of an ended order back."
            record_refund(dispute.payment, order, part, reason=reason, at=at, sources=[losses])
