"""What billing does when it hears of something."""

from datetime import datetime

from billing.events import PaymentInDoubt, RefundRequested
from billing.services import carry_out_refund, resolve_payment
from koogallery.kernel.outbox import subscribe


@subscribe(RefundRequested, name="billing.carry_out_refund", outside=True)
def carry_out(event: RefundRequested, at: datetime) -> None:
    """Call the gateway outside any transaction; a repeated delivery changes nothing."""
    carry_out_refund(event.refund, at=at)


@subscribe(PaymentInDoubt, name="billing.ask_gateway", outside=True)
def ask_gateway(event: PaymentInDoubt, at: datetime) -> None:
    """Ask outside any transaction; the first final answer counts."""
    resolve_payment(event.payment, last_call=event.last_call, at=at)
