"""A usage bill that could not be charged: servers run on for a time of grace, are frozen, are given up (RULES 8)."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from billing.choices import UsageBillStatus
from billing.events import (
    UsageFreezeAhead,
    UsageFreezeLifted,
    UsageFrozen,
    UsageInArrears,
    UsageReleaseAhead,
    UsageReleased,
)
from billing.models import Statement, UsageBill
from billing.rules.usage import latest_notice, next_notice
from catalog.choices import BillingMode
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from orders import ports
from orders.choices import SubscriptionStatus
from orders.models import Subscription


def usage_bill_locked(pk: int) -> UsageBill:
    """The bill, read afresh under its lock, in a transaction."""
    return UsageBill.objects.select_for_update(of=("self",)).select_related("account").get(pk=pk)


def account_locked(account: Account) -> None:
    """A freeze for debt and one for arrears end one after the other, so that the later sees that it is the last."""
    Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)


def charge_failed(bill: UsageBill, reason: str, *, at: datetime) -> None:
    """A locked bill was not paid: it falls into arrears with the first failure; later ones change no date."""
    if bill.status != UsageBillStatus.OPEN:
        return
    freezes_at = at + settings.USAGE_GRACE
    bill.fall_into_arrears(at, freezes_at=freezes_at, releases_at=freezes_at + settings.USAGE_RETENTION)
    bill.notice_at = _next_notice(bill, at)
    bill.save()
    publish(UsageInArrears(bill=bill.public_id, reason=reason), at=at)


def _next_notice(bill: UsageBill, after: datetime) -> datetime | None:
    return next_notice(_steps(bill), after)


def _steps(bill: UsageBill) -> list[datetime]:
    return [one for one in (bill.freezes_at, bill.releases_at) if one]


def warn_of_arrears(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: 7, 3 and 1 days before servers are frozen, and again before they are given up.

    After a standstill only the latest is told, and none of what has happened since.
    """
    with transaction.atomic():
        bill = usage_bill_locked(pk)
        if bill.status != UsageBillStatus.ARREARS or bill.notice_at is None or bill.notice_at > at:
            return
        now = max(at, clock.now())
        if latest := latest_notice(_steps(bill), now):
            told_at, step = latest
            coming = UsageFreezeAhead if step == bill.freezes_at else UsageReleaseAhead
            publish(coming(bill=bill.public_id), at=told_at)
        bill.notice_at = _next_notice(bill, now)
        bill.save(update_fields=["notice_at"])


def freeze_servers(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: grace is over; the account's pay-per-use servers are out of use, and cost nothing, from its end on."""
    with transaction.atomic():
        bill = usage_bill_locked(pk)
        if bill.status != UsageBillStatus.ARREARS or bill.froze_at or bill.freezes_at is None or bill.freezes_at > at:
            return
        bill.froze_at = bill.freezes_at
        bill.save(update_fields=["froze_at"])
        for subscription, deliverers in _metered(bill.account):
            ports.usage().stop(subscription, at=bill.freezes_at)
            for one in deliverers:
                one.freeze(subscription, by=by, at=bill.freezes_at)
        publish(UsageFrozen(bill=bill.public_id), at=at)


def release_servers(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: retention is over; the servers are deleted and their subscriptions closed. What is owed stays owed."""
    with transaction.atomic():
        bill = usage_bill_locked(pk)
        due = bill.status == UsageBillStatus.ARREARS and bill.froze_at and not bill.released_at
        if not due or bill.releases_at is None or bill.releases_at > at:
            return
        bill.released_at, bill.notice_at = bill.releases_at, None
        bill.save(update_fields=["released_at", "notice_at"])
        for subscription, deliverers in _metered(bill.account):
            subscription.close(bill.releases_at)
            subscription.save(update_fields=["status", "closed_at"])
            for one in deliverers:
                one.release(subscription, by=by, at=bill.releases_at)
        publish(UsageReleased(bill=bill.public_id), at=at)


def lift_freeze(bill: UsageBill, *, by: Actor, at: datetime) -> None:
    """A locked bill was paid: with the last one that froze servers they are in use again.

    Not while a statement keeps the whole account frozen: they come back with its payment.
    """
    if not bill.froze_at:
        return
    account_locked(bill.account)
    if any(one.objects.for_account(bill.account).freezing().exists() for one in (UsageBill, Statement)):
        return
    for subscription, deliverers in _metered(bill.account):
        for one in deliverers:
            one.unfreeze(subscription, by=by, at=at)
    publish(UsageFreezeLifted(bill=bill.public_id), at=at)


def _metered(account: Account) -> Iterator[tuple[Subscription, list[ports.Fulfilment]]]:
    """The account's pay-per-use subscriptions that are not closed, locked, each with who delivers it."""
    rows = Subscription.objects.for_account(account).filter(billing_mode=BillingMode.PAY_PER_USE)
    rows = rows.exclude(status__in=[SubscriptionStatus.CLOSED, SubscriptionStatus.PENDING])
    for one in rows.select_for_update(of=("self",)).select_related("product").order_by("id"):
        yield one, ports.deliverers(one.product.delivery_method, supervised=one.product.supervised)
