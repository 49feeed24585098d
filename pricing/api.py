"""REST: quotes (API.md). The same input buys: `POST orders/` takes a quote's body and more."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.resources import BuyerAPIView
from catalog.choices import BillingMode
from koogallery.kernel.api.input import CleanCharField, StrictIntegerField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer
from pricing.rules import Duration, Quote, QuoteRequest
from pricing.services import quote_purchase

LARGEST = 10**9
MOST_ATTRIBUTES = 50


class DurationField(StrictSerializer):
    """`{"value": 1, "unit": "month"}`."""

    value = StrictIntegerField(min_value=1, max_value=LARGEST)
    unit = serializers.ChoiceField(choices=["month", "year"])


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "integer"]}})
class AttributesField(serializers.Field[Any, Any, Any, Any]):
    """`{"attribute code": value}`: texts and whole numbers."""

    default_error_messages = {"invalid": "Give an object of attribute codes and values."}

    def to_internal_value(self, data: Any) -> dict[str, str | int]:
        if not isinstance(data, dict) or len(data) > MOST_ATTRIBUTES:
            self.fail("invalid")
        for value in data.values():
            if isinstance(value, bool) or not isinstance(value, str | int):
                self.fail("invalid")
            if isinstance(value, str) and (len(value) > 40 or "\x00" in value):
                self.fail("invalid")
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return dict(value)


class QuoteInput(StrictSerializer):
    """What to price."""

    specification = StrictIntegerField(min_value=1, max_value=2**63 - 1)
    billing_mode = serializers.ChoiceField(choices=BillingMode.values)
    duration = DurationField(required=False, allow_null=True)
    quantity = StrictIntegerField(required=False, default=1, max_value=LARGEST)
    attributes = AttributesField(required=False)
    coupon = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)

    @property
    def coupon_code(self) -> str:
        """The code of the coupon to use, or empty."""
        return self.validated_data.get("coupon") or ""

    def as_request(self) -> QuoteRequest:
        """The validated body as pricing sees it."""
        data = self.validated_data
        duration = data.get("duration")
        return QuoteRequest(
            specification=data["specification"],
            billing_mode=data["billing_mode"],
            duration=Duration(duration["value"], duration["unit"]) if duration else None,
            quantity=data["quantity"],
            attributes=data.get("attributes") or {},
        )


class QuoteLineSerializer(serializers.Serializer[Any]):
    """One line of the calculation, in words and money."""

    kind = serializers.CharField()
    text = serializers.CharField()
    amount = MoneySerializer()


class RenewalSerializer(serializers.Serializer[Any]):
    """What renews by itself next, if auto-renewal is chosen; `at` is null while the term has not begun."""

    period = serializers.SerializerMethodField()
    amount = MoneySerializer()
    at = serializers.DateTimeField(allow_null=True)

    def get_period(self, renewal: Any) -> dict[str, Any]:
        return renewal.period.as_json()


class QuoteSerializer(serializers.Serializer[Quote]):
    """A price, explained, with the signed token that an order may carry."""

    list_price = MoneySerializer()
    discount = MoneySerializer()
    coupon = MoneySerializer()
    tax = MoneySerializer()
    payable = MoneySerializer()
    credit = MoneySerializer(allow_null=True)
    lines = QuoteLineSerializer(many=True)
    renews = RenewalSerializer(allow_null=True)
    quote = serializers.CharField(source="token")
    expires_at = serializers.DateTimeField()


class QuoteCreate(BuyerAPIView):
    """Price a configuration; stores nothing."""

    @extend_schema(operation_id="quotes_create", request=QuoteInput, responses={200: QuoteSerializer})
    def post(self, request: Request) -> Response:
        given = QuoteInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            QuoteSerializer(quote_purchase(given.as_request(), account=self.account, coupon=given.coupon_code)).data
        )
