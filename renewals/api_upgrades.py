"""REST: SaaS upgrades (API.md)."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from billing.api import OrderSerializer, as_json, with_payments
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from orders.models import Order, Subscription
from orders.services import UpgradeWish, place_upgrade, quote_upgrade
from pricing.api import AttributesField, QuoteSerializer


class UpgradeInput(StrictSerializer):
    """The attributes to raise."""

    attributes = AttributesField()
    coupon = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)

    def as_wish(self) -> UpgradeWish:
        data: dict[str, Any] = self.validated_data
        return UpgradeWish(data["attributes"], data.get("quote") or "", data.get("coupon") or "")


class UpgradeOrderInput(UpgradeInput):
    """The same, with the quote that was shown."""

    quote = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=4000)


def _subscription(view: BuyerAPIView, public_id: str) -> Subscription:
    rows = Subscription.objects.for_account(view.account).with_table_columns()
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


class UpgradeQuote(BuyerAPIView):
    """What an upgrade costs now; stores nothing."""

    @extend_schema(operation_id="subscriptions_upgrade_quote", request=UpgradeInput, responses={200: QuoteSerializer})
    def post(self, request: Request, public_id: str) -> Response:
        subscription = _subscription(self, public_id)
        given = UpgradeInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(QuoteSerializer(quote_upgrade(subscription, given.as_wish(), account=self.account)).data)


class UpgradeCreate(BuyerAPIView):
    """Order an upgrade; it takes effect when it is paid."""

    @extend_schema(operation_id="subscriptions_upgrade", request=UpgradeOrderInput, responses={201: OrderSerializer})
    @idempotent()
    def post(self, request: Request, public_id: str) -> Response:
        subscription = _subscription(self, public_id)
        require(self.actor, Permission.BUY)
        given = UpgradeOrderInput(data=request.data)
        given.is_valid(raise_exception=True)
        order = place_upgrade(subscription, given.as_wish(), by=self.actor)
        rows = with_payments(Order.objects.for_account(self.account).with_lines())
        return Response(as_json([rows.get(pk=order.pk)])[0], status=201)
