"""The seller's own side of his flows: who handles one, several requests at once, texts to deliver with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.models import SellerMember
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, NotFound
from koogallery.kernel.text import clean_text
from orders import services as orders
from supervision.models import NoteTemplate, ServiceFlow
from supervision.services.requests import confirm_request

MOST_TEMPLATES = 200
MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row of a bulk act; `refusal` is empty when it was done."""

    number: str
    refusal: str = ""


def assign_handler(flow: ServiceFlow, *, member: SellerMember | None, by: Actor) -> ServiceFlow:
    """Say which of the seller's people handles a flow, or that nobody does.

    It is the seller's own business: no operation record, which the customer would read, and no clock moves.

    Raises:
        NotFound: the flow or the member is another seller's.
    """
    with transaction.atomic():
        orders.order_locked(flow.order_id)
        fresh = ServiceFlow.objects.get(pk=flow.pk)
        if fresh.seller_id != by.seller_id or (member and member.seller_id != by.seller_id):
            raise NotFound
        fresh.handler = member
        fresh.save(update_fields=["handler"])
    return fresh


def confirm_requests(flows: Sequence[ServiceFlow], *, by: Actor, at: datetime | None = None) -> list[Result]:
    """Confirm several requests, each in a transaction of its own: one that is refused holds none of the others up."""
    results = []
    for flow in flows[:MOST_AT_ONCE]:
        try:
            confirm_request(flow, by=by, at=at)
        except DomainError as refused:
            results.append(Result(flow.order.number, refused.message))
        else:
            results.append(Result(flow.order.number))
    return results


def save_note_template(
    template: NoteTemplate | None,
    *,
    title: str,
    text: str,
    product: Product | None,
    by: Actor,
    at: datetime | None = None,
) -> NoteTemplate:
    """Make a delivery template, or change one.

    Raises:
        InvalidInput: a text is missing, too long, or another template has the title; the product is another seller's.
        NotFound: the template is another seller's.
    """
    at = at or clock.now()
    if by.seller_id is None:
        raise NotFound
    kept = template or NoteTemplate(seller_id=by.seller_id)
    if kept.seller_id != by.seller_id:
        raise NotFound
    if template is None and NoteTemplate.objects.filter(seller_id=by.seller_id).count() >= MOST_TEMPLATES:
        raise InvalidInput(f"You can keep up to {MOST_TEMPLATES} delivery templates. Delete one first.")
    if product and product.seller_id != by.seller_id:
        raise InvalidInput(errors={"product": ["Choose one of your products."]})
    kept.title, kept.text = _text(title, "title", 80), _text(text, "text", 1_000)
    kept.product, kept.updated_at = product, at
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError as error:
        why = "Another delivery template has this title."
        raise InvalidInput(why, errors={"title": [why]}) from error
    return kept


def delete_note_template(template: NoteTemplate, *, by: Actor) -> None:
    """Delete a delivery template; deliveries that began with it keep their note.

    Raises:
        NotFound: it is another seller's.
    """
    if template.seller_id != by.seller_id:
        raise NotFound
    template.delete()


def _text(given: str, field: str, longest: int) -> str:
    try:
        cleaned = clean_text(given)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={field: [str(refused)]}) from refused
    if not 1 <= len(cleaned) <= longest:
        why = f"Enter 1 to {longest:,} characters."
        raise InvalidInput(why, errors={field: [why]})
    return cleaned
