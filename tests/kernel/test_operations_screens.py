"""Operations staff see what failed or is stuck, and can only let it be tried again."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import BaseConstraint, F, UniqueConstraint
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from koogallery.kernel import clock
from koogallery.kernel.models import Deadline, OutboxMessage, TimerFailure

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> User:
    """A logged-in operator with every right."""
    user = User.objects.create_superuser("operator@demo.example", "correct-horse-battery")
    client.force_login(user)
    return user


@pytest.fixture
def failure() -> TimerFailure:
    now = clock.now()
    return TimerFailure.objects.create(
        timer="charge", object_id=7, due_at=now, tries=3, retry_at=now + timedelta(minutes=30),
        error="TimeoutError: the gateway did not answer\n  frames", first_at=now, last_at=now,
    )  # fmt: skip


@pytest.fixture
def stuck() -> OutboxMessage:
    now = clock.now()
    return OutboxMessage.objects.create(
        event="OrderPaid", payload={"order_number": "CS1"}, subject="order:CS1", subscriber="test.mail", at=now,
        tries=12, stuck_at=now, error="SMTPException: refused",
    )  # fmt: skip


def test_a_failed_timer_is_shown_and_tried_again(client: Client, operator: User, failure: TimerFailure) -> None:
    url = reverse("admin:kernel_timerfailure_changelist")
    assert "TimeoutError: the gateway did not answer" in client.get(url).content.decode()

    client.post(url, {"action": "try_again", "_selected_action": [failure.pk]})

    failure.refresh_from_db()
    assert failure.retry_at is not None
    assert failure.retry_at <= clock.now()
    assert failure.tries == 3


def test_a_stuck_message_is_shown_and_put_in_line_again(client: Client, operator: User, stuck: OutboxMessage) -> None:
    url = reverse("admin:kernel_outboxmessage_changelist")
    assert "SMTPException: refused" in client.get(url).content.decode()
    assert "SMTPException: refused" in client.get(url, {"stuck_at__isempty": "0"}).content.decode()
    assert "SMTPException: refused" not in client.get(url, {"state": "done"}).content.decode()

    client.post(url, {"action": "try_again", "_selected_action": [stuck.pk]})

    stuck.refresh_from_db()
    assert (stuck.stuck_at, stuck.tries) == (None, 0)


@pytest.mark.parametrize("model", [TimerFailure, OutboxMessage, Deadline])
def test_nothing_can_be_edited_by_hand(rf: RequestFactory, operator: User, model: type) -> None:
    request = rf.get("/")
    request.user = operator
    screen = admin.site._registry[model]

    assert screen.has_view_permission(request)
    assert not screen.has_add_permission(request)
    assert not screen.has_change_permission(request)
    assert not screen.has_delete_permission(request)


def _columns(constraint: BaseConstraint) -> set[str]:
    """What a constraint reads; nothing where Django tells of it with the columns' own labels."""
    read = set(constraint.condition.referenced_base_fields) if constraint.condition else set()
    if isinstance(constraint, UniqueConstraint) and (read or constraint.expressions):
        parts = [one for expression in constraint.expressions for one in expression.flatten()]
        read |= {*constraint.fields, *(one.name for one in parts if isinstance(one, F))}
    return read


def test_no_form_prints_the_name_of_a_constraint(rf: RequestFactory, operator: User) -> None:
    """A constraint is checked by a form that has all its columns."""
    request = rf.get("/")
    request.user = operator
    unsaid = set()
    for screen in admin.site._registry.values():
        # Who has a page of his own to add a row shows the form of a verb there, not of the row.
        adds = screen.has_add_permission(request) and "add_view" not in vars(type(screen))
        if not (adds or screen.has_change_permission(request)):
            continue
        forms = [screen.get_form(request)]
        forms += [formset.form for formset, _inline in screen.get_formsets_with_inlines(request)]
        for form in forms:
            for one in form._meta.model._meta.constraints:
                columns = _columns(one)
                own = one.violation_error_message != one.default_violation_error_message
                if columns and columns <= set(form.base_fields) and not own:
                    unsaid.add(one.name)
    # django-allauth's own, which our forms refuse before (accounts/admin.py).
    assert unsaid == {"unique_primary_email", "unique_verified_email"}
