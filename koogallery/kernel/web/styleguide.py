"""The story page: every component with believable data, for staff and for the tests that look at it.

The people, products and prices below are samples on paper: nothing here is read from or written to the database.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from koogallery.kernel import clock
from koogallery.kernel.errors import NotFound
from koogallery.kernel.money import Money
from koogallery.kernel.web import badges
from koogallery.kernel.web.parts import (
    Chip,
    Choice,
    CostLine,
    Figure,
    FilterGroup,
    Link,
    Mark,
    ProductCard,
    Record,
    Step,
    StoredFile,
)

REQUEST_LIMIT = 1000


class SampleForm(forms.Form):
    """One field of each shape."""

    company = forms.CharField(label=_("Company name"), help_text=_("As it stands on your invoices."), max_length=80)
    email = forms.EmailField(label=_("Email address"))
    seats = forms.IntegerField(label=_("Seats"), min_value=1, max_value=500, required=False)
    region = forms.ChoiceField(label=_("Region"), choices=[("eu", "EU-Dublin"), ("ap", "AP-Singapore")])
    reason = forms.CharField(label=_("Requirement Description"), widget=forms.Textarea, max_length=REQUEST_LIMIT)
    contact = forms.ChoiceField(
        label=_("How should the seller reach you?"),
        choices=[("email", _("By email")), ("phone", _("By phone"))],
        widget=forms.RadioSelect,
    )
    attachment = forms.FileField(label=_("Attachment"), required=False)
    agreed = forms.BooleanField(label=_("I have read and agree to the Terms and Conditions"))


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A row of the sample table."""

    number: str
    customer: str
    product: str
    amount: Money
    created: datetime
    mine: bool = False


def _steps(at: datetime) -> list[Step]:
    return [
        Step(_("Submit request"), "done", _("You"), at - timedelta(days=13)),
        Step(_("Seller confirms request"), "done", "Northwind Digital", at - timedelta(days=12)),
        Step(_("Seller delivers service"), "done", "Northwind Digital", at - timedelta(days=1), _("Round 2")),
        Step(_("Confirm acceptance"), "now", _("You"), at),
        Step(_("Service completed"), "todo", note=_("3 hours after acceptance")),
    ]


def _records(at: datetime) -> list[Record]:
    report = StoredFile("Acceptance-checklist-round-2.pdf", 421_888, "#", "PDF")
    return [
        Record(
            _("Service delivered (round 2)"),
            "Northwind Digital, R. Chandra",
            at - timedelta(days=1),
            "SSO now uses your identity provider. The two missing pipelines were imported and checked.",
            quote=True,
            tone="ok",
            icon="send",
            files=[report],
            from_label=_("Waiting for the seller to deliver the service"),
            to_label=_("Waiting for the user to confirm acceptance"),
        ),
        Record(
            _("Delivery rejected (1 of 3)"),
            _("You"),
            at - timedelta(days=4),
            "Single sign-on fails for users outside the default group, and two sales pipelines are missing.",
            quote=True,
            tone="bad",
            icon="x",
        ),
        Record(
            _("Request confirmed"),
            "Northwind Digital, R. Chandra",
            at - timedelta(days=12),
            tone="wait",
            icon="circle-check",
        ),
        Record(
            _("Request submitted"),
            _("You"),
            at - timedelta(days=13),
            icon="upload",
            files=[StoredFile("pipelines.xlsx", 98_304, "#")],
        ),
        Record(_("Order paid"), _("You"), at - timedelta(days=13, minutes=14), icon="receipt"),
    ]


def _cards() -> list[ProductCard]:
    return [
        ProductCard(
            name="Northwind CRM Enterprise",
            url="#crm",
            tagline="Pipeline, quotes and service desk in one place, with a data model that your admins can extend.",
            version="V4.2",
            delivery_label="SaaS",
            systems_label="Web, iOS, Android",
            seller_name="Northwind Digital Pte. Ltd.",
            seller_url="#northwind",
            badges=[Mark(_("Service supervision"), "ok", "shield-check")],
            price=usd("29.00"),
            unit="user/month",
            starting=True,
        ),
        ProductCard(
            name="Sentra Contract Vault",
            url="#vault",
            tagline="Contract repository with clause search, approval routes and renewal reminders.",
            version="V3.8",
            delivery_label="License",
            systems_label="Windows, Linux",
            seller_name="Sentra Legal Tech B.V.",
            seller_url="#sentra",
            badges=[Mark(_("15% off"), "warn", "discount")],
            price=usd("52.70"),
            unit="month",
            before=usd("62.00"),
        ),
    ]


