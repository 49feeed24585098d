"""The calendar feed of an account: every expiry, and every deduction that is foreseen, behind an address nobody can guess."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from icalendar import Calendar, Event

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from orders.choices import RENEWABLE, SubscriptionStatus
from orders.models import Subscription
from renewals.models import RenewalPlan, RenewalSettings
from renewals.services.choosing import settings_of

SALT = "koogallery.renewals.calendar"
MOST_EVENTS = 5_000


def calendar_token(account: Account) -> str:
    """What the feed's address ends with: the account's public id and version, signed, so that it is kept nowhere."""
    body = f"{account.public_id}.{settings_of(account).calendar_version}"
    return signing.Signer(salt=SALT, sep="~").sign(body)


def account_of_token(token: str) -> Account | None:
    """Whose feed an address is; None for one that was never given out, or was replaced."""
    try:
        public_id, _dot, version = signing.Signer(salt=SALT, sep="~").unsign(token).partition(".")
    except signing.BadSignature:
        return None
    account = Account.objects.select_related("renewal_settings").filter(public_id=public_id).first()
    return account if account and str(settings_of(account).calendar_version) == version else None


def replace_calendar_address(account: Account, *, by: Actor) -> RenewalSettings:
    """Whoever knows the old address sees nothing any more.

    Raises:
        PermissionRefused: the actor's role may not renew.
    """
    require(by, Permission.RENEW)
    with transaction.atomic():
        RenewalSettings.objects.get_or_create(account=account)
        chosen = RenewalSettings.objects.select_for_update().get(account=account)
        chosen.calendar_version += 1
        chosen.save(update_fields=["calendar_version"])
    return chosen


def calendar_of(account: Account, *, at: datetime) -> bytes:
    """The feed (RFC 5545): an event for each expiry, one for the end of a grace or retention period, one for the next deduction."""
    calendar = Calendar()
    calendar.add("prodid", "-//KooGallery//Renewals//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"KooGallery: {account.name}")
    calendar.add("refresh-interval;value=duration", "PT12H")
    rows = Subscription.objects.for_account(account).filter(status__in=RENEWABLE, expires_at__isnull=False)
    rows = rows.select_related("product", "line", "renewal_plan").order_by("expires_at", "id")
    for app in rows[:MOST_EVENTS]:
        for event in _events(app, at):
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _events(app: Subscription, at: datetime) -> Iterable[Event]:
    plan: RenewalPlan | None = getattr(app, "renewal_plan", None)
    name, url = app.name, f"{settings.SITE_URL}{app.get_absolute_url()}"
    deducted = plan.deduct_at if plan is not None else None
    text = "It renews by itself before." if deducted else "It does not renew by itself."
    assert app.expires_at is not None
    yield _event(f"{app.public_id}-expiry", f"Expires: {name}", app.expires_at, f"{text} {url}", at)
    if plan is not None and deducted:
        yield _event(f"{app.public_id}-deduction", f"Renews: {name}", deducted, f"{plan.period}. {url}", at)
    if app.status == SubscriptionStatus.EXPIRED and app.grace_until:
        yield _event(
            f"{app.public_id}-freeze", f"Frozen: {name}", app.grace_until, f"Then it cannot be used. {url}", at
        )
    if app.status == SubscriptionStatus.FROZEN and app.retention_until:
        yield _event(f"{app.public_id}-release", f"Deleted: {name}", app.retention_until, f"Renew it before. {url}", at)


def _event(uid: str, summary: str, when: datetime, text: str, at: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@koogallery")
    event.add("dtstamp", at)
    event.add("dtstart", when)
    event.add("duration", timedelta(0))
    event.add("summary", summary)
    event.add("description", text)
    event.add("transp", "TRANSPARENT")
    return event
