"""A secret's own address: asks first, then shows it; by script the eye beside the dots gets it as JSON (UX 4).

def license_key(request, number, round):
    ...
    page = RevealPage(title=_("License key"), about=product.name, back=..., crumbs=[...])
    return reveal(request, page, lambda: [Shown(_("License key"), services.reveal_license_key(...))])
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.recent import confirm_access_url, recently_logged_in
from koogallery.kernel.api.problems import CONTENT_TYPE, problem
from koogallery.kernel.errors import DomainError, Throttled
from koogallery.kernel.web.parts import Link

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of what is shown; the last one is the secret that the eye shows."""

    label: Text
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RevealPage:
    """What the page says around the secret; `crumbs` lead to it, `back` is where the person came from."""

    title: Text
    about: str
    warning: Text
    back: str
    crumbs: list[Link]


class RecentLoginRequired(DomainError):
    code = "recent_login_required"
    status = HTTPStatus.FORBIDDEN
    default_message = "Confirm your password first: you logged in more than 15 minutes ago."


@sensitive_variables()
def reveal(request: HttpRequest, page: RevealPage, show: Callable[[], list[Shown]]) -> HttpResponse:
    """Answer a GET with the question, a POST with the secret. Nobody keeps a copy of the answer.

    `show` is the verb, which records and throttles; refusals go through to who asked, as a page or as a problem.
    """
    by_script = request.headers.get("Accept", "").startswith("application/json")
    shown: list[Shown] = []
    refusal, status = "", 200
    if request.method == "POST":
        recent = recently_logged_in(request)
        if not recent and not by_script:
            return redirect(confirm_access_url(request.path))
        try:
            if not recent:
                raise RecentLoginRequired(extra={"confirm": confirm_access_url()})
            shown = show()
        except DomainError as refused:
            if by_script:
                return _refused(refused)
            if not isinstance(refused, Throttled):
                raise
            refusal, status = refused.message, int(refused.status)
        if by_script:
            return _kept_by_nobody(JsonResponse({"value": shown[-1].value}))
    context = {
        "page": page,
        "shown": shown,
        "refusal": refusal,
        "ask": _("Show %(what)s") % {"what": str(page.title).lower()},
    }
    return _kept_by_nobody(render(request, "accounts/reveal.html", context, status=status))


def _refused(error: DomainError) -> HttpResponse:
    body = problem(int(error.status), error.code, error.message, extra=error.extra)
    response = JsonResponse(body, status=int(error.status), content_type=CONTENT_TYPE)
    if "retry_after" in error.extra:
        response["Retry-After"] = str(error.extra["retry_after"])
    return _kept_by_nobody(response)


def _kept_by_nobody(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
