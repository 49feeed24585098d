"""Telling people: a message for each, and an e-mail where the table says so and the person wants it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse

from accounts.models import Account, Membership, Seller, SellerMember, User
from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.outbox import Event, publish
from notifications.events import MessagesWritten
from notifications.models import Message
from notifications.table import Audience, Notice
from orders.models import Order, Subscription

LONGEST_TITLE, LONGEST_TEXT = 200, 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: the deal, and the app where there is one."""

    order: Order
    app: Subscription | None = None


LINKS: dict[str, Callable[[Subject], str]] = {
    "order": lambda about: reverse("billing:order", args=[about.order.number]),
    "flow": lambda about: reverse("supervision:detail", args=[about.order.number]),
    "seller_flow": lambda about: reverse("supervision:seller_detail", args=[about.order.number]),
    "app": lambda about: reverse("renewals:app", args=[about.app.public_id]) if about.app else reverse("renewals:apps"),
    "admin": lambda about: reverse("admin:orders_order_changelist") + f"?q={about.order.number}",
    "admin_flow": lambda about: reverse("admin:supervision_serviceflow_changelist") + f"?q={about.order.number}",
}


def subject_of(event: Event) -> Subject | None:
    """The order (and app) that an event is about; None when it is gone."""
    orders = Order.objects.select_related("account", "seller", "product")
    if number := getattr(event, "order_number", ""):
        order = orders.filter(number=number).first()
        return Subject(order) if order else None
    if public_id := getattr(event, "subscription", ""):
        app = Subscription.objects.select_related("line").filter(public_id=public_id).first()
        return Subject(orders.get(pk=app.line.order_id), app) if app else None
    return None


def people_of(audience: Audience, about: Subject) -> list[tuple[User, Account | None, Seller | None]]:
    """Who is told, each with the side in which it concerns him."""
    roles = {
        Audience.BUYERS: (Role.OWNER, Role.PURCHASER),
        Audience.PAYERS: (Role.OWNER, Role.FINANCE),
    }.get(audience)
    if roles:
        account = about.order.account
        members = Membership.objects.filter(account=account, role__in=roles, user__is_active=True)
        return [(member.user, account, None) for member in members.select_related("user")]
    if audience is Audience.SELLERS:
        seller = about.order.seller
        working = SellerMember.objects.filter(seller=seller, user__is_active=True).select_related("user")
        return [(member.user, None, seller) for member in working]
    return [(user, None, None) for user in User.objects.filter(is_staff=True, is_active=True)]


def tell(notice: Notice, event: Event, cause: str, at: datetime) -> int:
    """Write the notice's messages; `cause` names the event, so that a repeated delivery tells nobody twice.

    Returns:
        How many messages are new.
    """
    about = subject_of(event)
    if about is None:
        return 0
    words = {field.name: getattr(event, field.name) for field in fields(event)}
    words |= {
        "order": about.order.number,
        "product": about.order.product.name,
        "seller": about.order.seller.name,
        "account": about.order.account.name,
    }
    title, text = notice.title.format_map(words), notice.text.format_map(words)
    return write(
        people_of(notice.audience, about),
        cause=cause,
        event=type(event).__name__,
        title=title,
        text=text,
        url=LINKS[notice.link](about),
        at=at,
        email=notice.email,
    )


def write(
    people: Iterable[tuple[User, Account | None, Seller | None]],
    *,
    cause: str,
    event: str,
    title: str,
    text: str,
    url: str,
    at: datetime,
    email: bool = True,
) -> int:
    """Write a message to each of these people, each with the side in which it concerns him.

    Args:
        cause: a name for what happened: nobody is told twice of the same.
        event: the kind of what happened.
        url: the path of the page to act on.
        email: whether it also goes out by e-mail to those who want that.

    Returns:
        How many messages are new.
    """
    written = 0
    with transaction.atomic():
        for user, account, seller in people:
            _message, is_new = Message.objects.get_or_create(
                user=user,
                cause=cause,
                defaults={
                    "account": account,
                    "seller": seller,
                    "event": event,
                    "title": title[:LONGEST_TITLE],
                    "text": text[:LONGEST_TEXT],
                    "url": url,
                    "at": at,
                    "wants_email": email and user.wants_email,
                },
            )
            written += is_new
        if written and email:
            publish(MessagesWritten(cause=cause), at=at)
    return written


def mail(cause: str) -> int:
    """Send the e-mails of the messages that one event caused; outside any transaction.

    A message is claimed before it is sent, so that a crash between the two loses an e-mail rather than sending it
    twice; the message itself stays in the product.

    Returns:
        How many were sent.
    """
    sent = 0
    for message in Message.objects.to_mail().filter(cause=cause).select_related("user"):
        if not Message.objects.to_mail().filter(pk=message.pk).update(emailed_at=clock.now()):
            continue
        body = f"{message.text}\n\n{settings.SITE_URL}{message.url}\n"
        EmailMessage(subject=message.title.replace("\n", " "), body=body, to=[message.user.email]).send()
        sent += 1
    return sent


def mark_read(user: User, message_id: int | None, *, at: datetime) -> int:
    """Mark one of the person's messages as read, or all of them. Returns how many were unread."""
    rows = Message.objects.for_user(user).unread()
    return (rows if message_id is None else rows.filter(pk=message_id)).update(read_at=at)
