"""Service tickets (guide 9.7, 9.9, 9.11, 8 NOTE): a thread with a clock, files as safe as those of deliveries, walls."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from accounts.models import Account, User
from billing.invoices.services import finish_return, reject_return
from billing.services import CreditTerms, grant_credit
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, NotFound, PermissionRefused, Throttled
from notifications.models import Message
from orders.terms import until_text
from supervision.errors import AttachmentRefused
from supervision.models import StorageDay
from support.models import Requirement
from support.tickets import services
from support.tickets.models import Ticket, TicketFile, TicketMessage
from support.tickets.services import NewTicket, answer, close_ticket, open_ticket, reply, take
from tests.api.conftest import buyer_api
from tests.billing import cloud
from tests.billing.conftest import a_shopper, usd
from tests.billing.invoicing import applied, completed, issued
from tests.factories import MembershipFactory, UserFactory, a_buyer, a_seller, a_specification, an_operator
from tests.supervision.test_flow import a_file
from tests.support.tickets import a_ticket

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def by():
    return a_buyer()


@pytest.fixture
def account(by):
    return Account.objects.get(pk=by.account_id)


def now_of(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def test_a_thread_from_question_to_silence(account, by, timers, mailoutbox):
    operator = an_operator()
    ticket = a_ticket(account, by=by)
    assert (ticket.status, ticket.answer_due_at - ticket.created_at) == ("open", 24 * HOUR)
    assert Message.objects.filter(user=operator.user_id, event="TicketOpened").count() == 1
    answer(ticket, text="Which browser?", by=operator)
    ticket = now_of(ticket)
    assert (ticket.status, ticket.answer_due_at, ticket.handler_id) == ("answered", None, operator.user_id)
    assert "Which browser?" in Message.objects.get(user=by.user_id).text
    reply(ticket, text="All of them", by=by)
    assert now_of(ticket).status == "open"
    answer(ticket, text="Known since Monday.", internal=True, by=operator)
    assert now_of(ticket).status == "open"
    answer(ticket, text="It is mended.", resolved=True, by=operator)
    ticket = now_of(ticket)
    assert ticket.status == "resolved"
    timers.run(ticket.silent_until - timedelta(seconds=1))
    assert now_of(ticket).status == "resolved"
    timers.run(ticket.silent_until)
    assert now_of(ticket).status == "closed"
    told = [one.event for one in Message.objects.filter(user=by.user_id).order_by("pk")]
    assert told == ["TicketAnswered", "TicketResolved", "TicketClosed"]
    assert len(mailoutbox) == 5
    with pytest.raises(InvalidTransition, match="closed"):
        reply(ticket, text="One more thing", by=by)
    with pytest.raises(InvalidTransition):
        answer(ticket, text="Yes?", by=operator)


def test_who_closes_a_ticket_tells_the_other_side(account, by):
    operator, other = an_operator(), an_operator()
    first, second = a_ticket(account, by=by), a_ticket(account, by=by)
    take(first, by=operator)
    Message.objects.all().delete()
    close_ticket(first, by=by)
    assert [(one.event, one.user_id) for one in Message.objects.all()] == [("TicketClosedByCustomer", operator.user_id)]
    close_ticket(second, by=other)
    told = Message.objects.get(user=by.user_id)
    assert (told.event, told.url) == ("TicketClosed", second.get_absolute_url())
    assert told.text.startswith("Operations closed it.")


def test_the_service_levels_clock_tells_all_operators_once_a_turn(account, by, timers):
    first, _second = an_operator(), an_operator()
    ticket = a_ticket(account, by=by)
    take(ticket, by=first)
    reply(ticket, text="Is anybody there?", by=by, at=ticket.created_at + HOUR)
    due = now_of(ticket).answer_due_at
    timers.run(due - timedelta(seconds=1))
    assert not Message.objects.filter(event="TicketLate").exists()
    timers.run(due)
    timers.run(due + HOUR)
    late = f"Nobody has answered since {until_text(ticket.created_at)}."
    assert Message.objects.filter(event="TicketLate", text=late).count() == 2
    answer(ticket, text="Sorry for the wait.", by=first, at=due + HOUR)
    reply(ticket, text="Still white.", by=by, at=due + 2 * HOUR)
    assert now_of(ticket).answer_due_at == due + 26 * HOUR
    timers.run(due + 26 * HOUR)
    assert Message.objects.filter(event="TicketLate").count() == 4


def test_the_first_page_of_operations_counts_what_waits_and_since_when(account, by, client):
    ticket, other = a_ticket(account, by=by), a_ticket(account, by=by)
    operator = an_operator()
    answer(other, text="Done.", by=operator)
    client.force_login(User.objects.get(pk=operator.user_id))
    queues = {one.title: one for one in client.get("/admin/").context["queues"]}
    assert (queues["Service tickets"].count, queues["Service tickets"].oldest) == (1, ticket.created_at)
    waiting = {"Appeals", "Service reviews", "Invoice applications and returns", "Unsubscriptions to review"}
    assert {name: queues[name].count for name in waiting} == dict.fromkeys(waiting, 0)
    for one in queues.values():
        assert client.get(one.url).status_code == 200, one
    assert client.get("/admin/billing/invoicedocument/999/pdf/").status_code == 404


@pytest.fixture
def shop(settings):
    settings.FULFILMENT = cloud.FULFILMENT
    one = a_shopper()
    one.specification = a_specification(saas=True)
    one.card()
    return one


@pytest.mark.parametrize("taken", [True, False])
def test_an_invoice_is_returned_by_a_ticket_which_hears_how_it_ended(shop, timers, taken):
    order = completed(shop)
    invoice = issued(applied(shop, order))
    ticket = a_ticket(shop.account, by=shop.by, kind="invoice_return", invoice=invoice.number, text="Wrong address")
    assert (ticket.order, ticket.invoice_id) == (order, invoice.pk)
    assert type(invoice).objects.get(pk=invoice.pk).status == "returning"
    with pytest.raises(InvalidTransition):
        a_ticket(shop.account, by=shop.by, kind="invoice_return", invoice=invoice.number)
    assert Ticket.objects.count() == 1
    seller = a_seller(order.seller)
    if taken:
        finish_return(invoice, by=seller)
    else:
        reject_return(invoice, reason="It is right.", by=seller)
    timers.run()
    ticket = now_of(ticket)
    last = ticket.messages.last()
    assert (ticket.status, last.by) == ("resolved", "invoicing")
    assert ("credit note" if taken else "It is right.") in last.text


def test_credit_payment_is_asked_for_by_a_ticket(account, by):
    ticket = a_ticket(account, by=by, kind="credit", subject="Monthly settlement", text="Up to 5,000 USD, please.")
    line = grant_credit(account, CreditTerms(usd("5000.00"), ticket.number), by=an_operator())
    assert line.ticket == ticket.number


def test_a_requirement_of_a_customer_is_followed_on_a_ticket(client, account, by):
    user = account.memberships.get().user
    elsewhere = MembershipFactory(user=user, role="owner").account
    client.force_login(user)
    filled = {"requirements": "A scheduler for ferries", "company": "Contoso", "contact": "Ada", "phone": "1", "email": "a@b.example",
              "searched": "ferry"}  # fmt: skip
    page = client.post("/requirements/new/", filled, follow=True).content.decode()
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.requirement) == ("requirement", Requirement.objects.get())
    assert ticket.number in page
    # Who acts for another of his accounts asks for that one.
    client.post("/account/switch/", {"account": elsewhere.public_id})
    page = client.post("/requirements/new/", filled, follow=True).content.decode()
    assert Ticket.objects.get(account=elsewhere).number in page
    client.logout()
    assert ticket.number not in client.get(f"/requirements/{ticket.requirement.reference}/").content.decode()


def test_walls_of_tickets(shop, account, by):
    stranger = a_shopper(saas=True)
    order = completed(shop)
    for refused, fields in (
        (NotFound, {"order": order.number}),
        (NotFound, {"kind": "invoice_return", "invoice": issued(applied(shop, order)).number}),
    ):
        with pytest.raises(refused):
            a_ticket(stranger.account, by=stranger.by, **fields)
    with pytest.raises(PermissionRefused):
        a_ticket(account, by=a_buyer("viewer", account))
    ticket = a_ticket(account, by=by)
    with pytest.raises(PermissionRefused):
        answer(ticket, text="I am an operator.", by=by)
    with pytest.raises(PermissionRefused):
        take(ticket, by=by)
    with pytest.raises(PermissionRefused):
        close_ticket(ticket, by=a_buyer("viewer", account))
    with pytest.raises(InvalidTransition, match="closed"):
        close_ticket(close_ticket(ticket, by=by), by=by)


@pytest.mark.parametrize(
    ("field", "value"),
    [("subject", ""), ("subject", "x" * 121), ("subject", "a\u202eb"), ("text", " "), ("text", "x" * 4001), ("text", "a\x07b"),
     ("kind", "complaint"), ("kind", "")],
)  # fmt: skip
def test_bad_tickets_change_nothing_by_page_and_api(client, account, by, field, value):
    good = {"kind": "problem", "subject": "White page", "text": "It stays white."}
    client.force_login(account.memberships.get().user)
    answered = client.post("/my/tickets/new/", good | {field: value})
    assert answered.status_code == 422
    page = answered.content.decode()
    assert ("There is a problem" in page, "Ensure this value" in page) == (True, False)
    api = buyer_api("owner", account, card=False)
    assert api.post("tickets/", good | {field: value}).json()["code"] == "validation_error"
    with pytest.raises(InvalidInput):
        open_ticket(NewTicket(**good | {field: value}), account=account, by=by)
    assert not Ticket.objects.exists()


def test_files_are_checked_kept_and_not_swept_up(account, by, client, timers):
    with pytest.raises(AttachmentRefused):
        a_ticket(account, by=by, files=[SimpleUploadedFile("invoice.exe", b"MZ")])
    with pytest.raises(AttachmentRefused):
        a_ticket(account, by=by, files=[SimpleUploadedFile("a.pdf", b"<html>")])
    assert not Ticket.objects.exists()
    ticket = a_ticket(account, by=by, files=[a_file()])
    file = TicketFile.objects.get()
    timers.run(StorageDay.objects.get().due_at + HOUR)
    assert default_storage.exists(str(file.file.name))
    client.force_login(account.memberships.get().user)
    url = f"/my/tickets/{ticket.number}/files/{file.public_id}/"
    got = client.get(url)
    assert (got["Content-Disposition"].startswith("attachment"), got["X-Content-Type-Options"]) == (True, "nosniff")
    hidden = answer(ticket, text="Look", internal=True, files=[a_file()], by=an_operator())
    secret = hidden.files.get()
    assert client.get(f"/my/tickets/{ticket.number}/files/{secret.public_id}/").status_code == 404
    page = client.get(f"/my/tickets/{ticket.number}/").content.decode()
    assert secret.public_id not in page
    assert "Look" not in page
    client.force_login(MembershipFactory().user)
    assert client.get(url).status_code == 404


def test_what_was_written_never_changes(account, by):
    a_ticket(account, by=by, files=[a_file()])
    for sql in ("UPDATE support_ticketmessage SET text = 'x'", "DELETE FROM support_ticketfile"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_too_many_in_a_day_are_refused(account, by, settings):
    settings.TICKETS_A_DAY = settings.TICKET_MESSAGES_A_DAY = 2
    at = clock.now()
    ticket = a_ticket(account, by=by)
    a_ticket(account, by=by)
    with pytest.raises(Throttled):
        a_ticket(account, by=by)
    with pytest.raises(Throttled):
        reply(ticket, text="Again", by=by)
    new = NewTicket("other", "Another day", "Hello")
    assert services.open_ticket(new, account=account, by=by, at=at + 25 * HOUR)


def test_an_order_goes_along_on_the_page(shop, client):
    order = completed(shop)
    client.force_login(shop.account.memberships.get().user)
    for page in (f"/billing/orders/{order.number}/", f"/my/apps/{order.lines.get().subscriptions.get().public_id}/"):
        shown = client.get(page).content.decode()
        assert f"/my/tickets/new/?order={order.number}" in shown
        assert "Support Range" in shown
    url = f"/my/tickets/new/?order={order.number}"
    assert order.seller.email in client.get(url).content.decode()
    sent = {"kind": "seller", "subject": "No answer", "text": "Since Monday.", "order": order.number}
    assert client.post(url, sent).status_code == 302
    assert Ticket.objects.get().order == order
    assert client.get("/my/tickets/new/?order=CS000000AAAAAAAA").status_code == 404


def test_programs_open_read_and_write(account, by):
    api = buyer_api("owner", account, card=False)
    body = {"kind": "problem", "subject": "White page", "text": "It stays white."}
    made = api.post("tickets/", body, idempotency_key="t1")
    assert api.post("tickets/", body, idempotency_key="t1").json() == made.json()
    number = made.json()["number"]
    assert (made.status_code, made.json()["status"], len(made.json()["messages"])) == (201, "open", 1)
    sent = api.post(f"tickets/{number}/messages/", {"text": "With a picture", "attachments": a_file()}, multipart=True)
    assert sent.status_code == 201, sent.json()
    file = sent.json()["messages"][0]["attachments"][0]
    assert api.get(f"tickets/{number}/files/{file['id']}/").status_code == 200
    assert api.post(f"tickets/{number}/messages/", {"text": ""}).status_code == 400
    assert api.post("tickets/", {**body, "status": "closed"}).status_code == 400
    assert api.get("tickets/").json()["results"][0]["number"] == number
    assert buyer_api().get(f"tickets/{number}/").status_code == 404
    assert buyer_api().post(f"tickets/{number}/messages/", {"text": "Hello"}).status_code == 404
    assert api.post(f"tickets/{number}/close/").json()["status"] == "closed"
    assert api.post(f"tickets/{number}/messages/", {"text": "More"}).json()["code"] == "invalid_transition"
    assert TicketMessage.objects.count() == 2


def test_the_operators_queue_shows_who_is_due_first(client, account, by):
    operator = UserFactory(is_staff=True, is_superuser=True)
    ticket, other = a_ticket(account, by=by), a_ticket(account, by=by, subject="Second")
    Ticket.objects.filter(pk=other.pk).update(answer_due_at=clock.now() - HOUR)
    client.force_login(operator)
    listing = client.get(reverse("admin:support_ticket_changelist")).content.decode()
    assert listing.index(other.number) < listing.index(ticket.number)
    assert "late by" in listing
    url = reverse("admin:support_ticket_thread", args=[ticket.pk])
    assert " GMT+08:00" in client.get(url).content.decode()
    assert client.post(url, {"text": "", "outcome": "answer"}).status_code == 422
    assert client.post(url, {"text": "Which browser?", "outcome": "answer"}).status_code == 302
    assert now_of(ticket).status == "answered"
    assert ticket.number not in client.get(reverse("admin:support_ticket_changelist")).content.decode()
    client.post(reverse("admin:support_ticket_changelist"), {"action": "take", "_selected_action": [other.pk]})
    assert now_of(other).handler == operator
