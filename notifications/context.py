"""What the top bar and side navigation know of the visitor; nothing is read for visitors who are not logged in."""

from functools import cached_property

from django.conf import settings
from django.http import HttpRequest

from accounts.actor import Party
from accounts.models import Account, Seller, User
from accounts.permissions import Role
from accounts.web import membership_of, seller_of
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Moment, Param
from notifications.models import Message
from orders.models import ENDS_SOON, Subscription
from supervision.models import ServiceFlow

# Counting stops here: every page shows the number, and a program's account may have thousands of unread messages.
MOST_COUNTED = 99
_UNREAD = Compiled(
    lambda: Message.objects.filter(user=Param("user")).unread().order_by().values_list("pk")[: MOST_COUNTED + 1]
)

_EXPIRING = Compiled(
    lambda: (
        Subscription.objects.filter(account=Param("account"))
        .ending(Moment("until"))
        .order_by("expires_at")
        .values_list("pk")[: MOST_COUNTED + 1]
    )
)


def _shown(counted: int) -> str:
    """As a menu shows it: "3", "99+"; empty for none."""
    return f"{MOST_COUNTED}+" if counted > MOST_COUNTED else str(counted or "")


class Nav:
    """Lazily read facts; each costs at most one query a page."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def user(self) -> User | None:
        # Without a session cookie nobody is logged in: the session is not even touched, so the page can be cached.
        if settings.SESSION_COOKIE_NAME not in self._request.COOKIES:
            return None
        user = getattr(self._request, "user", None)
        return user if user is not None and user.is_authenticated else None

    @cached_property
    def account(self) -> Account | None:
        membership = membership_of(self._request) if self.user else None
        return membership.account if membership else None

    @property
    def currency(self) -> str:
        """What the account pays in; empty without one."""
        return self.account.currency if self.account else ""

    @cached_property
    def role_label(self) -> str:
        membership = membership_of(self._request) if self.user else None
        return str(Role(membership.role).label) if membership else ""

    @cached_property
    def seller(self) -> Seller | None:
        return seller_of(self._request) if self.user else None

    @cached_property
    def sells(self) -> bool:
        known: bool | None = getattr(self.user, "sells", None)
        return self.seller is not None if known is None else known

    @cached_property
    def unread_messages(self) -> str:
        return _shown(len(_UNREAD.all(user=self.user.pk))) if self.user else ""

    @cached_property
    def waiting_on_me(self) -> int:
        return ServiceFlow.objects.for_account(self.account).waiting_for(Party.BUYER).count() if self.account else 0

    @cached_property
    def expiring(self) -> str:
        """How many of the account's apps end within 30 days or are over, as the Billing Center's overview counts them."""
        if not self.account:
            return ""
        return _shown(len(_EXPIRING.all(account=self.account.pk, until=clock.now() + ENDS_SOON)))

    @cached_property
    def seller_waiting_on_me(self) -> int:
        return ServiceFlow.objects.for_seller(self.seller).waiting_for(Party.SELLER).count() if self.seller else 0


def nav(request: HttpRequest) -> dict[str, Nav]:
    """`nav` for every template."""
    return {"nav": Nav(request)}
