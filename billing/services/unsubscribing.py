"""Unsubscribing (guide 7, RULES 4): what it gives back, doing it, the review of large refunds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from accounts.permissions import Permission, require
from billing.choices import UnsubscriptionStatus
from billing.errors import NotUnsubscribable
from billing.events import Unsubscribed, UnsubscriptionDeclined, UnsubscriptionInReview
from billing.invoices.services.blocking import cancel_pending_of, refuse_invoiced
from billing.models import UnsubscribedTerm, Unsubscription
from billing.rules.unsubscription import state_refusal, type_refusal
from billing.services.releasing import refundable
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.text import clean_text
from orders import ports
from orders import services as orders
from orders.choices import OrderKind, OrderStatus
from orders.errors import PendingOrderExists
from orders.models import Order, Subscription
from orders.terms import BILLING_ZONE, until_text
from pricing import services as pricing
from pricing.unsubscriptions import PaidTerm, TermRefund
from pricing.unsubscriptions import quote_unsubscription as explained
from pricing.values import Quote

LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """What unsubscribing gives back now: the quote, and each term's refund with the order that paid it."""

    quote: Quote
    refunds: Sequence[tuple[Order, TermRefund]]
    unconditional: bool

    def total(self, part: str) -> Money:
        """The sum of one part (`paid`, `consumed`, `fee`, `refund`) over all terms."""
        values = (one.term.paid if part == "paid" else getattr(one, part) for _order, one in self.refunds)
        return Money.total(values, self.quote.currency)

    @property
    def paid(self) -> Money:
        return self.total("paid")

    @property
    def refund(self) -> Money:
        return self.total("refund")


def refusal_of(subscription: Subscription, *, at: datetime) -> DomainError | None:
    """Why it cannot be unsubscribed now, or None; not raised.

    Needs `line__order__product`, `change_orders`.
    """
    if why := type_refusal(subscription.delivery_method, subscription.billing_mode):
        return NotUnsubscribable(why)
    changes = list(subscription.change_orders.all())
    under_way = [
        one for one in changes if one.kind == OrderKind.UNSUBSCRIPTION and one.status == OrderStatus.PROCESSING
    ]
    if under_way:
        return NotUnsubscribable(f"Its unsubscription is being reviewed (order {under_way[0].number}).")
    base = subscription.line.order
    why = state_refusal(
        subscription.status,
        order_completed=base.status == OrderStatus.COMPLETED,
        frozen=ports.is_frozen(base),
    )
    if why:
        return NotUnsubscribable(why)
    if waiting := next((one for one in changes if one.is_payable), None):
        return PendingOrderExists(extra={"order": waiting.number})
    return None


def offer_for(subscription: Subscription, *, at: datetime, exact: bool = True) -> Offer:
    """What unsubscribing gives back at `at`; stores nothing.

    Args:
        exact: what went back of each order before is looked up; without it, it is an estimate for lists.

    Raises:
        NotUnsubscribable, PendingOrderExists: see `refusal_of`.
        InvoiceMustBeReturned: an invoice over what was paid stands; only when `exact`.
    """
    if refusal := refusal_of(subscription, at=at):
        raise refusal
    paid = orders.paid_terms(subscription)
    if not paid:
        raise NotUnsubscribable
    if exact:
        refuse_invoiced(order for order, _term in paid)
        paid = [(order, replace(term, left=min(refundable(order), term.paid))) for order, term in paid]
    unconditional = _is_unconditional(subscription, at=at)
    quote, refunds = explained(
        [term for _order, term in paid],
        orders.unsubscription_request(subscription),
        subscription=subscription.public_id,
        at=at,
        unconditional=unconditional,
    )
    by_number = {order.number: order for order, _term in paid}
    return Offer(quote, [(by_number[one.term.order], one) for one in refunds], unconditional)


def quote_unsubscription(subscription: Subscription, *, at: datetime | None = None) -> Offer:
    """The same with a signed quote, to be confirmed until the full hour."""
    at = at or clock.now()
    offer = offer_for(subscription, at=at)
    return replace(offer, quote=replace(offer.quote, token=pricing.sign(offer.quote, subscription.account)))


