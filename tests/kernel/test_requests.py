"""What every request passes: its line in the log, its connection to the database, its content security policy."""

import json
import logging
import os
import socket
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client, override_settings

from accounts.models import Membership
from koogallery.kernel.logs import formatter
from koogallery.kernel.postgres import base as postgres
from tests.factories import MembershipFactory, SellerMemberFactory, UserFactory


@pytest.fixture
def lines() -> Any:
    """What is logged, as it is written."""
    written: list[dict[str, Any]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(self.format(record)))

    handler = Handler()
    handler.setFormatter(formatter())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_a_request_has_one_line_with_the_id_that_its_answer_carries(lines, client):
    member = MembershipFactory()
    client.force_login(member.user)
    answer = client.get("/billing/orders/", {"number": "CS1"})

    found = [one for one in lines if one["event"] == "request_finished"]
    assert len(lines) == len(found) == 1
    assert found[0] | {
        "request_id": answer["X-Request-ID"], "user_id": member.user_id, "account_id": member.account_id,
        "ip": "127.0.0.1", "code": 200, "request": "GET /billing/orders/?number=CS1",
    } == found[0]  # fmt: skip


@pytest.mark.django_db
def test_a_visitors_line_names_nobody_and_reads_no_session(lines, client, django_assert_num_queries):
    client.get("/help/")
    with django_assert_num_queries(0):
        client.get("/healthz")
    assert {"user_id", "account_id"}.isdisjoint(lines[-1])


@pytest.mark.django_db
def test_an_operators_line_names_him(lines, admin_client, admin_user):
    assert admin_client.get("/admin/").status_code == 200
    assert lines[-1]["user_id"] == admin_user.pk


@pytest.mark.django_db
def test_who_is_logged_in_comes_with_his_oldest_account(client, django_assert_num_queries):
    user = UserFactory()
    oldest, other = MembershipFactory(user=user), MembershipFactory(user=user)
    client.force_login(user)
    with django_assert_num_queries(2):  # the session, the person with his account; then it is not his draft
        pass_by = client.get("/account/login/")
    assert pass_by.status_code == 302
    shown = client.get("/account/switch/").content.decode()
    assert f"{oldest.account.name} · Owner" in shown
    client.post("/account/switch/", {"account": other.account_id})
    assert client.session[SESSION_KEY] == str(user.pk)
    Membership.objects.filter(pk=oldest.pk).delete()
    assert client.get("/my/agreements/").status_code == 200


@pytest.mark.django_db
def test_a_seller_without_an_account_is_still_somebody(client):
    member = SellerMemberFactory()
    client.force_login(member.user)
    assert "Seller Portal" in client.get("/seller/orders/").content.decode()
    assert client.get("/my/agreements/").status_code == 404


@pytest.mark.django_db
def test_somebody_who_may_not_log_in_any_more_is_logged_out(client):
    member = MembershipFactory()
    client.force_login(member.user)
    member.user.is_active = False
    member.user.save()
    assert client.get("/my/agreements/").status_code == 302


@pytest.mark.django_db
def test_a_kept_connection_is_found_dead_without_a_statement():
    kept = connection.copy()
    try:
        with kept.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        assert kept.is_usable()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert not kept.is_usable()
    finally:
        kept.close()
    assert not kept.is_usable()


@pytest.mark.django_db
def test_a_connection_that_something_between_forgot_is_found_dead_after_a_silence(monkeypatch):
    kept = connection.copy()
    ours, theirs = socket.socketpair()
    kept.ensure_connection()
    try:
        assert kept.is_usable()
        # A firewall that forgot the connection says so only to whoever sends something.
        os.dup2(ours.fileno(), kept.connection.fileno())
        Thread(target=lambda: theirs.recv(1) and theirs.close(), daemon=True).start()
        assert kept.is_usable(), "it is silent, and was looked at just now"
        monkeypatch.setattr(postgres, "SILENCE_SECONDS", 0, raising=False)
        assert not kept.is_usable()
    finally:
        kept.close()
        ours.close()


@override_settings(DEBUG=True)
def test_the_pages_of_faults_for_developers_have_no_policy(db):
    assert "Content-Security-Policy" not in Client().get("/no/such/page/")


def test_the_policy_is_that_of_the_settings_but_where_a_view_changes_it(db):
    usual = Client().get("/help/")["Content-Security-Policy"]
    assert "default-src 'none'" in usual
    assert "unsafe-inline" not in usual
    assert "style-src 'self' 'unsafe-inline'" in Client().get("/api/v1/docs/")["Content-Security-Policy"]
