"""Every event is told to somebody, or the table says why nobody is; docs/notifications.md is the table."""

from pathlib import Path

from django.conf import settings

from koogallery.kernel.outbox import event_types
from notifications.docs import as_markdown
from notifications.models import Message
from notifications.table import NOTICES, UNTOLD
from supervision import services
from tests.supervision.conftest import make_deal

ABSTRACT = {
    "StatementEvent",
    "UnsubscriptionEvent",
    "InvoiceEvent",
    "OrderEvent",
    "SubscriptionEvent",
    "Announcement",
    "UsageBillEvent",
    "ProductEvent",
    "Event",
}


def test_every_event_has_a_row():
    known = {row.event.__name__ for row in (*NOTICES, *UNTOLD)}
    ours = {
        name for name, kind in event_types().items() if kind.__module__.endswith(".events") and name not in ABSTRACT
    }
    assert ours == known


def test_no_event_is_both_told_and_untold():
    assert not {row.event for row in NOTICES} & {row.event for row in UNTOLD}


def test_the_document_is_made_from_the_table():
    assert (Path(settings.BASE_DIR) / "docs/notifications.md").read_text() == as_markdown()


def test_the_side_that_acts_next_is_told_in_the_product_and_by_email(db, timers, mailoutbox):
    deal = make_deal()
    timers.run()
    seller = Message.objects.filter(user_id=deal.seller.user_id)
    assert [one.event for one in seller] == ["FlowOpened"]
    assert any("New order" in mail.subject for mail in mailoutbox)

    services.deliver(deal.flow, note="Here it is.", by=deal.seller)
    timers.run()
    told = Message.objects.filter(user_id=deal.buyer.user_id, event="ServiceDelivered").get()
    assert told.title.startswith("Confirm acceptance:")
    assert told.url == f"/my/supervision/{deal.flow.order.number}/"
    sent = len(mailoutbox)
    timers.run()
    assert len(mailoutbox) == sent
