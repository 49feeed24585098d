"""What is about to be paid: checked and locked, and for a card written down before the gateway is asked."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Account
from billing.choices import PaymentMethodKind, PaymentStatus
from billing.models import Payment, PaymentAllocation, PaymentMethod, Statement, UsageBill
from billing.services.methods import PaymentRequest, chosen_card
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, OneOf, Param
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.money import Money
from koogallery.kernel.stored import insert
from orders import services as orders
from orders.errors import AccountFrozen, OrderNotPayable
from orders.models import Order
from pricing.choices import CouponKind
from pricing.models import CouponUse

_OPEN = Compiled(
    lambda: Payment.objects.open().filter(OneOf(F("allocations__order_id"), Param("orders"))).order_by("id")[:1]
)

MOST_ORDERS = 30
"""One charge pays at most so many orders (RULES 6: combined payment)."""


def payable_orders(wanted: Sequence[Order], *, at: datetime) -> list[Order]:
    """The orders, locked in the order of their ids, if all of them may be paid together now.

    Raises:
        InvalidInput: none, too many, of several currencies, or with several cash coupons.
        OrderNotPayable: one is paid, cancelled, past its deadline, or being paid right now.
        AccountFrozen: what they buy would be delivered to an account that is out of use.
    """
    if refusal := together_refusal(wanted):
        raise refusal
    locked = [orders.order_locked(pk) for pk in sorted({one.pk for one in wanted})]
    for order in locked:
        if not orders.can_be_paid(order, at=at) or (order.unpaid_until and order.unpaid_until <= at):
            raise OrderNotPayable(f"Order {order.number} cannot be paid." if len(locked) > 1 else None)
    if locked[0].account.frozen_at:
        raise AccountFrozen("This account is frozen. Pay the overdue statement first, or contact support.")
    if locked[0].account.reseller_id:
        raise OrderNotPayable("This account buys through a reseller and pays him.")
    if len(locked) > 1:
        used = CouponUse.objects.filter(order_number__in=[order.number for order in locked], status="reserved")
        if used.filter(coupon__kind=CouponKind.CASH).count() > 1:
            raise InvalidInput("One payment takes one cash coupon. Pay these orders separately.")
    return locked


def together_refusal(wanted: Sequence[Order]) -> InvalidInput | None:
    """Why orders cannot be paid in one charge, whatever their state is, or None; not raised."""
    if not 1 <= len({one.pk for one in wanted}) <= MOST_ORDERS:
        return InvalidInput(f"Select 1 to {MOST_ORDERS} orders.", errors={"orders": [f"1 to {MOST_ORDERS} orders."]})
    if len({(order.account_id, order.currency) for order in wanted}) > 1:
        return InvalidInput("Orders that are paid together are in one currency.", errors={"orders": ["One currency."]})
    return None


def open_payment_of(locked: Sequence[Order]) -> Payment | None:
    """A payment of one of the orders whose outcome is not known yet.

    Raises:
        OrderNotPayable: it is under way, or it is for other orders too.
    """
    found = _OPEN.first(orders=[order.pk for order in locked])
    if found is None:
        return None
    same = set(found.allocations.values_list("order_id", flat=True)) == {order.pk for order in locked}
    if same and found.status == PaymentStatus.ACTION_REQUIRED:
        return found
    raise OrderNotPayable("A payment for this order is under way. Wait a moment, then look at the order again.")


def record_card_intent(wanted: Sequence[Order], request: PaymentRequest, *, at: datetime) -> Payment:
    """Transaction 1 of a card payment: what is about to be charged, with the time at which a timer will ask."""
    with transaction.atomic():
        locked = payable_orders(wanted, at=at)
        if found := open_payment_of(locked):
            return found
        first = locked[0]
        payment = _card_payment(first.account, sum_of(locked), chosen_card(first.account, request, at=at), at=at)
        allocate(payment, locked)
    return payment


def record_own_intent(order: Order, card: PaymentMethod, *, at: datetime) -> Payment:
    """The same for an order that the caller's transaction has placed, which therefore nobody else pays, with a valid card."""
    payment = _card_payment(order.account, order.payable_money, card, at=at)
    allocate(payment, [order])
    return payment


def record_statement_intent(statement: Statement, request: PaymentRequest, *, at: datetime) -> Payment:
    """The same for a monthly statement, in the caller's transaction, which has locked the statement.

    Raises:
        OrderNotPayable: it is being paid right now.
        PaymentMethodRequired: no usable card.
    """
    if found := _waiting_payment(Payment.objects.open().filter(statement=statement), "statement"):
        return found
    card = chosen_card(statement.account, request, at=at)
    return _card_payment(statement.account, statement.to_pay, card, at=at, statement=statement)


def record_bill_intent(bill: UsageBill, request: PaymentRequest, *, at: datetime) -> Payment:
    """The same for a usage bill, in the caller's transaction, which has locked the bill.

    Raises:
        OrderNotPayable: it is being paid right now.
        PaymentMethodRequired: no usable card.
    """
    if found := _waiting_payment(bill.payments.open(), "bill"):
        return found
    card = chosen_card(bill.account, request, at=at)
    return _card_payment(bill.account, bill.money, card, at=at, usage_bill=bill)


def _waiting_payment(open_ones: QuerySet[Payment], of: str) -> Payment | None:
    """The payment that waits for its card holder."""
    found = open_ones.first()
    if found is not None and found.status != PaymentStatus.ACTION_REQUIRED:
        raise OrderNotPayable(f"A payment for this {of} is under way. Wait a moment, then look at it again.")
    return found


def _card_payment(
    account: Account,
    amount: Money,
    card: PaymentMethod,
    *,
    at: datetime,
    statement: Statement | None = None,
    usage_bill: UsageBill | None = None,
) -> Payment:
    payment = Payment(
        account=account,
        method=PaymentMethodKind.CARD,
        card=card,
        statement=statement,
        usage_bill=usage_bill,
        currency=amount.currency,
        amount=amount.amount,
        gateway=card.gateway,
        created_at=at,
        # What was due long ago is asked about after it is charged, not before.
        ask_gateway_at=max(at, clock.now()) + settings.PAYMENT_ASK_AFTER,
    )
    payment.authorise()
    insert([payment])
    return payment


def allocate(payment: Payment, locked: Sequence[Order]) -> list[PaymentAllocation]:
    """Write down which orders the payment is for."""
    made = [
        PaymentAllocation(payment=payment, order=order, currency=order.currency, amount=order.payable)
        for order in locked
    ]
    insert(made)
    return made


def sum_of(locked: Sequence[Order]) -> Money:
    return Money.total((order.payable_money for order in locked), locked[0].currency)
