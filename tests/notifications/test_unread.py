"""How many messages are unread stands on every page: exactly while they are few, and then that they are many."""

import re

import pytest

from accounts.models import User
from notifications.models import Message
from tests.factories import a_buyer, logged_in

_IN_THE_BELL = re.compile(r'dot-count" aria-hidden="true">([^<]*)<')


@pytest.mark.parametrize(("unread", "shown"), [(0, []), (1, ["1"]), (99, ["99"]), (100, ["99+"]), (150, ["99+"])])
def test_the_bell_counts_up_to_99(db, unread, shown):
    buyer = a_buyer()
    Message.objects.bulk_create(
        Message(user_id=buyer.user_id, event="OrderPaid", cause=f"cause {one}", title="Paid", text="Paid.", url="/")
        for one in range(unread)
    )
    page = logged_in(User.objects.get(pk=buyer.user_id)).get("/my/messages/").content.decode()
    assert _IN_THE_BELL.findall(page) == shown
    if shown:
        assert f"Messages, {shown[0]} unread" in page
        assert f'<span class="n">{shown[0]}<' in page
