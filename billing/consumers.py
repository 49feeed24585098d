"""What billing does when it hears of something."""

from datetime import datetime

from billing.events import RefundRequested
from billing.services import carry_out_refund
from koogallery.kernel.outbox import subscribe


@subscribe(RefundRequested, name="billing.carry_out_refund", outside=True)
def carry_out(event: RefundRequested, at: datetime) -> None:
    """Call the gateway outside any transaction; a repeated delivery changes nothing."""
    carry_out_refund(event.refund, at=at)
