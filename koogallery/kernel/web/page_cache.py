"""Whole pages of visitors who are not logged in, kept in the memory of the web process.

A view says by `@visitors_page` that its page is the same for every such visitor. The page is kept for
`PAGE_CACHE_SECONDS` at most and no longer than what it shows is true: `PAGE_CACHE_KNOWLEDGE` names who tells, within a
second, that something has changed. Nobody's session is ever looked at: a request with a session cookie passes by, and
an answer that sets a cookie is not kept. No server is asked, so nothing here can be down.
"""

import functools
import gzip
import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cachetools import LRUCache
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.module_loading import import_string
from django.utils.translation import get_language_from_request

Respond = Callable[[HttpRequest], HttpResponse]

LONGEST_ADDRESS = 1_000
# Without anybody who tells of changes a page is kept only so long.
UNTOLD_SECONDS = 2.0
# Cookies that change how a page looks; all others change nothing on a visitor's page.
LOOKS = ("theme", "zone", "currency")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the shop's state.

    Attributes:
        shop: another number means that every page may have changed.
        anything: rises with every change.
        changed: for subjects that changed of late, the number (`anything`) of the change.
        fresh: whether this is at most some seconds old.
    """

    shop: int = 0
    anything: int = 0
    changed: dict[int, int] = field(default_factory=dict)
    fresh: bool = False


class Knowledge(Protocol):
    """Who tells of changes."""

    def __call__(self) -> Known: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it was sent: compressed, with its headers, and what it depends on."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    status: int
    etag: str
    made_at: float
    shop: int
    anything: int
    subjects: frozenset[int] | None

    def holds(self, known: Known) -> bool:
        """Whether the page is still true."""
        age = time.monotonic() - self.made_at
        if not known.fresh:
            return age < min(UNTOLD_SECONDS, settings.PAGE_CACHE_SECONDS)
        if age >= settings.PAGE_CACHE_SECONDS or known.shop != self.shop:
            return False
        if self.subjects is None:
            return known.anything == self.anything
        return all(known.changed.get(subject, 0) <= self.anything for subject in self.subjects)


_pages: LRUCache[tuple[object, ...], Kept] = LRUCache(
    settings.PAGE_CACHE_BYTES, getsizeof=lambda kept: len(kept.body) + 2_000
)
_lock = threading.Lock()


def clear() -> None:
    """Forget every page of this process."""
    with _lock:
        _pages.clear()


def visitors_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Declare that the view's page is the same for all visitors who are not logged in.

    A page that depends on certain products only says so by `about(response, ids)`.
    """

    @functools.wraps(view)
    def shown(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.visitors_page = True  # type: ignore[attr-defined]
        return response

    return shown


def about(response: HttpResponse, products: Iterable[int]) -> HttpResponse:
    """Say that the page changes only when one of these products does, or the whole shop."""
    response.about_products = frozenset(products)  # type: ignore[attr-defined]
    return response


class PageCacheMiddleware:
    """Answers visitors from memory, in front of sessions and views; sends ETags, and 304 to who has the page."""

    def __init__(self, get_response: Respond) -> None:
        self._get_response = get_response
        self._knowledge: Knowledge = import_string(settings.PAGE_CACHE_KNOWLEDGE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = self._key(request)
        if key is None:
            return self._get_response(request)
        known = self._known_now()
        with _lock:
            kept = _pages.get(key)
        if kept is not None and kept.holds(known):
            return self._answer(request, kept)
        response = self._get_response(request)
        if not getattr(response, "visitors_page", False) or response.streaming or response.cookies:
            return response
        # What was known before the view read anything: a change in between makes the page old at once.
        kept = self._keep(response, known)
        if response.status_code == 200:
            with _lock:
                try:
                    _pages[key] = kept
                except ValueError:  # larger than the whole cache
                    _pages.pop(key, None)
        return self._answer(request, kept)

    def _known_now(self) -> Known:
        return self._knowledge()

    def _key(self, request: HttpRequest) -> tuple[object, ...] | None:
        """What the page may depend on; None for a request that is not for a visitor's page."""
        if request.method not in ("GET", "HEAD") or settings.PAGE_CACHE_SECONDS <= 0:
            return None
        cookies = request.COOKIES
        if settings.SESSION_COOKIE_NAME in cookies or "messages" in cookies or "HTTP_AUTHORIZATION" in request.META:
            return None
        address = request.get_full_path()
        if len(address) > LONGEST_ADDRESS or request.path.startswith(("/api/", "/admin/")):
            return None
        looks = tuple(cookies.get(name, "")[:64] for name in LOOKS)
        return request.scheme, request.get_host(), address, get_language_from_request(request), looks

    def _keep(self, response: HttpResponse, known: Known) -> Kept:
        headers = tuple((name, value) for name, value in response.items() if name.lower() != "content-length")
        return Kept(
            body=gzip.compress(response.content, compresslevel=5, mtime=0),
            headers=headers,
            status=response.status_code,
            etag=f'W/"{hashlib.blake2b(response.content, digest_size=12).hexdigest()}"',
            made_at=time.monotonic(),
            shop=known.shop,
            anything=known.anything,
            subjects=getattr(response, "about_products", None),
        )

    def _answer(self, request: HttpRequest, kept: Kept) -> HttpResponse:
        zipped = "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
        response = HttpResponse(kept.body if zipped else gzip.decompress(kept.body), status=kept.status)
        for name, value in kept.headers:
            response[name] = value
        if zipped:
            response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
        response["ETag"] = kept.etag
        # Any cache may keep it, and asks each time whether it is still true.
        response.setdefault("Cache-Control", "public, max-age=0, must-revalidate")
        patch_vary_headers(response, ["Accept-Encoding", "Accept-Language", "Cookie"])
        if kept.status == 200:
            conditional = get_conditional_response(request, etag=kept.etag, response=response)
            if isinstance(conditional, HttpResponseNotModified):
                return conditional
        return response
