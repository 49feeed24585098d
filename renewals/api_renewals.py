"""REST: renewing a subscription, and how it renews (API.md)."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from billing.api import OrderSerializer, with_payments
from billing.api import as_json as orders_as_json
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictBooleanField, StrictIntegerField, StrictSerializer
from koogallery.kernel.errors import InvalidInput
from orders.models import Order, Subscription
from orders.services import RenewalWish, place_renewal, quote_for_renewal, waiting_orders
from pricing.api import DurationField, QuoteSerializer
from pricing.values import Duration
from renewals.api import SubscriptionSerializer, as_json
from renewals.choices import RenewalMode
from renewals.services import PlanWish, change_plan, renewal_day_of
from renewals.services.planning import MOST_RENEWALS

UNITS = {"month": Duration(1, "month"), "year": Duration(1, "year")}


class RenewInput(StrictSerializer):
    """How long, and whether to the account's renewal date."""

    duration = DurationField(required=False, allow_null=True)
    to_renewal_date = StrictBooleanField(required=False, default=False)
    coupon = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)

    def as_wish(self, account: Any) -> RenewalWish:
        data: dict[str, Any] = self.validated_data
        duration = data.get("duration")
        return RenewalWish(
            duration=Duration(duration["value"], duration["unit"]) if duration else None,
            renewal_day=renewal_day_of(account) if data["to_renewal_date"] else 0,
            quote=data.get("quote") or "",
            coupon=data.get("coupon") or "",
        )


class RenewOrderInput(RenewInput):
    """The same, with the quote that was shown."""

    quote = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=4000)


@extend_schema_field({"oneOf": [{"enum": ["month", "year"]}, {"$ref": "#/components/schemas/DurationFieldRequest"}]})
class PeriodField(serializers.Field[Any, Any, Any, Any]):
    """`"month"`, `"year"` (one of it), or a duration object."""

    default_error_messages = {"invalid": 'Give "month", "year" or a duration.'}

    def to_internal_value(self, data: Any) -> Duration:
        if isinstance(data, str) and data in UNITS:
            return UNITS[data]
        if not isinstance(data, dict):
            self.fail("invalid")
        given = DurationField(data=data)
        given.is_valid(raise_exception=True)
        return Duration(given.validated_data["value"], given.validated_data["unit"])

    def to_representation(self, value: Any) -> Any:
        return value.as_json()


class PlanInput(StrictSerializer):
    """On or off, what each renewal buys, how often, on which day; `mode` also takes a subscription off renewals."""

    enabled = StrictBooleanField(required=False)
    mode = serializers.ChoiceField(choices=RenewalMode.values, required=False)
    period = PeriodField(required=False)
    count = StrictIntegerField(required=False, min_value=0, max_value=MOST_RENEWALS)
    deduction_days = StrictIntegerField(required=False, min_value=1, max_value=7)

    def as_wish(self) -> PlanWish:
        data: dict[str, Any] = self.validated_data
        enabled, mode = data.get("enabled"), data.get("mode")
        if enabled is None and mode is None:
            raise InvalidInput("Say whether it is enabled, or a mode.", errors={"enabled": ["This field is required."]})
        if mode is None:
            mode = RenewalMode.AUTO if enabled else RenewalMode.MANUAL
        elif enabled is not None and enabled != (mode == RenewalMode.AUTO):
            raise InvalidInput("These two do not agree.", errors={"mode": ["It does not agree with enabled."]})
        return PlanWish(mode, data.get("period"), data.get("count"), data.get("deduction_days"))


class _SubscriptionView(BuyerAPIView):
    def subscription(self, public_id: str) -> Subscription:
        """The account's own; any other is a 404."""
        rows = Subscription.objects.for_account(self.account).with_table_columns()
        found = rows.filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found


class RenewalQuote(_SubscriptionView):
    """What a renewal costs now; stores nothing."""

    @extend_schema(operation_id="subscriptions_renew_quote", request=RenewInput, responses={200: QuoteSerializer})
    def post(self, request: Request, public_id: str) -> Response:
        subscription = self.subscription(public_id)
        given = RenewInput(data=request.data)
        given.is_valid(raise_exception=True)
        waiting = waiting_orders([subscription]).get(subscription.pk)
        wish = given.as_wish(self.account)
        return Response(
            QuoteSerializer(quote_for_renewal(subscription, wish, account=self.account, waiting=waiting)).data
        )


class RenewalCreate(_SubscriptionView):
    """Order a renewal; it is completed when it is paid, and the term runs on from its expiry."""

    @extend_schema(operation_id="subscriptions_renew", request=RenewOrderInput, responses={201: OrderSerializer})
    @idempotent()
    def post(self, request: Request, public_id: str) -> Response:
        subscription = self.subscription(public_id)
        require(self.actor, Permission.RENEW)
        given = RenewOrderInput(data=request.data)
        given.is_valid(raise_exception=True)
        order = place_renewal(subscription, given.as_wish(self.account), by=self.actor)
        rows = with_payments(Order.objects.for_account(self.account).with_lines())
        return Response(orders_as_json([rows.get(pk=order.pk)])[0], status=201)


class AutoRenewal(_SubscriptionView):
    """Switch auto-renewal on or off, or change it, until the next deduction."""

    @extend_schema(
        operation_id="subscriptions_auto_renewal", request=PlanInput, responses={200: SubscriptionSerializer}
    )
    def put(self, request: Request, public_id: str) -> Response:
        subscription = self.subscription(public_id)
        require(self.actor, Permission.RENEW)
        given = PlanInput(data=request.data)
        given.is_valid(raise_exception=True)
        change_plan(subscription, given.as_wish(), by=self.actor)
        return Response(as_json([self.subscription(public_id)])[0])
