"""Telling people: a message for each, and an e-mail where the table says so and the person wants it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from accounts.models import Account, Membership, Seller, SellerMember, User
from accounts.permissions import Role
from billing.models import Invoice, Payment, PaymentMethod, Statement, UsageBill
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, OneOf, Param
from koogallery.kernel.outbox import Event, publish
from koogallery.kernel.stored import insert_new
from notifications.events import MessagesWritten
from notifications.models import Message
from notifications.notice import Audience, Notice, Written
from orders.models import Order, Subscription
from orders.terms import until_text
from supervision.words import span

LONGEST_TITLE, LONGEST_TEXT = 200, 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: an account, where it concerns one; a deal, an app, a statement, a payment where there is one."""

    account: Account | None = None
    order: Order | None = None
    app: Subscription | None = None
    statement: Statement | None = None
    payment: Payment | None = None
    card: PaymentMethod | None = None
    invoice: Invoice | None = None
    bill: UsageBill | None = None

    @property
    def seller(self) -> Seller | None:
        if self.invoice:
            return self.invoice.issuer.seller
        return self.order.seller if self.order else None

    def words(self) -> dict[str, str]:
        """What texts of the table may name."""
        known = {"account": self.account.name} if self.account else {}
        if self.order:
            known |= {"order": self.order.number, "product": self.order.product.name, "seller": self.order.seller.name}
            known |= {"completes_after": span(settings.ORDER_COMPLETES_AFTER_ACCEPTANCE)}
        if self.app and self.app.delivery_method == DeliveryMethod.ECS:
            known["product"] = self.app.name
        if self.statement:
            known |= {"month": f"{self.statement.month:%B %Y}", "owed": self.statement.to_pay.display()}
            known |= {"due": _day(self.statement.due_at), "freezes": _day(self.statement.freezes_at)}
        if self.payment:
            known |= {"payment": self.payment.public_id}
        if self.invoice:
            known |= {"application": self.invoice.number, "issuer": self.invoice.issuer.company_name}
        if self.card:
            known |= {"card": str(self.card)}
        if self.bill:
            known |= {"until": _day(self.bill.until), "owed": self.bill.money.display()}
            known |= {"credited": (-self.bill.money).display()}
            known |= {"freezes": _day(self.bill.freezes_at), "releases": _day(self.bill.releases_at)}
        return known


def _day(at: datetime | None) -> str:
    """A time in the billing zone, or empty."""
    return until_text(at) if at else ""


def _deal_page(name: str) -> Callable[[Subject], str]:
    return lambda about: reverse(name, args=[about.order.number]) if about.order else "/"


def _search(name: str) -> Callable[[Subject], str]:
    return lambda about: reverse(name) + (f"?q={about.order.number}" if about.order else "")


def _act_page(name: str, about: Subject, act: str) -> str:
    return reverse(name, args=[about.order.number, act]) if about.order else "/"


def _app_page(name: str, about: Subject) -> str:
    return reverse(name, args=[about.app.public_id]) if about.app else reverse("renewals:renewals")


LINKS: dict[str, Callable[[Subject], str]] = {
    "order": _deal_page("billing:order"),
    "flow": _deal_page("supervision:detail"),
    "flow_appeal": lambda about: f"{_act_page('supervision:act', about, 'appeal')}?ground=silence",
    "flow_statement": lambda about: _act_page("supervision:act", about, "statement"),
    "seller_flow_statement": lambda about: _act_page("supervision:seller_act", about, "statement"),
    "seller_flow": _deal_page("supervision:seller_detail"),
    "interface_messages": lambda _about: reverse("provisioning:messages"),
    "admin_interface": lambda _about: reverse("admin:provisioning_productinterface_changelist"),
    "seller_orders": lambda _about: reverse("billing:seller_orders"),
    "app": lambda about: reverse("renewals:app", args=[about.app.public_id]) if about.app else reverse("renewals:apps"),
    "renew": lambda about: _app_page("renewals:renew", about),
    "renewal_stop": lambda about: _app_page("renewals:stop", about),
    "servers": lambda about: f"{reverse('compute:servers')}{f'?order={about.order.number}' if about.order else ''}",
    "statement": lambda about: about.statement.get_absolute_url() if about.statement else "/",
    "invoice": lambda about: about.invoice.get_absolute_url() if about.invoice else "/",
    "seller_invoice": lambda about: (
        reverse("billing:seller_invoice", args=[about.invoice.number]) if about.invoice else "/"
    ),
    "admin_invoice": lambda about: (
        reverse("admin:billing_invoice_changelist") + (f"?q={about.invoice.number}" if about.invoice else "")
    ),
    "usage_bill": lambda about: about.bill.get_absolute_url() if about.bill else "/",
    "cards": lambda _about: reverse("billing:payment_methods"),
    "admin": _search("admin:orders_order_changelist"),
    "admin_flow": _search("admin:supervision_serviceflow_changelist"),
    "admin_appeal": _search("admin:supervision_appeal_changelist"),
    "admin_refund": lambda _about: reverse("admin:billing_refundproposal_changelist"),
    "admin_unsubscription": lambda _about: reverse("admin:billing_unsubscription_changelist"),
    "admin_statement": lambda _about: reverse("admin:billing_statement_changelist"),
    "admin_usage": lambda _about: reverse("admin:billing_usagebill_changelist"),
    "admin_usage_credit": lambda _about: reverse("admin:billing_usageaccount_changelist") + "?undecided__isempty=0",
    "admin_reconciliation": lambda _about: reverse("admin:billing_reconciliation_changelist"),
    "admin_dispute": lambda _about: reverse("admin:billing_dispute_changelist"),
}


