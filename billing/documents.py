"""The receipt of a paid order as a PDF."""

from datetime import datetime

from django.conf import settings

from billing.choices import PaymentMethodKind
from billing.models import Payment
from koogallery.kernel.errors import NotFound
from koogallery.kernel.pdf import day_of, render
from orders.models import Order
from orders.terms import BILLING_ZONE
from pricing.values import LineKind, QuoteLine


def receipt_pdf(order: Order) -> bytes:
    """What was paid for the order, in the lines that the page printed; the same bytes each time.

    A receipt documents the payment as it was made: later refunds and other names do not change it, and neither does
    a reseller who comes or goes.

    Raises:
        NotFound: the order is not paid, its customer paid a reseller, or it is an unsubscription, which pays nobody.
    """
    payment = Payment.objects.counted_for(order).select_related("card").first()
    if not order.has_receipt or order.paid_at is None or (payment and payment.method == PaymentMethodKind.RESELLER):
        raise NotFound("There is no receipt of this order: it is not paid here.")
    line = order.lines.all()[0]
    facts = [
        ["Order No.", order.number],
        # An order of a version that kept no names, until they are filled in.
        ["Customer", order.customer_name or order.account.name],
        ["Service Provider", order.seller_name or order.seller.name],
        ["Product Name", line.product_name],
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
                    "label": line.product_name if one.kind == LineKind.CHARGE else one.text,
                    "text": one.text if one.kind == LineKind.CHARGE else "",
                    "amount": one.amount.display(),
                }
                for one in lines
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
