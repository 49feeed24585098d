"""The password of a purchased app (guide 3.3, step 4)."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.revealing import RevealPage, Shown, reveal
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel.web.parts import Link
from orders import ports
from orders.models import Subscription
from renewals import services
from supervision.views.pages import shown_credentials


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.REVEAL)
def reveal_password(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/apps/<id>/reveal/`: asks first; the POST, and the eye by script, shows it."""
    app = get_object_or_404(Subscription.objects.for_account(request.account).with_table_columns(), public_id=public_id)
    if app.pk not in ports.applications().shown([app]):
        raise Http404
    back = app.get_absolute_url()
    page = RevealPage(
        title=_("Password"),
        about=app.name,
        warning=_("It is shown once on the next page. Who has seen it, and when, is recorded."),
        back=back,
        crumbs=[Link(_("Purchased Apps"), reverse("renewals:apps")), Link(_("Details"), back)],
    )

    def show() -> list[Shown]:
        found = services.reveal_password(app, by=request.actor)
        return shown_credentials(found)

    return reveal(request, page, show)
