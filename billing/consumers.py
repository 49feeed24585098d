"""What billing does when it hears of something."""

from datetime import datetime

from accounts.actor import Actor
from billing.events import (
    CardUnbound,
    PaymentInDoubt,
    ReconciliationDue,
    RefundInDoubt,
    RefundRequested,
    UsageBillIssued,
    UsageBillPaid,
    WrongAmountTaken,
)
from billing.invoices import consumers as _of_invoices  # noqa: F401  (subscribes)
from billing.models import UsageBill
from billing.services import (
    bill_accrued,
    carry_out_refund,
    charge_usage_bill,
    give_wrong_amount_back,
    resolve_payment,
    resolve_refund,
    watch_usage,
)
from billing.services.cards import forget_card
from billing.services.reconciling_daily import make_reconciliation
from koogallery.kernel.outbox import subscribe
from orders.events import UsageRecorded


@subscribe(RefundRequested, name="billing.carry_out_refund", outside=True)
def carry_out(event: RefundRequested, at: datetime) -> None:
    """Call the gateway outside any transaction; a repeated delivery changes nothing."""
    carry_out_refund(event.refund, at=at)


@subscribe(PaymentInDoubt, name="billing.ask_gateway", outside=True)
def ask_gateway(event: PaymentInDoubt, at: datetime) -> None:
    """Ask outside any transaction; the first final answer counts."""
    resolve_payment(event.payment, last_call=event.last_call, at=at)


@subscribe(WrongAmountTaken, name="billing.give_wrong_amount_back", outside=True)
def give_back(event: WrongAmountTaken, at: datetime) -> None:
    """Refund what was taken by mistake, outside any transaction; tried again until the gateway has done it."""
    give_wrong_amount_back(event.payment, at=at)


@subscribe(RefundInDoubt, name="billing.ask_about_refund", outside=True)
def ask_about_refund(event: RefundInDoubt, at: datetime) -> None:
    """Ask outside any transaction; what is known already changes nothing."""
    resolve_refund(event.refund, at=at)


@subscribe(ReconciliationDue, name="billing.reconcile", outside=True)
def reconcile(event: ReconciliationDue, at: datetime) -> None:
    """Ask outside any transaction; tried again until the processor answers."""
    make_reconciliation(event.reconciliation, at=at)


@subscribe(CardUnbound, name="billing.forget_card", outside=True)
def forget(event: CardUnbound, at: datetime) -> None:
    """The processor drops the card, so that nobody can charge it again."""
    forget_card(event.card)


@subscribe(UsageRecorded, name="billing.watch_usage")
def watch(event: UsageRecorded, at: datetime) -> None:
    """Who has used enough is billed now; again finds nothing to bill."""
    watch_usage(at)


@subscribe(UsageBillIssued, name="billing.charge_usage", outside=True)
def charge_usage(event: UsageBillIssued, at: datetime) -> None:
    """Call the gateway outside any transaction; a bill that is being charged, or was, is left alone."""
    charge_usage_bill(event.bill, at=at)


@subscribe(UsageBillPaid, name="billing.bill_what_accrued_meanwhile")
def bill_more(event: UsageBillPaid, at: datetime) -> None:
    """Nothing was charged in between while the bill was unpaid: what reached the limit meanwhile is billed now."""
    bill = UsageBill.objects.get(public_id=event.bill)
    bill_accrued(bill.account_id, bill.currency, by=Actor.system("usage"))
