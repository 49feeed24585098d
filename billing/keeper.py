"""Answers the MONEY port: what buyers paid is held, released to the seller, or given back."""

from datetime import datetime

from accounts.actor import Actor
from accounts.models import Account
from billing import ledger
from billing.choices import EntryKind, Ledger, PaymentMethodKind
from billing.ledger import Side
from billing.models import Posting
from billing.services.methods import owing_refusal, own_method
from billing.services.paying import pay_order, record_taken
from billing.services.proposals import needs_consent
from billing.services.refunds import refunds_under_way, request_refund
from billing.services.releasing import refundable, release, set_off_charge_backs
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from orders.models import Order
from pricing import coupons


class BillingMoney:
    """`orders.ports.MoneyKeeper` over the journal."""

    def owing_refusal(self, account: Account, *, by_use: bool, at: datetime) -> DomainError | None:
        """A reseller's customer, a balance and monthly settlement need no card (RULES 6)."""
        return owing_refusal(account, by_use=by_use, at=at)

    def pay_by_itself(self, order: Order, *, by: Actor, at: datetime) -> None:
        """With the default card; without one from the balance, then on monthly settlement."""
        pay_order(order, own_method(order.account, order.payable_money), by=by, at=at)

    def bill_reseller(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The buyer's reseller owes the order's amount; it is paid with that (guide 2.1 NOTE)."""
        record_taken([order], PaymentMethodKind.RESELLER, by=by, at=at)

    def hold(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The charge itself credits what is held, in the same transaction; the order's coupon is spent with it."""
        if ledger.held_for(order) != order.payable_money:
            raise ledger.Unbalanced(f"{order.number} is being paid, but what is held for it differs.")
        if order.coupon_code and (use := coupons.spend_coupon(order.number, at=at)):
            worth = Money(use.amount, use.currency)
            if not worth:
                return
            parties = (order.account_id, order.seller_id)
            sides = [Side(Ledger.COUPONS, worth, *parties), Side(Ledger.COUPONS_HELD, -worth, *parties)]
            ledger.post(EntryKind.COUPON, sides, at=at, order=order, text=str(use.coupon))

    def release(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order is completed: what is still held becomes payable to the seller."""
        release(order, at=at)

    def refund(self, order: Order, amount: Money, *, reason: str, by: Actor, at: datetime) -> None:
        """Record the refund; the outbox carries it out."""
        request_refund(order, amount, reason=reason, at=at)

    def needs_consent(self, order: Order, amount: Money) -> bool:
        """Above the limit of the settings, what was given back before included."""
        return needs_consent(order, amount)

    def refundable(self, order: Order) -> Money:
        """What is held for the order now; once it is completed, what was released."""
        return refundable(order)

    def ended(self, order: Order, *, by: Actor, at: datetime) -> None:
        """An ended order bears its charge-backs."""
        set_off_charge_backs(order, at=at)

    def refunds_under_way(self, order: Order) -> bool:
        """Also one that the card processor refuses, until operations have paid it by hand."""
        return refunds_under_way(order)

    def return_coupon(self, order: Order, *, cash_only: bool = False, by: Actor, at: datetime) -> None:
        """What the order took of a coupon is free again; spent or only reserved."""
        if not order.coupon_code:
            return
        use = coupons.return_coupon(order.number, cash_only=cash_only, at=at)
        if use is None or order.paid_at is None or not use.amount:
            return
        worth = Money(use.amount, use.currency)
        earned = Posting.objects.filter(entry__order=order, entry__kind=EntryKind.COUPON_EARNED)
        back = [
            Side(Ledger(one.ledger), -Money(one.amount, one.currency), one.account_id, one.seller_id)
            for one in earned.exclude(ledger=Ledger.COUPONS_HELD)
        ] or [Side(Ledger.COUPONS_HELD, worth, order.account_id, order.seller_id)]
        cost = Side(Ledger.COUPONS, -worth, order.account_id, order.seller_id)
        ledger.post(EntryKind.COUPON_BACK, [*back, cost], at=at, order=order, text=str(use.coupon))
