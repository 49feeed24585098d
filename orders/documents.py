"""An accepted agreement as a PDF."""

from django.conf import settings

from koogallery.kernel.pdf import day_of, render
from orders.models import AcceptedAgreement
from orders.terms import BILLING_ZONE


def agreement_pdf(accepted: AcceptedAgreement) -> bytes:
    """The text as it was accepted, word for word, with when, by whom and its digest; the same bytes each time.

    Args:
        accepted: with its `order`.
    """
    at = accepted.accepted_at.astimezone(BILLING_ZONE).strftime("%Y-%m-%d %H:%M:%S GMT+08:00")
    return render(
        "agreement",
        {
            "site": settings.SITE_CLOUD_NAME,
            "title": f"{accepted.title} {accepted.version}",
            "day": day_of(accepted.accepted_at.astimezone(BILLING_ZONE)),
            "facts": [
                ["Accepted", at],
                ["Accepted by", accepted.accepted_by],
                ["Order No.", accepted.order.number],
                ["SHA-256 of the text", accepted.text_sha256],
            ],
            "paragraphs": accepted.text.split("\n"),
        },
    )
