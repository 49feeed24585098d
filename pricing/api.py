"""REST: quotes (API.md). The same input buys: `POST orders/` takes a quote's body and more."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.resources import BuyerAPIView
from catalog.choices import BillingMode, DiskType
from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictBooleanField, StrictIntegerField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer, NewestFirst
from pricing.coupons import redeem_code
from pricing.models import Coupon
from pricing.rules import Duration, Quote, QuoteRequest
from pricing.servers import MOST_BANDWIDTH, MOST_DATA_DISK_GB, MOST_DATA_DISKS
from pricing.services import quote_purchase
from pricing.values import Disk, ServerChoice

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


class DiskInput(StrictSerializer):
    """A disk."""

    type = serializers.ChoiceField(choices=DiskType.values)
    size_gb = StrictIntegerField(min_value=1, max_value=MOST_DATA_DISK_GB)


class DeploymentInput(StrictSerializer):
    """How the servers of an image are to be; a quote reads the part that has a price."""

    region = CleanCharField(max_length=40)
    flavor = CleanCharField(max_length=40)
    image_version = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=20)
    system_disk = DiskInput(required=False, allow_null=True)
    data_disks = serializers.ListField(child=DiskInput(), required=False, max_length=MOST_DATA_DISKS)
    bandwidth = StrictIntegerField(required=False, default=0, min_value=0, max_value=MOST_BANDWIDTH)
    network = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    subnet = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    security_group = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    zone = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=20)
    name = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=64)
    allow_duplicate_name = StrictBooleanField(required=False, default=False)
    password = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=128, trim_whitespace=False, write_only=True
    )
    key_pair = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    auto_recovery = StrictBooleanField(required=False, default=True)
    server_group = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    enterprise_project = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)

    @staticmethod
    def server(data: dict[str, Any]) -> ServerChoice:
        """The priced part of validated data."""
        disk = data.get("system_disk")
        return ServerChoice(
            region=data["region"],
            flavor=data["flavor"],
            image=data.get("image_version") or "",
            system_disk=Disk.from_json(disk) if disk else None,
            data_disks=tuple(Disk.from_json(one) for one in data.get("data_disks") or ()),
            bandwidth=data["bandwidth"],
        )


class QuoteInput(StrictSerializer):
    """What to price."""

    specification = StrictIntegerField(min_value=1, max_value=2**63 - 1)
    billing_mode = serializers.ChoiceField(choices=BillingMode.values)
    duration = DurationField(required=False, allow_null=True)
    quantity = StrictIntegerField(required=False, default=1, max_value=LARGEST)
    attributes = AttributesField(required=False)
    coupon = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    deployment = DeploymentInput(required=False, allow_null=True)

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
            server=DeploymentInput.server(data["deployment"]) if data.get("deployment") else None,
        )


class QuoteLineSerializer(serializers.Serializer[Any]):
    """One line of the calculation, in words and money."""

    kind = serializers.CharField()
    text = serializers.CharField()
    amount = MoneySerializer()


class RenewalSerializer(serializers.Serializer[Any]):
    """What renews by itself next, if auto-renewal is chosen; `at` is null while the term has not begun, `when` says it in words."""

    period = serializers.SerializerMethodField()
    amount = MoneySerializer()
    at = serializers.DateTimeField(allow_null=True)
    when = serializers.CharField()

    def get_period(self, renewal: Any) -> dict[str, Any]:
        return renewal.period.as_json()


class AgreementNoteSerializer(serializers.Serializer[Any]):
    """A text that `agreements_accepted` accepts; `url` is the page that it is read on."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    version = serializers.CharField()
    url = serializers.SerializerMethodField()

    def get_url(self, note: Any) -> str:
        return reverse("orders:agreement_in_force", args=[note.id])


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
    agreements = AgreementNoteSerializer(many=True, allow_null=True)
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


class CouponSerializer(serializers.Serializer[Any]):
    """A coupon of the account; `remaining` is what is left of cash, or null."""

    code = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    amount = MoneySerializer(source="worth")
    remaining = MoneySerializer(source="left")
    minimum_spend = MoneySerializer(source="minimum_money")
    product = serializers.CharField(source="product.slug", default=None)
    seller = serializers.CharField(source="seller.slug", default=None)
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()
    usable = serializers.SerializerMethodField()

    def get_usable(self, coupon: Coupon) -> bool:
        at = clock.now()
        return coupon.remaining > 0 and coupon.valid_from <= at < coupon.valid_until


class CodeInput(StrictSerializer):
    """A coupon's 16 letters and digits."""

    code = CleanCharField(max_length=40)


class CouponList(BuyerAPIView):
    """The account's coupons; a code is redeemed here."""

    @extend_schema(operation_id="coupons_list", responses=CouponSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Coupon.objects.for_account(self.account).select_related("product", "seller")
        found = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(CouponSerializer(found, many=True).data)

    @extend_schema(operation_id="coupons_redeem", request=CodeInput, responses={201: CouponSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = CodeInput(data=request.data)
        given.is_valid(raise_exception=True)
        coupon = redeem_code(given.validated_data["code"], account=self.account, by=self.actor)
        return Response(CouponSerializer(coupon).data, status=201)
