"""The receipt of a paid order as a PDF."""

from datetime import datetime

from django.conf import settings

from billing.models import Payment
from koogallery.kernel.errors import NotFound
from koogallery.kernel.pdf import day_of, render
from orders.models import Order
from orders.terms import BILLING_ZONE
from pricing.values import LineKind, QuoteLine


def receipt_pdf(order: Order) -> bytes:
    """What was paid for the order, in the lines that the page printed; the same bytes each time.

    A receipt documents the payment as it was made: later refunds do not change it, they have their own records.

    Args:
        order: with `account`, `seller` and `product`.

    Raises:
        NotFound: the order is not paid, or its customer pays a reseller.
    """
    if order.paid_at is None or order.account.reseller_id is not None:
        raise NotFound("There is no receipt of this order: it is not paid here.")
    payment = Payment.objects.counted_for(order).select_related("card").first()
    facts = [
        ["Order No.", order.number],
        ["Customer", order.account.name],
        ["Service Provider", order.seller.name],
        ["Product Name", order.product.name],
        ["Ordered", time_text(order.created_at)],
        ["Paid", time_text(order.paid_at)],
        ["Payment", _method(payment)],
    ]
    lines = [QuoteLine.from_json(one) for one in order.quote["lines"]]
    return render(
        "receipt",
        {
            "site": settings.SITE_CLOUD_NAME,
            "title": f"Receipt {order.number}",
            "day": day_of(order.paid_at.astimezone(BILLING_ZONE)),
            "facts": facts,
            "lines": [
                {
                    "label": order.product.name if line.kind == LineKind.CHARGE else line.text,
                    "text": line.text if line.kind == LineKind.CHARGE else "",
                    "amount": line.amount.display(),
                }
                for line in lines
            ],
            "total": order.payable_money.display(),
            "note": "This receipt confirms the payment. It is no invoice.",
        },
    )


def time_text(at: datetime) -> str:
    """A time as documents print it, in the billing zone."""
    return at.astimezone(BILLING_ZONE).strftime("%Y-%m-%d %H:%M:%S GMT+08:00")


def _method(payment: Payment | None) -> str:
    if payment is None:
        return "Nothing was to be paid"
    how = f"Credit card, {payment.card}" if payment.card else str(payment.get_method_display())
    return f"{how} ({payment.public_id})"
