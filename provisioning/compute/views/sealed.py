"""A password between step 3 and Submit of Buy ECS: sealed, in the browser of who typed it, and nowhere here.

The cookie holds a token of SECRETS_KEYS that only we can open; it belongs to one draft and is worth nothing after half an
hour. It is sent back to that draft's pages alone and erased at Submit.
"""

import json
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from koogallery.kernel.secrets import Secret, SecretUnreadable
from orders.models import PurchaseDraft

LIFETIME_SECONDS = 30 * 60


def _name(draft: PurchaseDraft) -> str:
    return f"sealed_{draft.public_id.lower()}"


def _path(draft: PurchaseDraft) -> str:
    return reverse("compute:custom", args=[draft.public_id, "x"])[:-2]


@sensitive_variables()
def seal(response: HttpResponse, draft: PurchaseDraft, password: str) -> None:
    """Give the browser the password to keep."""
    body = json.dumps([draft.public_id, int(time.time()) + LIFETIME_SECONDS, password])
    response.set_cookie(
        _name(draft),
        Secret.of(body).token,
        max_age=LIFETIME_SECONDS,
        path=_path(draft),
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Strict",
    )


@sensitive_variables()
def unseal(request: HttpRequest, draft: PurchaseDraft) -> str:
    """The password that was typed for this draft; empty when there is none any more."""
    try:
        draft_id, until, password = json.loads(Secret(request.COOKIES.get(_name(draft), "")).reveal() or "[]")
    except (SecretUnreadable, ValueError, TypeError):
        return ""
    return str(password) if draft_id == draft.public_id and until >= time.time() else ""


def forget(response: HttpResponse, draft: PurchaseDraft) -> None:
    """It was handed on, or is not wanted any more."""
    response.delete_cookie(_name(draft), path=_path(draft), samesite="Strict")
