"""REST: bills of closed cycles, of pay-per-use and of monthly settlement, and paying one (API.md: `bills/`)."""

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
from billing.models import Statement, UsageBill, UsageBillLine
from billing.services import PaymentRequest, pay_statement, pay_usage_bill
from billing.views.statements import entries_of
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.output import MoneySerializer

MOST_BILLS = 120
MOST_ENTRIES = 2_000
USAGE, SETTLEMENT = "usage", "monthly_settlement"


class UsageBillLineSerializer(serializers.Serializer[Any]):
    """What a bill of use takes for one subscription within one month."""

    subscription = serializers.CharField(source="subscription.public_id")
    order = serializers.CharField(source="line.order.number")
    product = serializers.CharField(source="line.product_name")
    month = serializers.DateField()
    seconds = serializers.IntegerField()
    unit_price = MoneySerializer(source="hourly")
    discount_percent = serializers.DecimalField(5, 2)
    amount = MoneySerializer(source="money")
    tax = MoneySerializer(source="tax_money")


class StatementEntrySerializer(serializers.Serializer[Any]):
    """What a monthly statement lists: a purchase, a refund of one (negative), or a usage bill that stands on it."""

    at = serializers.DateTimeField(source="entry.at")
    order = serializers.CharField(source="entry.order.number", default=None)
    bill = serializers.CharField(source="entry.payment.usage_bill.public_id", default=None)
    amount = MoneySerializer(source="money")


class BillSerializer(serializers.Serializer[Any]):
    """One bill: `kind` is `usage` (what pay-per-use used until its cut `until`) or `monthly_settlement` (what was bought on
    credit in the month, due at `due_at`). `month` is the calendar month (GMT+08:00)."""

    id = serializers.CharField(source="public_id")
    kind = serializers.SerializerMethodField()
    month = serializers.DateField()
    until = serializers.DateTimeField(allow_null=True, default=None)
    amount = MoneySerializer(source="money")
    to_pay = MoneySerializer(default=None)
    status = serializers.CharField()
    issued_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True, default=None)
    paid_at = serializers.DateTimeField(allow_null=True)
    freezes_at = serializers.DateTimeField(allow_null=True)
    releases_at = serializers.DateTimeField(allow_null=True, default=None)

    def get_kind(self, one: UsageBill | Statement) -> str:
        return USAGE if isinstance(one, UsageBill) else SETTLEMENT


class BillDetailSerializer(BillSerializer):
    """The same with its `lines` of use, or the `entries` of a monthly statement."""

    lines = UsageBillLineSerializer(many=True)
    entries = StatementEntrySerializer(many=True)


class _StatementDetailSerializer(BillSerializer):
    lines = serializers.SerializerMethodField()
    entries = serializers.SerializerMethodField()

    def get_lines(self, _one: Statement) -> list[Any]:
        return []

    def get_entries(self, one: Statement) -> list[Any]:
        return list(StatementEntrySerializer(entries_of(one)[:MOST_ENTRIES], many=True).data)


class _UsageDetailSerializer(BillSerializer):
    lines = UsageBillLineSerializer(many=True)
    entries = serializers.SerializerMethodField()

    def get_entries(self, _one: UsageBill) -> list[Any]:
        return []


def _with_lines() -> "Prefetch[Any]":
    return Prefetch("lines", UsageBillLine.objects.select_related("line__order", "subscription"))


def _own(view: BuyerAPIView, public_id: str) -> UsageBill | Statement:
    bill = UsageBill.objects.for_account(view.account).filter(public_id=public_id).first()
    found = bill or Statement.objects.for_account(view.account).filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


class BillList(BuyerAPIView):
    """The account's bills, newest first; a few a month, so that the list stays short."""

    @extend_schema(operation_id="bills_list", responses=BillSerializer(many=True))
    def get(self, request: Request) -> Response:
        bills: list[UsageBill | Statement] = [
            *UsageBill.objects.for_account(self.account).newest_first()[:MOST_BILLS],
            *Statement.objects.for_account(self.account).order_by("-issued_at", "-id")[:MOST_BILLS],
        ]
        newest = sorted(bills, key=lambda one: (one.issued_at, one.pk), reverse=True)[:MOST_BILLS]
        found = BillSerializer(newest, many=True).data
        return Response({"count": len(found), "next": None, "previous": None, "results": found})


class BillDetail(BuyerAPIView):
    """One bill with what it is made of."""

    @extend_schema(operation_id="bills_retrieve", responses=BillDetailSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        found = _own(self, public_id)
        if isinstance(found, Statement):
            return Response(_StatementDetailSerializer(found).data)
        bill = UsageBill.objects.prefetch_related(_with_lines()).get(pk=found.pk)
        return Response(_UsageDetailSerializer(bill).data)


class BillPay(BuyerAPIView):
    """Pay a bill by card or from the balance."""

    @extend_schema(operation_id="bills_pay", request=PayInput, responses={200: BillSerializer})
    @idempotent("claimed")
    def post(self, request: Request, public_id: str) -> Response:
        found = _own(self, public_id)
        require(self.actor, Permission.PAY)
        given = PayInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = PaymentRequest(given.validated_data["method"], given.validated_data.get("payment_method") or "")
        if isinstance(found, Statement):
            pay_statement(found, wanted, by=self.actor)
        else:
            pay_usage_bill(found, wanted, by=self.actor)
        return Response(BillSerializer(_own(self, public_id)).data)
