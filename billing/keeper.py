"""Answers the MONEY port: what buyers paid is held, released to the seller, or given back."""

from datetime import datetime

from accounts.actor import Actor
from billing import ledger
from billing.choices import EntryKind, Ledger
from billing.services.refunds import request_refund
from koogallery.kernel.money import Money
from orders.models import Order


class BillingMoney:
    """`orders.ports.MoneyKeeper` over the journal."""

    def hold(self, order: Order, *, by: Actor, at: datetime) -> None:
        """Nothing to do: the charge itself credits what is held, in the same transaction as this call."""
        if ledger.held_for(order) != order.payable_money:
            raise ledger.Unbalanced(f"{order.number} is being paid, but what is held for it differs.")

    def release(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order is completed: what is still held becomes payable to the seller."""
        held = ledger.held_for(order)
        if held:
            ledger.transfer(
                EntryKind.RELEASE, held, debit=Ledger.HELD, credit=Ledger.SELLER_PAYABLE, order=order, at=at
            )

    def refund(self, order: Order, amount: Money, *, reason: str, by: Actor, at: datetime) -> None:
        """Record the refund; the outbox carries it out."""
        request_refund(order, amount, reason=reason, at=at)

    def refundable(self, order: Order) -> Money:
        """What is held for the order now."""
        return ledger.held_for(order)

    def return_coupon(self, order: Order, *, by: Actor, at: datetime) -> None:
        """Orders reserve no coupons yet, so that there is nothing to give back."""
