"""What every template may print of the site and the visitor's look."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from koogallery.kernel import clock
from koogallery.kernel.web.formats import zone_label

THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Site:
    """Names and units of this installation, in the visitor's zone."""

    cloud_name: str
    currency: str
    time_zone_label: str
    requirements_email: str


def site(request: HttpRequest) -> dict[str, object]:
    """`site` and `theme`; the theme is the cookie's, so that the server prints it without a flash."""
    theme = request.COOKIES.get("theme", "")
    return {
        "site": Site(
            cloud_name=settings.SITE_CLOUD_NAME,
            currency=settings.SITE_CURRENCY,
            time_zone_label=zone_label(timezone.localtime(clock.now())),
            requirements_email=settings.SITE_REQUIREMENTS_EMAIL,
        ),
        "theme": theme if theme in THEMES else "",
    }
