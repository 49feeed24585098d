"""My KooGallery > Messages."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.web import login_required
from koogallery.kernel import clock
from notifications.models import Message
from notifications.services import mark_read

PAGE_SIZE = 20


@require_safe
@login_required
def message_list(request: HttpRequest) -> HttpResponse:
    """`/my/messages/`: newest first; each leads to the page to act on."""
    assert request.user.is_authenticated
    rows = Message.objects.for_user(request.user).select_related("account", "seller").order_by("-at", "-id")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notifications/messages.html", {"page": page})


@require_POST
@login_required
def read(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Mark one as read and go to its page, or all of them."""
    assert request.user.is_authenticated
    message = get_object_or_404(Message.objects.for_user(request.user), pk=pk) if pk else None
    mark_read(request.user, pk, at=clock.now())
    return redirect(message.url if message else "notifications:messages")
