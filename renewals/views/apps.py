"""My KooGallery > Purchased Apps and a resource's details (guide 3.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.actor import Party
from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import BillingMode, DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.csv_export import csv_file
from koogallery.kernel.web.formats import rest_text
from koogallery.kernel.web.parts import Link
from orders import ports
from orders.choices import SubscriptionStatus
from orders.models import ENDS_SOON, Order, Subscription, SubscriptionQuerySet
from orders.services import renewal_refusal, upgradable, upgrade_refusal, waiting_orders
from renewals.models import RenewalPlan
from renewals.views.renewals import offers_of
from renewals.views.upgrade import current_configuration
from supervision.models import ServiceFlow

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One app of the list, and what its row offers; `waiting` is the unpaid order for which it is not renewed now."""

    app: Subscription
    is_ending: bool
    upgradable: bool
    renewable: bool
    waiting: Order | None


def _listed(apps: list[Subscription]) -> list[Row]:
    """The rows of a page, in three queries however many there are."""
    waiting, may_be_upgraded = waiting_orders(apps), upgradable(apps, at=clock.now())
    return [
        Row(
            app,
            is_ending=_is_ending(app),
            upgradable=app.pk in may_be_upgraded,
            renewable=renewal_refusal(app, waiting=waiting.get(app.pk)) is None,
            waiting=waiting.get(app.pk),
        )
        for app in apps
    ]


@require_safe
@buyer_required()
def app_list(request: BuyerRequest) -> HttpResponseBase:
    """`/my/apps/`: what the account has bought, newest first; `?export=csv` as a file."""
    status = request.GET.get("status", "")
    mine = Subscription.objects.for_account(request.account).in_purchased_apps()
    rows = mine.filter(status=status) if status in SubscriptionStatus.values else mine
    rows = rows.order_by("-created_at", "-id")
    if request.GET.get("export") == "csv":
        return csv_file(_cells(rows), "purchased-apps.csv")
    shown = ports.deployments().with_server_names(rows.with_table_columns())
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = _listed(list(page.object_list))
    tabs = [Link(_("All"), "?", current=status not in SubscriptionStatus.values)]
    tabs += [Link(one.label, f"?status={one.value}", current=status == one.value) for one in SubscriptionStatus]
    context = {
        "page": page,
        "tabs": tabs,
        "filtered": status in SubscriptionStatus.values,
        "export": f"?{urlencode({'status': status, 'export': 'csv'})}",
        "labels": {mode.value: mode.guide_label for mode in BillingMode},
        "may_renew": may(request.membership.role, Permission.RENEW),
        "may_pay": may(request.membership.role, Permission.PAY),
        "under_supervision": ServiceFlow.objects.for_account(request.account).waiting_for(Party.BUYER).count(),
    }
    return render(request, "renewals/app_list.html", context)


# What the file prints, and nothing of the long texts beside it.
EXPORTED = (
    "public_id", "delivery_method", "status", "billing_mode", "starts_at", "expires_at",
    "product__name", "product__seller__name", "line__product_name", "line__specification_name", "line__order__number",
    "renewal_plan__mode",
)  # fmt: skip


def _cells(apps: SubscriptionQuerySet) -> Iterator[list[str]]:
    """All apps as rows of a file, read while they are sent."""
    yield [
        "resource", "product", "specification", "seller", "delivery_method", "status", "billing_mode",
        "order", "starts", "expires", "auto_renewal",
    ]  # fmt: skip
    rows = apps.select_related("product__seller", "line__order", "renewal_plan").only(*EXPORTED)
    for one in rows.iterator(chunk_size=2000):
        plan: RenewalPlan | None = getattr(one, "renewal_plan", None)
        yield [
            one.public_id,
            csv_cell(one.name),
            csv_cell(one.line.specification_name),
            csv_cell(one.product.seller.name),
            one.delivery_method,
            one.status,
            one.billing_mode,
            one.line.order.number,
            one.starts_at.isoformat() if one.starts_at else "",
            one.expires_at.isoformat() if one.expires_at else "",
            "yes" if plan is not None and plan.is_auto else "no",
        ]


def _is_ending(app: Subscription) -> bool:
    """Runs, and expires within 30 days (UX 3.4)."""
    return app.status == SubscriptionStatus.ENABLED and bool(
        app.expires_at and app.expires_at - clock.now() < ENDS_SOON
    )


def _auto_renewal_help(app: Subscription) -> str:
    """What auto-renewal is, or why this app has none (guide 3.3, 6.2.1)."""
    if not app.has_term:
        return _("Auto-renewal applies to yearly/monthly subscriptions. This one has no term that could end.")
    if not app.product.auto_renewal_supported:
        return _(
            "Not supported: auto-renewal applies to yearly/monthly subscriptions to licenses and professional services. SaaS "
            "products and images, and what its seller sells without it, expire unless you renew them by hand."
        )
    return _(
        "With auto-renewal, the system automatically renews your product before the product expires, at the price of that day. "
        "Without it the product expires unless you renew it."
    )


@require_safe
@buyer_required()
def app_detail(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/my/apps/<id>/`: Application, Basic and Seller Information, as the guide shows them (3.3).

    Before the flow of supervised SaaS is complete its application information is on the flow's page (RULES 1.1).
    """
    mine = Subscription.objects.for_account(request.account).with_table_columns().select_related("renewal_plan")
    named = ports.deployments().with_server_names(mine.prefetch_related("specification__attributes"))
    app: Subscription = get_object_or_404(named, public_id=public_id)
    now, order = clock.now(), app.line.order
    # An app is of its order's product, for which the delivery asks.
    order.product = app.product
    remaining = rest_text(app.expires_at - now) if app.expires_at and app.expires_at > now else ""
    plan: RenewalPlan = getattr(app, "renewal_plan", None) or RenewalPlan(subscription=app)
    waiting = waiting_orders([app]).get(app.pk)
    may_renew = may(request.actor.role, Permission.RENEW)
    offers = offers_of(plan, app, request.account, at=now) if may_renew else None
    term = (app.expires_at - app.starts_at) if app.expires_at and app.starts_at else None
    used = (now - app.starts_at) if app.starts_at else None
    context = {
        "app": app,
        "order": order,
        "product": app.product,
        "billing_label": BillingMode(app.billing_mode).guide_label,
        "remaining": remaining,
        "plan": plan,
        "waiting": waiting,
        "renewable": may_renew and renewal_refusal(app, waiting=waiting) is None,
        "may_renew": may_renew,
        "offers": offers,
        "auto_renewal": plan.is_auto,
        "auto_renewal_supported": app.product.auto_renewal_supported,
        "auto_renewal_help": _auto_renewal_help(app),
        "used_percent": max(0, min(100, round(100 * (used / term)))) if term and used else None,
        "chosen": current_configuration(app),
        "may_upgrade": app.delivery_method == DeliveryMethod.SAAS and upgrade_refusal(app, at=now) is None,
        "delivery": ports.delivery_summaries([order]).get(order.pk),
        "has_application": app.delivery_method == DeliveryMethod.SAAS and app.listed_at is not None,
        "application": ports.applications().shown([app]).get(app.pk) if app.listed_at else None,
        "may_reveal": may(request.actor.role, Permission.REVEAL),
    }
    return render(request, "renewals/app_detail.html", context)
