"""Help, learning, selling; the forms to operations and to sellers."""

from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.web import membership_of
from catalog.models import Product
from catalog.seo.meta import PageMeta, absolute, site_card
from koogallery.kernel.errors import Throttled
from koogallery.kernel.web.address import client_address
from koogallery.kernel.web.page_cache import visitors_page
from support import faq, learning, services
from support.forms import EnquiryForm, RequirementForm
from support.models import Requirement, SalesEnquiry, Ticket

LONGEST_TEXT = 200


def _meta(request: HttpRequest, title: str, description: str) -> PageMeta:
    return PageMeta(title, description, absolute(request.path), site_card(), indexed=not request.GET)


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _known(request: HttpRequest) -> dict[str, Any]:
    """What a logged-in person need not type again."""
    user = _user(request)
    if user is None:
        return {}
    membership = membership_of(request)
    return {"contact": user.full_name, "email": user.email, "company": membership.account.name if membership else ""}


@require_http_methods(["GET", "HEAD", "POST"])
def requirement(request: HttpRequest) -> HttpResponse:
    """`/requirements/new/`: "Tell us what you need" (guide 9.9)."""
    if request.method != "POST":
        initial = {**_known(request), "searched": request.GET.get("q", "")[:LONGEST_TEXT]}
        return _requirement_form(request, RequirementForm(initial=initial))
    form = RequirementForm(request.POST)
    if not form.is_valid():
        return _requirement_form(request, form, 422)
    if form.is_sent_by_a_program:
        return redirect("support:requirement")
    try:
        sent = services.submit_requirement(
            form.save(commit=False),
            user=_user(request),
            membership=membership_of(request),
            address=client_address(request),
        )
    except Throttled as refused:
        form.add_error(None, refused.message)
        return _requirement_form(request, form, 429)
    return redirect("support:requirement_sent", sent.reference)


def _requirement_form(request: HttpRequest, form: RequirementForm, status: int = 200) -> HttpResponse:
    return render(request, "support/requirement.html", {"form": form}, status=status)


@require_safe
def requirement_sent(request: HttpRequest, reference: str) -> HttpResponse:
    """`/requirements/<reference>/`: what happens next. The reference cannot be guessed and nothing else is shown."""
    requirement = get_object_or_404(Requirement, reference=reference)
    membership = membership_of(request) if _user(request) else None
    own = Ticket.objects.for_account(membership.account) if membership else Ticket.objects.none()
    context = {
        "reference": reference,
        "subject": "[KooGallery] [Requirements] [Contact]",
        "ticket": own.filter(requirement=requirement).first(),
    }
    return render(request, "support/requirement_sent.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def contact_sales(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/contact/`: a question to the seller before buying."""
    product = get_object_or_404(Product.objects.reachable().select_related("seller"), slug=slug)
    form = EnquiryForm(request.POST) if request.method == "POST" else EnquiryForm(initial=_known(request))
    status = 200
    if request.method == "POST" and form.is_valid():
        if form.is_sent_by_a_program:
            return redirect(product)
        try:
            enquiry = services.ask_seller(
                form.save(commit=False),
                product=product,
                user=_user(request),
                membership=membership_of(request),
                address=client_address(request),
            )
            return redirect("support:contact_sent", product.slug, enquiry.reference)
        except Throttled as refused:
            form.add_error(None, refused.message)
            status = 429
    elif request.method == "POST":
        status = 422
    return render(request, "support/contact_sales.html", {"form": form, "product": product}, status=status)


@require_safe
def contact_sent(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """`/products/<slug>/contact/<reference>/`: the question has been sent."""
    rows = SalesEnquiry.objects.select_related("product", "seller")
    enquiry = get_object_or_404(rows, reference=reference, product__slug=slug)
    return render(request, "support/contact_sent.html", {"enquiry": enquiry})


@require_safe
@visitors_page
def help_page(request: HttpRequest) -> HttpResponse:
    """`/help/`: the questions of the guide's chapter 9."""
    context = {
        "questions": faq.questions(settings.SITE_CLOUD_NAME, settings.SITE_REQUIREMENTS_EMAIL),
        "meta": _meta(request, _("Support"), _("Answers on buying, renewing, invoices, and who to ask.")),
    }
    return render(request, "support/help.html", context)


@require_safe
@visitors_page
def learning_center(request: HttpRequest) -> HttpResponse:
    """`/learn/`: the articles by topic, narrowed by a search."""
    text = request.GET.get("q", "")[:LONGEST_TEXT]
    found = sorted(learning.found(text), key=lambda one: one.topic)
    context = {
        "topics": [(topic, list(group)) for topic, group in groupby(found, key=lambda one: one.topic)],
        "text": text,
        "meta": _meta(request, _("Seller Learning Center"), _("How to sell: listing, delivery, appeals, settlement.")),
    }
    return render(request, "support/learning.html", context)


@require_safe
@visitors_page
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """`/learn/<slug>/`: an article."""
    found = next((one for one in learning.articles() if one.slug == slug), None)
    if found is None:
        raise Http404
    context = {"article": found, "meta": _meta(request, found.title, found.summary)}
    return render(request, "support/article.html", context)


@require_safe
@visitors_page
def sell(request: HttpRequest) -> HttpResponse:
    """`/sell/`: why and how to sell here."""
    context = {
        "apply_url": f"{reverse('support:requirement')}?q=seller+application",
        "meta": _meta(request, _("Sell in KooGallery"), _("Reach companies that buy software for their cloud.")),
    }
    return render(request, "support/sell.html", context)
