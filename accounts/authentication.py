"""`Authorization: Token KEY`: a program that acts for one buying account or one seller (API.md)."""

from datetime import timedelta
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, User, hash_key
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param

KEYWORD = "Token"
LONGEST_KEY = 200
USE_NOTED_EVERY = timedelta(minutes=1)

# Every call of a program begins with this read.
_BY_HASH = Compiled(
    lambda: (
        ApiKey.objects.usable()
        .filter(key_hash=Param("key_hash"))
        .select_related("user", "account", "account__reseller", "seller")
    )
)


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key by its hash; a revoked key, or one of somebody who is no member any more, opens nothing."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != KEYWORD.lower().encode() or len(parts[1]) > LONGEST_KEY:
            raise AuthenticationFailed("Send the header Authorization: Token KEY.")
        secret = parts[1].decode("ascii", errors="replace")
        key = _BY_HASH.first(key_hash=hash_key(secret))
        if key is None:
            raise AuthenticationFailed("There is no such key, or it was revoked.")
        now = clock.now()
        if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class ApiKeyScheme(OpenApiAuthenticationExtension):
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
