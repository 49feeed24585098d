"""The look without JavaScript: the theme as a link."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from koogallery.kernel.web.context import THEMES

YEAR_SECONDS = 31_536_000


@require_safe
def theme(request: HttpRequest) -> HttpResponse:
    """`/display/theme/?theme=dark&next=/`: keeps the choice in a cookie and goes back."""
    wanted = request.GET.get("next", "")
    back = wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else "/"
    response = redirect(back)
    if request.GET.get("theme") in THEMES:
        response.set_cookie(
            "theme", request.GET["theme"], max_age=YEAR_SECONDS, samesite="Lax", secure=request.is_secure()
        )
    return response
