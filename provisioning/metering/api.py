"""REST: what pay-per-use subscriptions used, hour by hour, and what a month comes to."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.resources import BuyerAPIView
from koogallery.kernel import clock
from koogallery.kernel.api.output import MoneySerializer, NewestFirst
from koogallery.kernel.errors import InvalidInput
from provisioning.metering.models import UsageRecord
from provisioning.metering.reads import month_used
from provisioning.metering.rules import month_bounds
from provisioning.metering.views import asked_month

MONTH = OpenApiParameter(
    "month", str, description='A calendar month (GMT+08:00) as "2026-03"; default the current one.'
)
SUBSCRIPTION = OpenApiParameter("subscription", str, description="Only of this subscription.")


class UsageRecordSerializer(serializers.Serializer[Any]):
    """The seconds that a subscription ran within one hour; a correction may be negative."""

    subscription = serializers.CharField(source="meter.subscription.public_id")
    order = serializers.CharField(source="meter.line.order.number")
    hour = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    correction = serializers.SerializerMethodField()
    unit_price = MoneySerializer(source="meter.hourly")

    def get_correction(self, record: UsageRecord) -> bool:
        return record.revision > 0


class UsedLineSerializer(serializers.Serializer[Any]):
    """What one subscription used in a month so far."""

    subscription = serializers.CharField(source="meter.subscription.public_id")
    running = serializers.BooleanField(source="meter.running")
    seconds = serializers.IntegerField()
    unit_price = MoneySerializer(source="meter.hourly")
    amount = MoneySerializer()
    tax = MoneySerializer()


class MonthUsedSerializer(serializers.Serializer[Any]):
    """A month's use in one currency: `total` so far and `estimate` of the whole month, both with tax."""

    month = serializers.DateField()
    currency = serializers.CharField()
    recorded_until = serializers.DateTimeField(allow_null=True)
    total = MoneySerializer()
    estimate = MoneySerializer(source="expected")
    lines = UsedLineSerializer(many=True)


class NewestHourFirst(NewestFirst):
    """Pages of records."""

    column = "hour"


def _month(request: Request) -> Any:
    try:
        return asked_month(request.query_params.get("month", ""), clock.now())
    except Http404:
        raise InvalidInput("Give a month as 2026-03.", errors={"month": ["Give a month as 2026-03."]}) from None


class UsageList(BuyerAPIView):
    """Metered hours of one month, the newest first."""

    @extend_schema(
        operation_id="usage_list", parameters=[MONTH, SUBSCRIPTION], responses=UsageRecordSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        rows = UsageRecord.objects.for_account(self.account).between(*month_bounds(_month(request)))
        if public_id := request.query_params.get("subscription", ""):
            rows = rows.filter(meter__subscription__public_id=public_id)
        pages = NewestHourFirst()
        found = pages.paginate_queryset(rows.select_related("meter__subscription", "meter__line__order"), request)
        return pages.get_paginated_response(UsageRecordSerializer(found, many=True).data)


class UsageMonth(BuyerAPIView):
    """What a month comes to, by currency and subscription, with the estimate of the whole month."""

    @extend_schema(operation_id="usage_month", parameters=[MONTH], responses=MonthUsedSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(MonthUsedSerializer(month_used(self.account, _month(request), at=clock.now()), many=True).data)
