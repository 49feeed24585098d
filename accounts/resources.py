"""The bases of REST resources: one for a buying account, one for a seller."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.models import Account, ApiKey, Membership, Seller
from accounts.web import buyer_actor, seller_actor
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import PermissionRefused
from koogallery.kernel.web.address import client_address
from koogallery.kernel.web.request_lines import acting

_MEMBERSHIP = Compiled(lambda: Membership.objects.filter(user=Param("user"), account=Param("account")))


class BuyerAPIView(APIView):
    """A resource of a buying account: `account` and `actor` are set before the method runs."""

    account: Account
    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = _key(request)
        if key.account is None:
            raise PermissionRefused("This key acts for a seller; a buying account's key is needed.")
        membership = _MEMBERSHIP.get(user=key.user_id, account=key.account_id)
        self.account = key.account
        self.actor = buyer_actor(key.user, membership, address=client_address(request), key_id=key.pk)
        acting(user_id=key.user_id, account_id=key.account_id)

    def idempotency_scope(self, request: Request) -> str:
        return f"account:{self.account.pk}"


class SellerAPIView(APIView):
    """A resource of a seller: `seller` and `actor` are set before the method runs."""

    seller: Seller
    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = _key(request)
        if key.seller is None:
            raise PermissionRefused("This key acts for a buying account; a seller's key is needed.")
        self.seller = key.seller
        self.actor = seller_actor(key.user, key.seller, address=client_address(request), key_id=key.pk)
        acting(user_id=key.user_id, seller_id=key.seller_id)

    def idempotency_scope(self, request: Request) -> str:
        return f"seller:{self.seller.pk}"


def _key(request: Request) -> ApiKey:
    if not isinstance(request.auth, ApiKey):
        raise NotAuthenticated
    return request.auth
