"""Who a browser's visitor is and for whom he acts: the doors that views stand behind.

A person may belong to several accounts and sellers; the one in use is kept in the session and switched in the top
bar. A visitor who is not logged in is sent to log in and comes back; a page of a side that he does not belong to is
a 404, so that nothing tells what exists.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.actor import Actor, Party
from accounts.models import Account, Membership, Seller, SellerMember, User
from accounts.permissions import Permission, require
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.web.address import client_address
from koogallery.kernel.web.request_lines import acting

ACCOUNT_KEY = "acting_for_account"
SELLER_KEY = "acting_for_seller"

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def _memberships() -> QuerySet[Membership]:
    return Membership.objects.filter(user=Param("user")).select_related("account", "account__reseller")


def _sellers() -> QuerySet[SellerMember]:
    return SellerMember.objects.filter(user=Param("user")).select_related("seller")


_MEMBERSHIP = Compiled(lambda: _memberships().filter(account=Param("account")))
_OLDEST_MEMBERSHIP = Compiled(lambda: _memberships().order_by("id")[:1])
_SELLER = Compiled(lambda: _sellers().filter(seller=Param("seller")))
_OLDEST_SELLER = Compiled(lambda: _sellers().order_by("id")[:1])


class BuyerRequest(HttpRequest):
    """A request that passed `buyer_required`."""

    user: User
    account: Account
    membership: Membership
    actor: Actor


class SellerRequest(HttpRequest):
    """A request that passed `seller_required`."""

    user: User
    seller: Seller
    actor: Actor


def membership_of(request: HttpRequest) -> Membership | None:
    """The membership in the account that the visitor acts for; his oldest one unless he switched. Cached."""
    if not hasattr(request, "_membership"):
        found = None
        if request.user.is_authenticated:
            user, chosen = request.user.pk, request.session.get(ACCOUNT_KEY)
            found = _MEMBERSHIP.first(user=user, account=chosen) if chosen else None
            if found is None and hasattr(request.user, "oldest_membership"):
                found = request.user.oldest_membership
            elif found is None:
                found = _OLDEST_MEMBERSHIP.first(user=user)
        request._membership = found  # type: ignore[attr-defined]
    return cast(Membership | None, request._membership)  # type: ignore[attr-defined]


def seller_of(request: HttpRequest) -> Seller | None:
    """The seller that the visitor works for; the oldest unless he switched. Cached."""
    if not hasattr(request, "_seller"):
        found = None
        if request.user.is_authenticated:
            user, chosen = request.user.pk, request.session.get(SELLER_KEY)
            member = _SELLER.first(user=user, seller=chosen) if chosen else None
            member = member or _OLDEST_SELLER.first(user=user)
            found = member.seller if member else None
        request._seller = found  # type: ignore[attr-defined]
    return cast(Seller | None, request._seller)  # type: ignore[attr-defined]


def buyer_actor(user: User, membership: Membership, *, address: str = "", key_id: int | None = None) -> Actor:
    """A person, or his key, acting for a buying account."""
    return Actor(
        party=Party.BUYER,
        label=user.get_full_name(),
        user_id=user.pk,
        account_id=membership.account_id,
        role=membership.role,
        key_id=key_id,
        address=address,
    )


def seller_actor(user: User, seller: Seller, *, address: str = "", key_id: int | None = None) -> Actor:
    """A person, or his key, acting for a seller."""
    return Actor(
        party=Party.SELLER,
        label=f"{seller.name}, {user.get_full_name()}",
        user_id=user.pk,
        seller_id=seller.pk,
        role="seller",
        key_id=key_id,
        address=address,
    )


def operator_actor(user: User, *, address: str = "") -> Actor:
    """A member of the operations staff."""
    return Actor(party=Party.OPERATIONS, label=user.get_full_name(), user_id=user.pk, role="operator", address=address)


def login_required(view: View) -> View:
    """Only for people who are logged in; others log in and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(_come_back_to(request))
        acting(user_id=request.user.pk)
        return view(request, *args, **kwargs)

    return cast(View, guarded)


def buyer_required(permission: Permission = Permission.READ) -> Callable[[View], View]:
    """Only for members of a buying account whose role allows `permission`; sets account, membership, actor.

    Raises:
        Http404: logged in, but member of no account.
        PermissionRefused: the role does not allow it; names the roles that do.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(_come_back_to(request))
            membership = membership_of(request)
            if membership is None:
                raise Http404
            buyer = cast(BuyerRequest, request)
            buyer.membership, buyer.account = membership, membership.account
            buyer.actor = buyer_actor(request.user, membership, address=client_address(request))
            acting(user_id=request.user.pk, account_id=membership.account_id)
            require(buyer.actor, permission)
            return view(buyer, *args, **kwargs)

        return cast(View, guarded)

    return decorate


def seller_required(view: View) -> View:
    """Only for members of a seller; sets seller and actor.

    Raises:
        Http404: logged in, but member of no seller.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(_come_back_to(request))
        seller = seller_of(request)
        if seller is None:
            raise Http404
        selling = cast(SellerRequest, request)
        selling.seller = seller
        selling.actor = seller_actor(request.user, seller, address=client_address(request))
        acting(user_id=request.user.pk, seller_id=seller.pk)
        return view(selling, *args, **kwargs)

    return cast(View, guarded)


def _come_back_to(request: HttpRequest) -> str:
    """Where logging in leads: the page itself, or its referrer's place for a form that was sent."""
    return request.get_full_path() if request.method in ("GET", "HEAD") else "/"
