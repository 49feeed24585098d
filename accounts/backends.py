"""Who a session belongs to."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Exists, OuterRef

from accounts.models import Membership, SellerMember, User
from koogallery.kernel.compiled import Compiled, Param

_USER = Compiled(lambda: User.objects.filter(pk=Param("pk")))
# Nearly every page asks for the person, the account that he acts for unless he switched, and whether he sells too.
_MEMBER = Compiled(
    lambda: (
        Membership.objects.filter(user=Param("user"))
        .select_related("user", "account", "account__reseller")
        .annotate(sells=Exists(SellerMember.objects.filter(user=OuterRef("user"))))
        .order_by("id")[:1]
    )
)


class Backend(AuthenticationBackend):
    """Logs in by e-mail address, as allauth does; whose session it is comes with his oldest membership, in one read.

    The user then has `oldest_membership` (None: he belongs to no account) and, with one, `sells`.
    """

    def get_user(self, user_id: Any) -> User | None:
        member = _MEMBER.first(user=user_id)
        user = _USER.first(pk=user_id) if member is None else member.user
        if user is None or not self.user_can_authenticate(user):
            return None
        user.oldest_membership = member
        if member is not None:
            user.sells = member.sells
        return user
