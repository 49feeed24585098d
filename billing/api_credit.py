"""REST: monthly statements and paying them."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from billing.api import PayInput
from billing.models import Statement
from billing.services import PaymentRequest, pay_statement
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.output import MoneySerializer


class StatementSerializer(serializers.Serializer[Any]):
    """One month of purchases on monthly settlement. To be paid is its amount less what was refunded since."""

    id = serializers.CharField(source="public_id")
    month = serializers.DateField()
    amount = MoneySerializer(source="money")
    refunded_since = MoneySerializer()
    status = serializers.CharField()
    issued_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class StatementList(BuyerAPIView):
    """The account's statements, newest first; one a month, so that the list stays short."""

    @extend_schema(operation_id="statements_list", responses=StatementSerializer(many=True))
    def get(self, request: Request) -> Response:
        rows = Statement.objects.for_account(self.account).order_by("-month", "-id")[:120]
        found = StatementSerializer(rows, many=True).data
        return Response({"count": len(found), "next": None, "previous": None, "results": found})


class StatementPay(BuyerAPIView):
    """Pay a statement by card or from the balance."""

    @extend_schema(operation_id="statements_pay", request=PayInput, responses={200: StatementSerializer})
    @idempotent("claimed")
    def post(self, request: Request, public_id: str) -> Response:
        rows = Statement.objects.for_account(self.account)
        statement = rows.filter(public_id=public_id).first()
        if statement is None:
            raise Http404
        require(self.actor, Permission.PAY)
        given = PayInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = PaymentRequest(given.validated_data["method"], given.validated_data.get("payment_method") or "")
        pay_statement(statement, wanted, by=self.actor)
        return Response(StatementSerializer(rows.get(pk=statement.pk)).data)
