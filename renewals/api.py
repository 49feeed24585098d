"""REST: subscriptions, which Purchased Apps lists (API.md)."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView, SellerAPIView
from catalog.choices import DeliveryMethod
from koogallery.kernel.api.input import StrictSerializer
from koogallery.kernel.api.output import NewestFirst
from orders import ports
from orders.models import Subscription
from orders.ports import ApplicationInformation
from renewals import services
from renewals.choices import RenewalMode
from renewals.models import RenewalPlan


class ApplicationSerializer(serializers.Serializer[Any]):
    """What the buyer of SaaS logs in with, without the password."""

    username = serializers.CharField()
    frontend_url = serializers.CharField()
    management_url = serializers.CharField(allow_null=True)
    guide_url = serializers.CharField(allow_null=True)


class SubscriptionSerializer(serializers.Serializer[Any]):
    """A purchased app."""

    id = serializers.CharField(source="public_id")
    order = serializers.CharField(source="line.order.number")
    product = serializers.CharField(source="product.slug")
    product_name = serializers.CharField(source="product.name")
    specification = serializers.IntegerField(source="specification_id", allow_null=True)
    specification_name = serializers.CharField(source="line.specification_name")
    delivery_method = serializers.CharField()
    billing_mode = serializers.CharField()
    status = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True)
    retention_until = serializers.DateTimeField(allow_null=True)
    auto_renewal = serializers.SerializerMethodField()
    attributes = serializers.JSONField()
    quantity = serializers.IntegerField()
    application = serializers.SerializerMethodField()

    def get_auto_renewal(self, app: Subscription) -> dict[str, Any]:
        plan: RenewalPlan | None = self.context["plans"].get(app.pk)
        enabled = bool(plan and plan.mode == RenewalMode.AUTO)
        return {
            "supported": app.product.auto_renewal_supported,
            "enabled": enabled,
            "period": {"value": plan.period_value, "unit": plan.period_unit} if plan else None,
            "count": plan.count if plan else None,
            "deduction_days": plan.deduction_days if plan else None,
            "mode": plan.mode if plan else RenewalMode.MANUAL.value,
            "next_deduction_at": plan.deduct_at.isoformat() if plan and plan.deduct_at else None,
        }

    @extend_schema_field(ApplicationSerializer(allow_null=True))
    def get_application(self, app: Subscription) -> dict[str, str | None] | None:
        """What reached the buyer; the password is `reveal-password/`."""
        found: ApplicationInformation | None = self.context["applications"].get(app.pk)
        if found is None:
            return None
        return {
            "username": found.username,
            "frontend_url": found.frontend_url,
            "management_url": found.management_url or None,
            "guide_url": app.product.guide_url or None,
        }


def as_json(apps: list[Subscription]) -> list[dict[str, Any]]:
    """Subscription objects of API.md, with one query for all renewal plans and one for application information."""
    plans = {plan.subscription_id: plan for plan in RenewalPlan.objects.filter(subscription__in=apps)}
    saas = [app for app in apps if app.delivery_method == DeliveryMethod.SAAS]
    applications = ports.applications().shown(saas) if saas else {}
    context = {"plans": plans, "applications": applications}
    return SubscriptionSerializer(apps, many=True, context=context).data  # type: ignore[return-value]


class SubscriptionList(BuyerAPIView):
    """What Purchased Apps lists."""

    @extend_schema(operation_id="subscriptions_list", responses=SubscriptionSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Subscription.objects.for_account(self.account).in_purchased_apps().with_table_columns()
        return pages.get_paginated_response(as_json(pages.paginate_queryset(rows, request, self)))


class SubscriptionDetail(BuyerAPIView):
    """One subscription, also before Purchased Apps lists it."""

    @extend_schema(operation_id="subscriptions_retrieve", responses=SubscriptionSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        rows = Subscription.objects.for_account(self.account).with_table_columns()
        app = rows.filter(public_id=public_id).first()
        if app is None:
            raise Http404
        return Response(as_json([app])[0])


class NoInput(StrictSerializer):
    """The body is empty."""


class CredentialsSerializer(serializers.Serializer[Any]):
    """What the buyer logs in with; `memo` is there where the seller's server had more to say."""

    username = serializers.CharField()
    password = serializers.CharField()
    memo = serializers.CharField(required=False)


class SubscriptionPassword(BuyerAPIView):
    """Shows the password and records who has seen it. No idempotency key: an answer that is kept would be a leak."""

    @extend_schema(operation_id="subscriptions_reveal_password", request=NoInput, responses=CredentialsSerializer)
    def post(self, request: Request, public_id: str) -> Response:
        rows = Subscription.objects.for_account(self.account).with_table_columns()
        app = rows.filter(public_id=public_id).first()
        if app is None:
            raise Http404
        require(self.actor, Permission.REVEAL)
        NoInput(data=request.data).is_valid(raise_exception=True)
        found = services.reveal_password(app, by=self.actor)
        response = Response(
            {"username": found.username, "password": found.password} | ({"memo": found.memo} if found.memo else {})
        )
        response["Cache-Control"] = "no-store"
        return response


class SellerSubscriptionList(SellerAPIView):
    """What runs of the seller's products."""

    @extend_schema(operation_id="seller_subscriptions_list", responses=SubscriptionSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Subscription.objects.for_seller(self.seller).with_table_columns()
        return pages.get_paginated_response(as_json(pages.paginate_queryset(rows, request, self)))
