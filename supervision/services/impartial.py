"""No operator judges a deal of a company that he belongs to."""

from accounts.actor import Actor
from accounts.models import Membership, SellerMember
from koogallery.kernel.errors import PermissionRefused
from supervision.models import ServiceFlow


def is_partial(flow: ServiceFlow, user_id: int | None) -> bool:
    """Whether a person is a member of the flow's buying account or of its seller."""
    if user_id is None:
        return False
    return (
        Membership.objects.filter(account_id=flow.account_id, user_id=user_id).exists()
        or SellerMember.objects.filter(seller_id=flow.seller_id, user_id=user_id).exists()
    )


def require_impartial(flow: ServiceFlow, by: Actor) -> None:
    """Refuse an operator who is a member of either side.

    Raises:
        PermissionRefused: says so.
    """
    if is_partial(flow, by.user_id):
        raise PermissionRefused("You belong to one of the two sides. Another operator has to decide this.")
