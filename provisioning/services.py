"""Keep what a seller gave, hand it over to the buyer, show the password to who may see it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor, Party
from accounts.permissions import Permission, require
from accounts.reveals import record_reveal
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, NotFound
from orders.models import Subscription
from orders.ports import ApplicationGiven, Credentials
from provisioning.models import Application, ApplicationMemo, ApplicationPassword, Handover
from provisioning.rules import cleaned_application


@sensitive_variables()
def checked_application(given: ApplicationGiven) -> ApplicationGiven:
    """The texts made clean.

    Raises:
        InvalidInput: names each field, as `application_frontend_url`.
    """
    cleaned, errors = cleaned_application(given)
    if errors:
        why = next(iter(errors.values()))[0]
        raise InvalidInput(why, errors={f"application_{field}": texts for field, texts in errors.items()})
    return cleaned


@sensitive_variables()
def give_application(
    subscriptions: Sequence[Subscription], given: ApplicationGiven, *, by: Actor, at: datetime | None = None
) -> int:
    """Keep another version of the apps of one order, which nobody sees before it is handed over.

    The caller holds the lock of the order, so that versions have no gap.

    Returns:
        The version's number.
    """
    at, given = at or clock.now(), checked_application(given)
    newest = {one.subscription_id: one for one in Application.objects.of(subscriptions)}
    version = max((one.version for one in newest.values()), default=0) + 1
    for subscription in subscriptions:
        before = newest.get(subscription.pk)
        old = before.password.password.reveal() if before and hasattr(before, "password") else ""
        application = Application.objects.create(
            subscription=subscription,
            version=version,
            username=given.username,
            frontend_url=given.frontend_url,
            management_url=given.management_url,
            password_changed=given.password != old,
            given_at=at,
            by=by.label,
            user_id=by.user_id,
        )
        if given.password:
            ApplicationPassword.objects.create(application=application, password=given.password)
        if given.memo:
            ApplicationMemo.objects.create(application=application, memo=given.memo)
    return version


def hand_over_application(subscriptions: Iterable[Subscription], *, at: datetime | None = None) -> None:
    """Let the buyer see what was given last; again changes nothing."""
    newest = {one.subscription_id: one for one in Application.objects.of(subscriptions)}
    rows = [Handover(application=one, at=at or clock.now()) for one in newest.values()]
    Handover.objects.bulk_create(rows, ignore_conflicts=True)


@sensitive_variables()
def reveal_password(subscription: Subscription, *, by: Actor, at: datetime | None = None) -> Credentials:
    """Show the buyer what he logs in with, and the memo; who has seen it and when is recorded first.

    Raises:
        PermissionRefused: the buyer's role does not allow it.
        NotFound: it is not his, there is neither password nor memo, or it has not reached him.
        Throttled: this person has had too many secrets shown within an hour.
    """
    at = at or clock.now()
    require(by, Permission.REVEAL)
    shown = Application.objects.of([subscription]).handed_over().last()
    own = by.party is Party.BUYER and by.account_id == subscription.account_id
    if not own or shown is None or not (hasattr(shown, "password") or hasattr(shown, "memo")):
        raise NotFound("There is no password to show.")
    what = f"Application password {shown.version}"
    record_reveal(what=what, of=f"subscription {subscription.public_id}", by=by, at=at)
    password = shown.password.password.reveal() if hasattr(shown, "password") else ""
    memo = shown.memo.memo.reveal() if hasattr(shown, "memo") else ""
    return Credentials(shown.username, password, memo)
