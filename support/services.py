"""The verbs: asking operations, asking a seller, answering."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.actor import Actor
from accounts.models import Membership, SellerMember, User
from accounts.permissions import Permission, may
from accounts.web import buyer_actor
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition, Throttled
from notifications import services as notifications
from notifications.ticket_notices import ENQUIRY_SENT, REQUIREMENT_SUBMITTED
from support.models import AskedModel, Requirement, RequirementStatus, SalesEnquiry
from support.tickets.models import TicketKind
from support.tickets.services import NewTicket, open_ticket

PERIOD = timedelta(hours=1)


def submit_requirement(
    requirement: Requirement,
    *,
    user: User | None,
    membership: Membership | None,
    address: str,
    at: datetime | None = None,
) -> Requirement:
    """Send a requirement to operations (guide 9.9); who acts for an account follows it on a service ticket.

    Args:
        requirement: filled in by the form, not saved.
        user: who is logged in, if anybody.
        membership: his, in the account that he acts for.

    Raises:
        Throttled: more than `REQUESTS_PER_HOUR` from this person or address within an hour.
    """
    at = at or clock.now()
    with transaction.atomic():
        _stamp(requirement, user, membership, address, at)
        requirement.save()
        staff = [(one, None, None) for one in User.objects.filter(is_staff=True, is_active=True)]
        notifications.write_row(
            REQUIREMENT_SUBMITTED,
            staff,
            cause=f"requirement:{requirement.reference}",
            words={"company": requirement.company, "requirements": requirement.requirements},
            url=reverse("admin:support_requirement_change", args=[requirement.pk]),
            at=at,
        )
        if user is not None and membership is not None and may(membership.role, Permission.ASK):
            _open_ticket(requirement, user, membership, at)
    return requirement


def _open_ticket(requirement: Requirement, user: User, membership: Membership, at: datetime) -> None:
    new = NewTicket(
        TicketKind.REQUIREMENT,
        f"Requirement: {requirement.searched or requirement.company}"[:120],
        requirement.requirements,
        requirement=requirement,
    )
    open_ticket(new, account=membership.account, by=buyer_actor(user, membership), at=at)


def ask_seller(
    enquiry: SalesEnquiry,
    *,
    product: Product,
    user: User | None,
    membership: Membership | None,
    address: str,
    at: datetime | None = None,
) -> SalesEnquiry:
    """Send a question about a product to its seller's members; see `submit_requirement` for who asks.

    Raises:
        Throttled: more than `REQUESTS_PER_HOUR` from this person or address within an hour.
    """
    at = at or clock.now()
    enquiry.product, enquiry.seller = product, product.seller
    with transaction.atomic():
        _stamp(enquiry, user, membership, address, at)
        enquiry.save()
        members = SellerMember.objects.filter(seller=product.seller, user__is_active=True).select_related("user")
        contact = f"{enquiry.contact}, {enquiry.company}, {enquiry.email} {enquiry.phone}".strip()
        notifications.write_row(
            ENQUIRY_SENT,
            [(member.user, None, product.seller) for member in members],
            cause=f"enquiry:{enquiry.reference}",
            words={"product": product.name, "message": enquiry.message, "contact": contact},
            url=product.get_absolute_url(),
            at=at,
        )
    return enquiry


def answer_requirement(requirement: Requirement, *, by: Actor) -> Requirement:
    """Note that operations have written back.

    Raises:
        InvalidTransition: it was answered or closed before.
    """
    return _moved(requirement, "answer", [RequirementStatus.NEW])


def close_requirement(requirement: Requirement, *, by: Actor) -> Requirement:
    """Take it out of the queue.

    Raises:
        InvalidTransition: it is closed already.
    """
    return _moved(requirement, "close", [RequirementStatus.NEW, RequirementStatus.ANSWERED])


def _moved(requirement: Requirement, verb: str, sources: list[str]) -> Requirement:
    with transaction.atomic():
        requirement = Requirement.objects.select_for_update(of=("self",)).get(pk=requirement.pk)
        if requirement.status not in sources:
            raise InvalidTransition(f"The requirement is {requirement.status} already.")
        getattr(requirement, verb)()
        requirement.save(update_fields=["status"])
    return requirement


def _stamp(asked: AskedModel, user: User | None, membership: Membership | None, address: str, at: datetime) -> None:
    """Who, where and when; refuses who has sent too many."""
    if type(asked).objects.sent_since(at - PERIOD, address=address, user=user).count() >= settings.REQUESTS_PER_HOUR:
        raise Throttled("You have sent several requests within an hour. Try again later, or write to us by e-mail.")
    asked.user, asked.account = user, membership.account if membership else None
    asked.address, asked.created_at = address, at
