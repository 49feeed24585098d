"""REST: bills of pay-per-use, and paying one that could not be charged."""

from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from billing.api import PayInput
from billing.models import UsageBill, UsageBillLine
from billing.services import PaymentRequest, pay_usage_bill
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.output import MoneySerializer

MOST_BILLS = 120


class UsageBillLineSerializer(serializers.Serializer[Any]):
    """What a bill takes for one subscription within one month."""

    subscription = serializers.CharField(source="subscription.public_id")
    order = serializers.CharField(source="line.order.number")
    product = serializers.CharField(source="line.product_name")
    month = serializers.DateField()
    seconds = serializers.IntegerField()
    unit_price = MoneySerializer(source="hourly")
    discount_percent = serializers.DecimalField(5, 2)
    amount = MoneySerializer(source="money")
    tax = MoneySerializer(source="tax_money")


class UsageBillSerializer(serializers.Serializer[Any]):
    """One bill of pay-per-use; `until` is its cut, `month` the calendar month (GMT+08:00) in which that lies."""

    id = serializers.CharField(source="public_id")
    month = serializers.DateField()
    until = serializers.DateTimeField()
    amount = MoneySerializer(source="money")
    status = serializers.CharField()
    issued_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    freezes_at = serializers.DateTimeField(allow_null=True)
    releases_at = serializers.DateTimeField(allow_null=True)


class UsageBillDetailSerializer(UsageBillSerializer):
    """The same with its lines."""

    lines = UsageBillLineSerializer(many=True)


def _with_lines() -> "Prefetch[Any]":
    return Prefetch("lines", UsageBillLine.objects.select_related("line__order", "subscription"))


class UsageBillList(BuyerAPIView):
    """The account's usage bills, newest first; a few a month, so that the list stays short."""

    @extend_schema(operation_id="bills_list", responses=UsageBillSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = UsageBill.objects.for_account(self.account).newest_first()[:MOST_BILLS]
        found = UsageBillSerializer(rows, many=True).data
        return Response({"count": len(found), "next": None, "previous": None, "results": found})


class UsageBillDetail(BuyerAPIView):
    """One bill with its lines."""

    @extend_schema(operation_id="bills_retrieve", responses=UsageBillDetailSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        bill = UsageBill.objects.for_account(self.account).filter(public_id=public_id).prefetch_related(_with_lines())
        found = bill.first()
        if found is None:
            raise Http404
        return Response(UsageBillDetailSerializer(found).data)


class UsageBillPay(BuyerAPIView):
    """Pay a bill by card or from the balance."""

    @extend_schema(operation_id="bills_pay", request=PayInput, responses={200: UsageBillSerializer})
    @idempotent("claimed")
    def post(self, request: Request, public_id: str) -> Response:
        rows = UsageBill.objects.for_account(self.account)
        bill = rows.filter(public_id=public_id).first()
        if bill is None:
            raise Http404
        require(self.actor, Permission.PAY)
        given = PayInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = PaymentRequest(given.validated_data["method"], given.validated_data.get("payment_method") or "")
        pay_usage_bill(bill, wanted, by=self.actor)
        return Response(UsageBillSerializer(rows.get(pk=bill.pk)).data)
