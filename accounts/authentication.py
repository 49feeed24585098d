"""`Authorization: Token KEY`: a program that acts for one buying account or one seller (API.md)."""

from datetime import timedelta
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.models import Account, ApiKey, Membership, Seller, User, hash_key
from accounts.web import buyer_actor, seller_actor
from koogallery.kernel import clock
from koogallery.kernel.errors import PermissionRefused
from koogallery.kernel.web.address import client_address

KEYWORD = "Token"
LONGEST_KEY = 200
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key by its hash; a revoked key, or one of somebody who is no member any more, opens nothing."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != KEYWORD.lower().encode() or len(parts[1]) > LONGEST_KEY:
            raise AuthenticationFailed("Send the header Authorization: Token KEY.")
        secret = parts[1].decode("ascii", errors="replace")
        key = (
            ApiKey.objects.usable()
            .filter(key_hash=hash_key(secret))
            .select_related("user", "account", "account__reseller", "seller")
            .first()
        )
        if key is None:
            raise AuthenticationFailed("There is no such key, or it was revoked.")
        now = clock.now()
        if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes it."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token KEY`; keys are made on the account's API Keys page.",
        }


class BuyerAPIView(APIView):
    """A resource of a buying account: `account` and `actor` are set before the method runs."""

    account: Account
    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = _key(request)
        if key.account is None:
            raise PermissionRefused("This key acts for a seller; a buying account's key is needed.")
        membership = Membership.objects.get(user=key.user, account=key.account)
        self.account = key.account
        self.actor = buyer_actor(key.user, membership, address=client_address(request), key_id=key.pk)

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

    def idempotency_scope(self, request: Request) -> str:
        return f"seller:{self.seller.pk}"


def _key(request: Request) -> ApiKey:
    if not isinstance(request.auth, ApiKey):
        raise NotAuthenticated
    return request.auth