def _filter_groups() -> list[FilterGroup]:
    business = Link(
        "Business Software", "#business", current=True, count=486, children=[Link("CRM", "#crm-list", count=91)]
    )
    return [
        FilterGroup(_("Categories"), kind="links", links=[Link(_("All Categories"), "#all", count=1284), business]),
        FilterGroup(
            _("Delivery Methods"),
            "delivery_method",
            options=[
                Choice("saas", "SaaS", selected=True, count=183),
                Choice("license", "License", selected=True, count=118),
                Choice("image", "Image", count=61),
                Choice("professional_service", "Professional service", count=0),
            ],
        ),
        FilterGroup(_("Price range"), kind="range", low_name="min_price", high_name="max_price", low="10"),
    ]


def _orders(at: datetime) -> list[OrderRow]:
    return [
        OrderRow(
            "CS261118K4T09WQX", "Alder Health", "Northwind Desk License", usd("900.00"), at - timedelta(days=6), True
        ),
        OrderRow(
            "CS2611207M3DBH2P", "Contoso Retail", "Northwind Rollout Service", usd("4800.00"), at - timedelta(days=4)
        ),
        OrderRow(
            "CS261122Z81RYA5E", "Juniper Foods", "Northwind CRM Enterprise", usd("17400.00"), at - timedelta(days=2)
        ),
    ]


def _page() -> Page[int]:
    return Paginator(range(301), 20).page(3)


def samples(at: datetime) -> dict[str, Any]:
    """The context of the story page, as of `at` (aware)."""
    rejected = SampleForm({"company": "", "email": "mara(at)alder", "region": "eu", "reason": "x" * 12})
    rejected.is_valid()
    return {
        "sample_form": SampleForm(prefix="plain"),
        "rejected_form": rejected,
        "steps": _steps(at),
        "frozen_steps": [
            *_steps(at)[:2],
            Step(_("Seller delivers service"), "frozen", "Northwind Digital", at),
            *_steps(at)[4:],
        ],
        "records": _records(at),
        "files": [
            StoredFile("Acceptance-checklist-round-2.pdf", 421_888, "#"),
            StoredFile("Pipeline-import-report.zip", 1_887_437, "#"),
        ],
        "cards": _cards(),
        "filter_groups": _filter_groups(),
        "chips": [Chip(_("Delivery Methods"), "SaaS", "#"), Chip(_("Delivery Methods"), "License", "#")],
        "pills": [
            Link(_("All"), "#", current=True, count=12),
            Link("SaaS", "#", count=4),
            Link("5G NaaS", "#", count=0),
        ],
        "specifications": [
            Choice("starter", "Starter", "10 users", selected=True),
            Choice("growth", "Growth", "50 users"),
            Choice("scale", "Scale", _("Sold out"), disabled=True),
        ],
        "cost_lines": [CostLine("Growth, 50 users", "$5.00 USD/month x 3 month(s)", usd("15.00"))],
        "five": usd("5.00"),
        "fifteen": usd("15.00"),
        "off": usd("-1.50"),
        "due": usd("13.50"),
        "hourly": usd("0.0136"),
        "large": usd("1234567.5"),
        "orders": _orders(at),
        "page": _page(),
        "figures": [
            Figure(_("Revenue this month"), "$38,400", _("+10.3% from October"), "up"),
            Figure(_("Orders"), "420", _("+6.1% from October"), "up"),
            Figure(_("Median time to deliver"), "2.4 days"),
            Figure(_("Rejected deliveries"), "3.1%", _("+0.4 points, 13 orders"), "down"),
        ],
        "kinds": badges.registered(),
        "at": at,
        "started": at - timedelta(days=28),
        "deadline": at + timedelta(days=337),
        "soon": at + timedelta(minutes=12),
        "pips": [True, False, False],
    }


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """`/styleguide/`, for staff: visitors are asked to log in, everybody else finds nothing here."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not request.user.is_staff:
        raise NotFound
    return render(request, "styleguide/index.html", samples(clock.now()))