def _is_unconditional(subscription: Subscription, *, at: datetime) -> bool:
    """Within the first days after provisioning, a few times a year (RULES 4: off unless the settings say so)."""
    within, starts_at = settings.UNCONDITIONAL_REFUND_WITHIN, subscription.starts_at
    if not within or starts_at is None or at > starts_at + within:
        return False
    year = at.astimezone(BILLING_ZONE).year
    begins, ends = (datetime(one, 1, 1, tzinfo=BILLING_ZONE).astimezone(UTC) for one in (year, year + 1))
    used = Unsubscription.objects.for_account(subscription.account).filter(
        unconditional=True, requested_at__gte=begins, requested_at__lt=ends
    )
    return used.exclude(status=UnsubscriptionStatus.DECLINED).count() < settings.UNCONDITIONAL_REFUNDS_A_YEAR


def needs_review(refund: Money) -> bool:
    """Whether a refund is above the limit, which is in the site's currency; others are always looked at."""
    if not refund:
        return False
    return refund.currency != settings.SITE_CURRENCY or refund.amount > settings.UNSUBSCRIPTION_REVIEW_ABOVE


def unsubscribe(
    subscription: Subscription, *, reason: str = "", quote: str = "", by: Actor, at: datetime | None = None
) -> Unsubscription:
    """Give a subscription up: it is closed and released, the rest of what was paid goes back to where it came from.

    A refund above the limit is reviewed first; the subscription goes on until then.

    Args:
        quote: the signed quote that was shown; without it what holds now is taken.

    Raises:
        PermissionRefused: the role may not unsubscribe. InvalidInput: the reason.
        NotUnsubscribable, PendingOrderExists: see `refusal_of`.
        QuoteExpired, PriceChanged: the quote no longer holds.
    """
    at = at or clock.now()
    require(by, Permission.UNSUBSCRIBE)
    reason = checked_reason(reason)
    with transaction.atomic():
        subscription = orders.locked_with_orders(subscription)
        offer = offer_for(subscription, at=at)
        cancel_pending_of((one for one, _refund in offer.refunds), by=by, at=at)
        if quote:
            pricing.confirmed(quote, offer.quote, account=subscription.account, at=at)
        order = orders.place_unsubscription(subscription, offer.quote, by=by, at=at)
        if quote:
            pricing.claim(quote, at=at, order_number=order.number)
        reviewed = needs_review(offer.refund)
        reviewed_until = at + settings.UNSUBSCRIPTION_REVIEW_TIME if reviewed else at
        made = Unsubscription.objects.create(
            order=order,
            subscription=subscription,
            currency=offer.quote.currency,
            paid=offer.total("paid").amount,
            consumed=offer.total("consumed").amount,
            fee=offer.total("fee").amount,
            refund=offer.refund.amount,
            unconditional=offer.unconditional,
            reason=reason,
            requested_at=at,
            reviewed_until=reviewed_until,
        )
        _record(made, offer.refunds)
        if not reviewed:
            return _carry_out(made, subscription, by=by, at=at)
        amount, until = offer.refund.display(), until_text(reviewed_until)
        publish(UnsubscriptionInReview(order_number=order.number, amount=amount, until=until), at=at)
    return made


def checked_reason(text: str, *, required: bool = False) -> str:
    """A reason in the buyer's or the operator's words.

    Raises:
        InvalidInput: too long, characters that cannot be stored, or missing.
    """
    try:
        cleaned = clean_text(text)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={"reason": [str(refused)]}) from refused
    if len(cleaned) > LONGEST_REASON:
        why = f"Enter at most {LONGEST_REASON:,} characters."
        raise InvalidInput(why, errors={"reason": [why]})
    if required and not cleaned:
        raise InvalidInput("Enter a reason.", errors={"reason": ["Enter a reason."]})
    return cleaned


def _record(made: Unsubscription, refunds: Iterable[tuple[Order, TermRefund]]) -> None:
    UnsubscribedTerm.objects.bulk_create(
        UnsubscribedTerm(
            unsubscription=made,
            order=order,
            currency=made.currency,
            paid=one.term.paid.amount,
            consumed=one.consumed.amount,
            fee=one.fee.amount,
            refund=one.refund.amount,
            whole=one.whole,
            used_hours=one.used_hours,
            total_hours=one.total_hours,
        )
        for order, one in refunds
    )


