"""What every page request passes: clean addresses, a request id, the visitor's zone, refusals in words."""

import secrets
import zoneinfo
from collections.abc import Callable
from functools import cache
from urllib.parse import unquote_to_bytes, urlsplit

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_fsm import TransitionNotAllowed

from koogallery.kernel.errors import DomainError, InvalidTransition

Respond = Callable[[HttpRequest], HttpResponse]

REQUEST_ID_BYTES = 6


def is_api(request: HttpRequest) -> bool:
    """Whether the request is a program's: those get problem documents from the API's own handler."""
    return request.path.startswith("/api/")


def request_ids(get_response: Respond) -> Respond:
    """Give every request an id: in its log lines, in the answer, and on the error page for support."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(REQUEST_ID_BYTES)  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            response = get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    return middleware


def clean_addresses(get_response: Respond) -> Respond:
    """Refuse an address or form with NUL or broken UTF-8 with a clear page, before it reaches a query."""

    def is_clean(raw: str) -> bool:
        data = unquote_to_bytes(raw)
        if b"\x00" in data:
            return False
        try:
            data.decode()
        except UnicodeDecodeError:
            return False
        return True

    def middleware(request: HttpRequest) -> HttpResponse:
        if not (is_clean(request.META.get("QUERY_STRING", "")) and "\x00" not in request.path):
            raise SuspiciousOperation("The address has characters that cannot be read.")
        try:
            request.path.encode()
        except UnicodeEncodeError:
            raise SuspiciousOperation("The address has characters that cannot be read.") from None
        return get_response(request)

    return middleware


def visitor_zone(get_response: Respond) -> Respond:
    """Print times in the person's zone, else in the site's; programs get UTC (API.md)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_api(request):
            return get_response(request)
        name = request.COOKIES.get("zone", "")
        try:
            zone = zoneinfo.ZoneInfo(name) if name else zoneinfo.ZoneInfo(settings.SITE_TIME_ZONE)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            zone = zoneinfo.ZoneInfo(settings.SITE_TIME_ZONE)
        with timezone.override(zone):
            return get_response(request)

    return middleware


class PolicyMiddleware(CSPMiddleware):
    """The content security policy; it is put together once, and anew only where a view changes it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        changed = any(name.startswith("_csp") for name in response.__dict__) or HEADER in response
        # With DEBUG its pages of faults have none, else they would not work.
        if changed or settings.DEBUG:
            return super().process_response(request, response)
        response[HEADER] = _policy()
        return response


@cache
def _policy() -> str:
    return str(build_policy())


class RefusalMiddleware:
    """Turns a `DomainError` that a view did not handle into a message or a page.

    A form that was sent leads back to the page that it came from, with the refusal above it; a page that was asked
    for becomes an error page with the right status. Nothing was changed either way: services refuse before they write.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, *_arguments: object) -> None:
        """Refuse a form with NUL, which no query can take. Reads no form that was not read already: it comes after the
        check of the form's token, which a view without one goes without."""
        if request.method == "POST" and not is_api(request) and not getattr(view, "csrf_exempt", False):
            for name, values in request.POST.lists():
                if "\x00" in name or any("\x00" in value for value in values):
                    raise SuspiciousOperation("The form has characters that cannot be read.")

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, TransitionNotAllowed):
            error = InvalidTransition()
        if not isinstance(error, DomainError) or is_api(request):
            return None
        back = self._came_from(request)
        if request.method == "POST" and back and error.status not in (403, 404):
            messages.error(request, error.message)
            return redirect(back)
        return error_page(request, int(error.status), error.message)

    def _came_from(self, request: HttpRequest) -> str:
        """The page of this site that the form stood on, or nothing."""
        referer = request.META.get("HTTP_REFERER", "")
        if not url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
            return ""
        parts = urlsplit(referer)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def error_page(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """An error page in the house's frame."""
    context = {
        "status": status,
        "message": detail,
        "reference": getattr(request, "request_id", ""),
    }
    return render(request, "errors/error.html", context, status=status)
