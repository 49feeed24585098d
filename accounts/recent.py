"""Whether a person logged in, or confirmed his password, only a short while ago: what secrets ask for."""

import time
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def recently_logged_in(request: HttpRequest) -> bool:
    """Whether the person behind this session gave his password (or second factor) within the last 15 minutes.

    A log-in counts like a confirmation. Sessions live by the machine's real time (DESIGN: throttles of log-ins).
    """
    records = get_authentication_records(request, request.user)
    newest = max((one.get("at", 0) for one in records), default=0)
    return bool(time.time() - newest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def confirm_access_url(come_back_to: str = "") -> str:
    """The page that asks for the password again, and leads back."""
    address = reverse("account_reauthenticate")
    return f"{address}?{urlencode({'next': come_back_to})}" if come_back_to else address
