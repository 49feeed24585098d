"""A statement of account: one ledger of one customer, seller or reseller over some days, with what it was before and after.

What operations are shown when somebody asks what he owes or has; as accountants read it, with debits, credits and the
running balance (a debit where positive).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import models
from django.db.models import F, Sum, Window
from django.utils.translation import gettext as _

from accounts.models import Account, Reseller, Seller
from billing.choices import Ledger
from billing.models import Posting
from koogallery.kernel.money import Money
from orders.terms import BILLING_ZONE

Party = Account | Seller | Reseller


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose statement of which ledger, for which days (GMT+08:00, both counted)."""

    party: Party
    ledger: Ledger
    currency: str
    first: date
    last: date


EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)


def days_refusal(first: date | None, last: date | None) -> str | None:
    """Why no statement is made for these days, or None; days that are missing are somebody else's matter."""
    if first and last and last < first:
        return _("The last day lies before the first.")
    if any(one and not EARLIEST <= one <= LATEST for one in (first, last)):
        return _("Give days between 2000 and 2100.")
    return None


@dataclass(frozen=True, slots=True)
class Row:
    """One posting, and the balance after it."""

    posting: Posting
    balance: Money

    @property
    def debit(self) -> Money | None:
        return self.posting.money if self.posting.amount > 0 else None

    @property
    def credit(self) -> Money | None:
        return -self.posting.money if self.posting.amount < 0 else None


def opening(asked: Asked) -> Money:
    """The balance before the first day."""
    return _balance(asked, _postings(asked).filter(entry__at__lt=_midnight(asked.first)))


def closing(asked: Asked) -> Money:
    """The balance after the last day."""
    return _balance(asked, _postings(asked).filter(entry__at__lt=_midnight(asked.last + timedelta(days=1))))


def rows(asked: Asked, most: int | None = None) -> Iterator[Row]:
    """The postings of the days in order, each with the balance after it; of at most the first `most` of them."""
    start, before = _midnight(asked.first), opening(asked)
    found = _postings(asked).filter(entry__at__gte=start, entry__at__lt=_midnight(asked.last + timedelta(days=1)))
    order = [F("entry__at").asc(), F("id").asc()]
    found = found.annotate(running=Window(Sum("amount", output_field=models.DecimalField()), order_by=order))
    found = found.select_related("entry", "entry__order", "entry__payment").order_by("entry__at", "id")
    for posting in found[:most] if most else found.iterator(chunk_size=2000):
        yield Row(posting, before + Money(posting.running, asked.currency))


def count(asked: Asked) -> int:
    """How many postings the days have."""
    start, end = _midnight(asked.first), _midnight(asked.last + timedelta(days=1))
    return _postings(asked).filter(entry__at__gte=start, entry__at__lt=end).count()


def _postings(asked: Asked) -> models.QuerySet[Posting]:
    whose = {Account: "account", Seller: "seller", Reseller: "reseller"}[type(asked.party)]
    return Posting.objects.filter(**{whose: asked.party}, ledger=asked.ledger, currency=asked.currency)


def _balance(asked: Asked, postings: models.QuerySet[Posting]) -> Money:
    total = postings.aggregate(total=Sum("amount", output_field=models.DecimalField()))["total"]
    return Money(total or Decimal(0), asked.currency)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BILLING_ZONE)
