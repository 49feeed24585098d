"""Refunds that operations decide on an order, whole or in part; large ones with four eyes (issue: admin)."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models, transaction
from django.db.models import Sum

from accounts.actor import Actor, Party
from billing.choices import ProposalStatus
from billing.events import RefundProposed
from billing.models import RefundProposal
from billing.services.releasing import refundable
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders import ports
from orders import services as orders
from orders.choices import OrderStatus
from orders.models import Order

REFUNDABLE_ORDERS = (OrderStatus.PROCESSING, OrderStatus.COMPLETED)


def propose_refund(
    order: Order, amount: Money | None, *, reason: str, by: Actor, at: datetime | None = None
) -> RefundProposal:
    """Refund `amount` of an order, or all that is left (None), which ends it: at once, or once another operator consents.

    Nothing may be left: what a coupon paid for, or a bank took back, is taken back without money.

    What was refunded of the same order before counts, so that a large refund cannot be cut into small ones.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: no reason, nothing, or more than what is left.
        InvalidTransition: the order is neither processing nor completed, another proposal waits, or it is an upgrade
            and a later one stands on it.
        FlowFrozen: an appeal on it is being decided.
    """
    at = at or clock.now()
    operator = _operator(by)
    if not reason.strip():
        raise InvalidInput("Give the reason of the refund.", errors={"reason": ["Give the reason of the refund."]})
    with transaction.atomic():
        order = orders.order_locked(order)
        ports.refuse_frozen(order)
        if order.status not in REFUNDABLE_ORDERS:
            raise InvalidTransition("Only a processing or completed order can be refunded.")
        if order.refund_proposals.filter(status=ProposalStatus.AWAITING_CONSENT).exists():
            raise InvalidTransition("Another refund of this order waits for consent.")
        left = refundable(order)
        part = amount is not None
        amount = left if amount is None else amount
        is_amount = amount.currency == order.currency and amount == amount.rounded()
        if not is_amount or left < amount or (part and amount.amount <= 0):
            raise InvalidInput(
                f"Refund an amount up to {left.display()}.", errors={"amount": [f"At most {left.display()}."]}
            )
        whole = amount == left
        if whole and (refusal := orders.taking_back_refusal(order)):
            raise InvalidTransition(refusal)
        proposal = RefundProposal.objects.create(
            order=order,
            currency=amount.currency,
            amount=amount.amount,
            reason=reason.strip()[:1000],
            note=_changes_kept(order) if whole else "",
            proposed_by_id=operator,
            proposed_at=at,
            lapses_at=at + settings.REFUND_CONSENT_LIFETIME,
        )
        if needs_consent(order, amount):
            publish(RefundProposed(order_number=order.number, proposal=proposal.public_id), at=at)
            return proposal
        return _carry_out(proposal, order, by=by, at=at)


def _changes_kept(order: Order) -> str:
    """What whoever takes a base order back should know: changes of it keep their money unless they go back too."""
    kept = [one for one in orders.paid_changes(order) if one.status == OrderStatus.COMPLETED and one.payable]
    if not kept:
        return ""
    named = ", ".join(f"{one.number} ({one.payable_money.display()})" for one in kept)[:800]
    return f"Completed upgrades and renewals are not refunded with it: {named}. Refund them too, in this order, if they should be."


def needs_consent(order: Order, amount: Money) -> bool:
    """Whether a refund is above the limit, which is an amount in the site's currency; others always need consent."""
    if amount.currency != settings.SITE_CURRENCY:
        return True
    done = order.refund_proposals.filter(status=ProposalStatus.DONE)
    before = done.aggregate(total=Sum("amount", output_field=models.DecimalField()))["total"] or Decimal(0)
    return before + amount.amount > settings.REFUND_CONSENT_ABOVE


def consent_to_refund(proposal: RefundProposal, *, by: Actor, at: datetime | None = None) -> RefundProposal:
    """Another operator agrees: the refund is made.

    Raises:
        PermissionRefused: not operations, or the one who proposed it.
        InvalidTransition: it lapsed, was decided, or less is left by now.
    """
    at = at or clock.now()
    operator = _operator(by)
    with transaction.atomic():
        order = orders.order_locked(proposal.order_id)
        ports.refuse_frozen(order)
        proposal = _open_proposal(proposal, at)
        if proposal.proposed_by_id == operator:
            raise PermissionRefused("Another operator than the one who proposed it has to consent.")
        return _carry_out(proposal, order, by=by, at=at)


def decline_refund(proposal: RefundProposal, *, by: Actor, at: datetime | None = None) -> RefundProposal:
    """An operator says no, or the proposer takes it back."""
    at = at or clock.now()
    operator = _operator(by)
    with transaction.atomic():
        orders.order_locked(proposal.order_id)
        proposal = _open_proposal(proposal, at)
        proposal.decline(at)
        proposal.decided_by_id = operator
        proposal.save()
    return proposal


def lapse_proposal(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody consented in time."""
    with transaction.atomic():
        order = RefundProposal.objects.values_list("order_id", flat=True).get(pk=pk)
        orders.order_locked(order)
        proposal = RefundProposal.objects.select_for_update(of=("self",)).get(pk=pk)
        if proposal.status == ProposalStatus.AWAITING_CONSENT and proposal.lapses_at <= at:
            proposal.lapse(at)
            proposal.save()


def _carry_out(proposal: RefundProposal, order: Order, *, by: Actor, at: datetime) -> RefundProposal:
    if order.status not in REFUNDABLE_ORDERS:
        raise InvalidTransition("Only a processing or completed order can be refunded.")
    left = refundable(order)
    if left < proposal.money:
        raise InvalidTransition(f"Only {left.display()} is left to refund.")
    orders.take_back(order, proposal.money, whole=proposal.money == left, reason=proposal.reason, by=by, at=at)
    proposal.carry_out(at)
    proposal.decided_by_id = by.user_id
    proposal.refund = order.refunds.order_by("-id").first() if proposal.amount else None
    proposal.save()
    return proposal


def _open_proposal(proposal: RefundProposal, at: datetime) -> RefundProposal:
    proposal = RefundProposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    if proposal.status != ProposalStatus.AWAITING_CONSENT or proposal.lapses_at <= at:
        raise InvalidTransition("This refund does not wait for consent any more.")
    return proposal


def _operator(by: Actor) -> int:
    if by.party is not Party.OPERATIONS or by.user_id is None:
        raise PermissionRefused("Only operations refund orders.")
    return by.user_id
