"""REST: what an unsubscription gives back, and doing it (API.md)."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from billing.api import OrderSerializer, as_json, with_payments
from billing.models import Unsubscription
from billing.services import Offer, quote_unsubscription, unsubscribe
from billing.services.unsubscribing import LONGEST_REASON
from billing.views.unsubscriptions import with_terms
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer
from orders.models import Order, Subscription


class RefundLineSerializer(serializers.Serializer[Any]):
    """A line of the calculation; they add up to nothing, the refund being the last one."""

    kind = serializers.CharField()
    text = serializers.CharField()
    amount = MoneySerializer()


class UnsubscribeQuoteSerializer(serializers.Serializer[Any]):
    """What goes back: what was paid in cash, less what was used, less the handling fee, never below zero."""

    paid = MoneySerializer()
    consumed = MoneySerializer()
    fee = MoneySerializer()
    refund = MoneySerializer()
    lines = RefundLineSerializer(many=True)
    quote = serializers.CharField()
    expires_at = serializers.DateTimeField()


class UnsubscriptionSerializer(serializers.Serializer[Any]):
    """How far an unsubscription is: `in_review`, `done` or `declined`."""

    status = serializers.CharField()
    refund = MoneySerializer(source="refund_money")
    reviewed_until = serializers.DateTimeField(allow_null=True)


class UnsubscriptionOrderSerializer(OrderSerializer):
    """The unsubscription's order, with what goes back."""

    unsubscription = UnsubscriptionSerializer()


class NoInput(StrictSerializer):
    """The body is empty."""


class UnsubscribeInput(StrictSerializer):
    """Why, and the quote that was shown; without it what holds now is taken."""

    reason = CleanCharField(required=False, allow_blank=True, max_length=LONGEST_REASON)
    quote = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=8000)


def _subscription(view: BuyerAPIView, public_id: str) -> Subscription:
    found = with_terms(Subscription.objects.for_account(view.account)).filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def _offered(offer: Offer) -> dict[str, Any]:
    quote = offer.quote
    return UnsubscribeQuoteSerializer(
        {
            "paid": offer.paid,
            "consumed": offer.total("consumed"),
            "fee": offer.total("fee"),
            "refund": offer.refund,
            "lines": quote.lines,
            "quote": quote.token,
            "expires_at": quote.expires_at,
        }
    ).data


class UnsubscribeQuote(BuyerAPIView):
    """What unsubscribing gives back now; stores nothing."""

    @extend_schema(
        operation_id="subscriptions_unsubscribe_quote",
        request=NoInput,
        responses={200: UnsubscribeQuoteSerializer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        subscription = _subscription(self, public_id)
        NoInput(data=request.data).is_valid(raise_exception=True)
        return Response(_offered(quote_unsubscription(subscription)))


class UnsubscribeCreate(BuyerAPIView):
    """Give the subscription up; answers the unsubscription's order."""

    @extend_schema(
        operation_id="subscriptions_unsubscribe",
        request=UnsubscribeInput,
        responses={201: UnsubscriptionOrderSerializer},
    )
    @idempotent()
    def post(self, request: Request, public_id: str) -> Response:
        subscription = _subscription(self, public_id)
        require(self.actor, Permission.UNSUBSCRIBE)
        given = UnsubscribeInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = unsubscribe(
            subscription,
            reason=given.validated_data.get("reason") or "",
            quote=given.validated_data.get("quote") or "",
            by=self.actor,
        )
        return Response(_placed(made), status=201)


def _placed(made: Unsubscription) -> dict[str, Any]:
    rows = with_payments(Order.objects.filter(pk=made.order_id).with_lines())
    return {**as_json([rows.get()])[0], "unsubscription": UnsubscriptionSerializer(made).data}
