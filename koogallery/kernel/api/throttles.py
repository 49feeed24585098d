"""Requests a minute, by key and by address, for `/api/v1/` alone (API.md). Fails open: a cache that is down slows nobody."""

import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from koogallery.kernel.web.address import client_address

log = structlog.get_logger(__name__)

MINUTE = 60


def over_limit(name: str, limit: int, *, seconds: int = MINUTE) -> float | None:
    """Count one event; how long to wait when there were more than `limit` in this window, else None.

    Windows are fixed and follow the machine's real time.
    """
    now = time.time()
    window = int(now // seconds)
    key = f"throttle:{name}:{window}"
    try:
        count = _counted(key, seconds * 2)
    except Exception as error:
        log.warning("throttle_cache_down", error=type(error).__name__)
        return None
    return None if count <= limit else (window + 1) * seconds - now


def _counted(key: str, timeout: int) -> int:
    # A window's first event makes its counter, and two may be the first.
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1 if cache.add(key, 1, timeout=timeout) else int(cache.incr(key))


class _Minute(BaseThrottle):
    _wait: float | None = None

    def wait(self) -> float | None:
        return self._wait

    def _allow(self, name: str, limit: int) -> bool:
        self._wait = over_limit(name, limit)
        return self._wait is None


class KeyThrottle(_Minute):
    """By API key."""

    def allow_request(self, request: Request, view: Any) -> bool:
        key = getattr(request.auth, "pk", None)
        return key is None or self._allow(f"key:{key}", settings.API_REQUESTS_PER_MINUTE_PER_KEY)


class AddressThrottle(_Minute):
    """By client address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return self._allow(f"address:{client_address(request)}", settings.API_REQUESTS_PER_MINUTE_PER_ADDRESS)