def approve_unsubscription(one: Unsubscription, *, by: Actor, at: datetime | None = None) -> Unsubscription:
    """Operations agree to a large refund before it is approved by itself.

    Raises:
        PermissionRefused: not operations. InvalidTransition: it does not wait for a review.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations review unsubscriptions.")
    with transaction.atomic():
        subscription, one = _locked(one.pk)
        if one.status != UnsubscriptionStatus.IN_REVIEW:
            raise InvalidTransition("This unsubscription does not wait for a review any more.")
        return _carry_out(one, subscription, by=by, at=at)


def decline_unsubscription(
    one: Unsubscription, *, reason: str, by: Actor, at: datetime | None = None
) -> Unsubscription:
    """Operations decline a large refund: nothing is given back, the subscription goes on.

    Raises:
        PermissionRefused: not operations. InvalidInput: no reason.
        InvalidTransition: it does not wait for a review.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations review unsubscriptions.")
    reason = checked_reason(reason, required=True)
    with transaction.atomic():
        _subscription, one = _locked(one.pk)
        if one.status != UnsubscriptionStatus.IN_REVIEW:
            raise InvalidTransition("This unsubscription does not wait for a review any more.")
        one.decline(at, reason)
        one.decided_by_id = by.user_id
        one.save()
        orders.cancel_unsubscription(one.order, reason=reason[:200], at=at)
        amount = one.refund_money.display()
        publish(UnsubscriptionDeclined(order_number=one.order.number, amount=amount, reason=reason), at=at)
    return one


def approve_due_unsubscription(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody declined it within 24 hours (RULES 4)."""
    with transaction.atomic():
        subscription, one = _locked(pk)
        if one.status == UnsubscriptionStatus.IN_REVIEW and one.reviewed_until and one.reviewed_until <= at:
            _carry_out(one, subscription, by=by, at=at)


def _locked(pk: int) -> tuple[Subscription, Unsubscription]:
    subscription = Unsubscription.objects.select_related("subscription").get(pk=pk).subscription
    subscription = orders.locked_with_orders(subscription)
    rows = Unsubscription.objects.select_for_update(of=("self",)).select_related("order")
    return subscription, rows.get(pk=pk)


def _carry_out(one: Unsubscription, subscription: Subscription, *, by: Actor, at: datetime) -> Unsubscription:
    """Give each term's refund back, close the subscription, have it released."""
    _add_renewals_since(one, subscription, at=at)
    reason = f"Unsubscription {one.order.number}"
    # A server of several bought together ends alone: their order goes on.
    alone = subscription.line.order.lines.count() == 1 and subscription.line.subscriptions.count() == 1
    for term in one.terms.select_related("order"):
        whole = term.whole and (term.order_id != subscription.line.order_id or alone)
        amount = min(term.refund_money, refundable(term.order))
        orders.refund_term(term.order, amount, whole=whole, reason=reason, by=by, at=at)
        if amount:
            term.paid_back = term.order.refunds.order_by("-id").first()
            term.save(update_fields=["paid_back"])
    orders.close_unsubscribed(one.order, subscription, by=by, at=at)
    one.carry_out(at)
    one.decided_by_id = by.user_id if by.party is Party.OPERATIONS else None
    one.save()
    publish(Unsubscribed(order_number=one.order.number, amount=one.refund_money.display()), at=at)
    return one


def _add_renewals_since(one: Unsubscription, subscription: Subscription, *, at: datetime) -> None:
    """A term that was renewed while the review went on has not begun: all of it goes back too."""
    known = set(one.terms.values_list("order_id", flat=True))
    for order, term in orders.paid_terms(subscription):
        if order.pk not in known:
            new = _unused(order, term)
            _record(one, [(order, new)])
            one.paid += new.term.paid.amount
            one.refund += new.refund.amount


def _unused(order: Order, term: PaidTerm) -> TermRefund:
    zero = Money.zero(term.paid.currency)
    back = min(refundable(order), term.paid)
    return TermRefund(term, 0, 1, 0, zero, zero, back, term.paid - back, whole=True)
