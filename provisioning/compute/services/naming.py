"""What servers are called. Names are given when an order is placed, under the account's lock, so that no two of an account are
alike whenever and in whatever order they are paid."""

from django.utils.translation import gettext as _

from accounts.models import Account
from koogallery.kernel.ids import public_id
from provisioning.compute.models import Deployment, Server
from provisioning.compute.rules import DEFAULT_NAME, NamesExhausted, next_number, numbered


def taken_names(account: Account, name: str) -> set[str]:
    """Names that begin so: of the account's servers, and those promised to servers whose order waits for payment."""
    servers = Server.objects.for_account(account).existing().filter(name__startswith=name)
    taken = set(servers.values_list("name", flat=True))
    for waiting in Deployment.objects.to_come().filter(account=account).only("name", "quantity", "first_number"):
        taken.update(one for one in waiting.server_names if one.startswith(name))
    return taken


def default_name(account: Account, quantity: int) -> tuple[str, int]:
    """Where nobody chose a name: the next ecs-0001, or `ecs` with the first number of several."""
    try:
        first = next_number(DEFAULT_NAME, quantity, taken_names(account, DEFAULT_NAME))
    except NamesExhausted:
        return f"{DEFAULT_NAME}-{public_id().lower()}", 1
    return (DEFAULT_NAME, first) if quantity > 1 else (numbered(DEFAULT_NAME, first), 0)


def shown_name(account: Account, name: str, quantity: int) -> str:
    """What the servers would be called if they were ordered now: ecs-0001, or ecs-0001 to ecs-0003."""
    if not name:
        base, first = default_name(account, quantity)
    else:
        base, first = name, 0
        if quantity > 1:
            try:
                first = next_number(name, quantity, taken_names(account, name))
            except NamesExhausted:
                return name
    if quantity == 1:
        return base
    first_and_last = {"first": numbered(base, first), "last": numbered(base, first + quantity - 1)}
    return _("%(first)s to %(last)s") % first_and_last