_ORDERS = Order.objects.select_related("account", "seller", "product").defer(
    *(f"product__{column}" for column in Product.LONG_COLUMNS)
)
_ORDER = Compiled(lambda: _ORDERS.filter(number=Param("number")))
_ORDER_OF_APP = Compiled(lambda: _ORDERS.filter(pk=Param("pk")))


def subject_of(event: Event) -> Subject | None:
    """What an event is about, by the fields that it has; None when it is gone."""
    if number := getattr(event, "order_number", ""):
        order = _ORDER.first(number=number)
        return Subject(order.account, order) if order else None
    if public_id := getattr(event, "subscription", ""):
        app = Subscription.objects.select_related("line", "account").filter(public_id=public_id).first()
        return Subject(app.account, _ORDER_OF_APP.get(pk=app.line.order_id), app) if app else None
    if public_id := getattr(event, "statement", ""):
        statement = Statement.objects.select_related("account").filter(public_id=public_id).first()
        return Subject(statement.account, statement=statement) if statement else None
    if number := getattr(event, "invoice", ""):
        invoice = Invoice.objects.select_related("account", "issuer", "issuer__seller").filter(number=number).first()
        return Subject(invoice.account, invoice=invoice) if invoice else None
    if public_id := getattr(event, "payment", ""):
        payment = Payment.objects.select_related("account").filter(public_id=public_id).first()
        return Subject(payment.account, payment=payment) if payment else None
    if public_id := getattr(event, "bill", ""):
        bill = UsageBill.objects.select_related("account").filter(public_id=public_id).first()
        return Subject(bill.account, bill=bill) if bill else None
    if public_id := getattr(event, "card", ""):
        card = PaymentMethod.objects.select_related("account").filter(public_id=public_id).first()
        return Subject(card.account, card=card) if card else None
    return Subject() if getattr(event, "reconciliation", 0) else None


_MEMBERS = Compiled(
    lambda: Membership.objects.filter(
        OneOf(F("role"), Param("roles")), account=Param("account"), user__is_active=True
    ).select_related("user")
)
_WORKING = Compiled(
    lambda: SellerMember.objects.filter(seller=Param("seller"), user__is_active=True).select_related("user")
)


def people_of(audience: Audience, about: Subject) -> list[tuple[User, Account | None, Seller | None]]:
    """Who is told, each with the side in which it concerns him."""
    roles = {
        Audience.BUYERS: (Role.OWNER, Role.PURCHASER),
        Audience.PAYERS: (Role.OWNER, Role.FINANCE),
    }.get(audience)
    if roles and (account := about.account):
        members = _MEMBERS.all(account=account.pk, roles=[str(role) for role in roles])
        return [(member.user, account, None) for member in members]
    if audience is Audience.SELLERS:
        seller = about.seller
        working = _WORKING.all(seller=seller.pk) if seller else []
        return [(member.user, None, seller) for member in working]
    return [(user, None, None) for user in User.objects.filter(is_staff=True, is_active=True)]


def tell(notice: Notice, event: Event, cause: str, at: datetime) -> int:
    """Write the notice's messages; `cause` names the event, so that a repeated delivery tells nobody twice.

    Returns:
        How many messages are new.
    """
    about = subject_of(event)
    if about is None or (notice.kinds is not None and about.order and about.order.kind not in notice.kinds):
        return 0
    words = {field.name: getattr(event, field.name) for field in fields(event)}
    words |= about.words()
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
    told = {user.pk: (user, account, seller) for user, account, seller in people}
    with transaction.atomic(savepoint=False):
        new = insert_new(
            [
                Message(
                    user=user,
                    account=account,
                    seller=seller,
                    event=event,
                    cause=cause,
                    title=title[:LONGEST_TITLE],
                    text=text[:LONGEST_TEXT],
                    url=url,
                    at=at,
                    wants_email=email and user.wants_email,
                )
                for user, account, seller in told.values()
            ]
        )
        if new and email and any(user.wants_email for user, _account, _seller in told.values()):
            publish(MessagesWritten(cause=cause), at=at)
    return new


def write_row(
    row: Written,
    people: Iterable[tuple[User, Account | None, Seller | None]],
    *,
    cause: str,
    words: Mapping[str, str],
    url: str,
    at: datetime,
) -> int:
    """Write a notice that a verb tells by itself (see `write` for the arguments); `words` are what its texts name."""
    return write(
        people,
        cause=cause,
        event=row.event,
        title=row.title.format_map(words),
        text=row.text.format_map(words),
        url=url,
        at=at,
        email=row.email,
    )


_TO_MAIL = Compiled(lambda: Message.objects.to_mail().filter(cause=Param("cause")).select_related("user"))


def mail(cause: str) -> int:
    """Send the e-mails of the messages that one event caused; outside any transaction.

    A message is claimed before it is sent, so that a crash between the two loses an e-mail rather than sending it
    twice; the message itself stays in the product.

    Returns:
        How many were sent.
    """
    sent = 0
    for message in _TO_MAIL.all(cause=cause):
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
