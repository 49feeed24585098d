"""REST: orders with their payments (API.md)."""

from typing import Any

from django.db.models import F, Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView, SellerAPIView
from billing.models import Payment, PaymentAllocation
from billing.services import PaymentRequest, give_up_payment, pay_orders
from billing.services.intents import MOST_ORDERS
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictBooleanField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer, NewestFirst
from koogallery.kernel.compiled import Children, Compiled, OneOf, Param
from koogallery.kernel.errors import InvalidTransition
from orders import ports
from orders.deployments import DeploymentWish
from orders.models import Order
from orders.reads import LINES
from orders.services import Placement, cancel_order, place_order
from pricing.api import QuoteInput


class LineSerializer(serializers.Serializer[Any]):
    """One line of an order, with names and price as they were."""

    specification = serializers.IntegerField(source="specification_id", allow_null=True)
    specification_name = serializers.CharField()
    product_name = serializers.CharField()
    quantity = serializers.IntegerField()
    attributes = serializers.JSONField()
    billing_mode = serializers.CharField()
    duration = serializers.SerializerMethodField()
    amount = MoneySerializer(source="money")
    subscription = serializers.SerializerMethodField()

    def get_duration(self, line: Any) -> dict[str, Any] | None:
        return {"value": line.duration_value, "unit": line.duration_unit} if line.duration_value else None

    def get_subscription(self, line: Any) -> str | None:
        made = next((one.public_id for one in line.subscriptions.all()), None)
        return made or (line.order.subject.public_id if line.order.subject else None)


class PaymentSerializer(serializers.Serializer[Any]):
    """A payment of the order; the amount is what of it is for this order."""

    id = serializers.CharField(source="payment.public_id")
    status = serializers.CharField(source="payment.status")
    method = serializers.CharField(source="payment.method")
    amount = serializers.SerializerMethodField()

    def get_amount(self, allocation: PaymentAllocation) -> dict[str, str]:
        return allocation.money.as_json()


class OrderSerializer(serializers.Serializer[Any]):
    """An order."""

    number = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    product = serializers.CharField(source="product.slug")
    product_name = serializers.SerializerMethodField()
    seller = serializers.CharField(source="seller.slug")
    payable = MoneySerializer(source="payable_money")
    cost_lines = serializers.SerializerMethodField()
    lines = LineSerializer(many=True, source="lines.all")
    payments = PaymentSerializer(many=True, source="allocations.all")
    service_flow = serializers.SerializerMethodField()
    subscription = serializers.SerializerMethodField()
    auto_renew = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    unpaid_until = serializers.DateTimeField(allow_null=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    completes_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)

    def get_product_name(self, order: Order) -> str:
        """As the product was called when it was ordered."""
        return order.lines.all()[0].product_name

    def get_cost_lines(self, order: Order) -> list[dict[str, Any]]:
        """The lines of the confirmed quote, as every page prints them."""
        lines: list[dict[str, Any]] = order.quote["lines"]
        return lines

    def get_service_flow(self, order: Order) -> str | None:
        summary = self.context["deliveries"].get(order.pk)
        return summary.service_flow if summary else None

    def get_subscription(self, order: Order) -> str | None:
        if order.subject is not None:
            return order.subject.public_id
        apps = [app.public_id for line in order.lines.all() for app in line.subscriptions.all()]
        return apps[0] if apps else None


def _shown_payments() -> "QuerySet[PaymentAllocation]":
    return PaymentAllocation.objects.select_related("payment").exclude(payment__method="reseller").order_by("id")


def with_payments(rows: "QuerySet[Order]") -> "QuerySet[Order]":
    """Everything that an order's object prints, in a fixed number of queries."""
    return rows.prefetch_related(Prefetch("allocations", _shown_payments()))


# The same for one order, which ends every call of a checkout.
_PAYMENTS = Compiled(lambda: _shown_payments().filter(OneOf(F("order_id"), Param("parents"))))
_WHOLE = Compiled(
    lambda: Order.objects.with_names().filter(account=Param("account"), number=Param("number")),
    children=[LINES, Children("allocations", of="order", rows=_PAYMENTS)],
)
_OWN = Compiled(lambda: Order.objects.filter(account=Param("account"), number=Param("number")).only("id", "number"))


def as_json(orders: list[Order]) -> list[dict[str, Any]]:
    """Order objects of API.md."""
    context = {"deliveries": ports.delivery_summaries(orders)}
    return OrderSerializer(orders, many=True, context=context).data  # type: ignore[return-value]


class OrderInput(QuoteInput):
    """A quote's body and what confirms it."""

    auto_renew = StrictBooleanField(required=False, default=False)
    agreements_accepted = StrictBooleanField(required=False, default=False)
    quote = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=4000)

    def as_placement(self) -> Placement:
        return Placement(
            request=self.as_request(),
            auto_renew=self.validated_data["auto_renew"],
            agreements_accepted=self.validated_data["agreements_accepted"],
            quote=self.validated_data.get("quote") or "",
            coupon=self.coupon_code,
            deployment=self._wish(),
        )

    def _wish(self) -> DeploymentWish | None:
        """What is chosen for the servers of an image; None says that nothing was."""
        given = self.validated_data.get("deployment")
        if not given:
            return None
        known = {name: given[name] for name in DeploymentWish.__slots__ if given.get(name) not in (None, "")}
        return DeploymentWish(**known)


class OrderList(BuyerAPIView):
    """The account's orders."""

    @extend_schema(operation_id="orders_list", responses=OrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = with_payments(Order.objects.for_account(self.account).with_lines())
        return pages.get_paginated_response(as_json(pages.paginate_queryset(rows, request, self)))

    @extend_schema(operation_id="orders_create", request=OrderInput, responses={201: OrderSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        given = OrderInput(data=request.data)
        given.is_valid(raise_exception=True)
        order = place_order(given.as_placement(), account=self.account, by=self.actor)
        return Response(_object(self, order.number), status=201)


def _object(view: BuyerAPIView, number: str) -> dict[str, Any]:
    return as_json([_WHOLE.get(account=view.account.pk, number=number)])[0]


def _order(view: BuyerAPIView, number: str) -> Order:
    order = _OWN.first(account=view.account.pk, number=number)
    if order is None:
        raise Http404
    return order


class OrderDetail(BuyerAPIView):
    """One order."""

    @extend_schema(operation_id="orders_retrieve", responses=OrderSerializer)
    def get(self, request: Request, number: str) -> Response:
        return Response(_object(self, _order(self, number).number))


class PayInput(StrictSerializer):
    """How to pay; a card without `payment_method` is the account's default card."""

    method = serializers.ChoiceField(choices=["card", "balance", "monthly_settlement"])
    payment_method = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=16)


class OrderPay(BuyerAPIView):
    """Charge the order's payable amount."""

    @extend_schema(operation_id="orders_pay", request=PayInput, responses={200: OrderSerializer})
    @idempotent("claimed")
    def post(self, request: Request, number: str) -> Response:
        order = _order(self, number)
        require(self.actor, Permission.PAY)
        given = PayInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = PaymentRequest(given.validated_data["method"], given.validated_data.get("payment_method") or "")
        pay_orders([order], wanted, by=self.actor)
        return Response(_object(self, number))


class PaymentInput(PayInput):
    """Several orders in one charge, all or nothing (RULES 6: combined payment)."""

    orders = serializers.ListField(child=CleanCharField(max_length=20), min_length=1, max_length=MOST_ORDERS)


class PaymentCreate(BuyerAPIView):
    """Pay 1 to 30 orders together."""

    @extend_schema(operation_id="payments_create", request=PaymentInput, responses={201: OrderSerializer(many=True)})
    @idempotent("claimed")
    def post(self, request: Request) -> Response:
        require(self.actor, Permission.PAY)
        given = PaymentInput(data=request.data)
        given.is_valid(raise_exception=True)
        numbers = set(given.validated_data["orders"])
        orders = list(Order.objects.for_account(self.account).filter(number__in=numbers))
        if len(orders) != len(numbers):
            raise Http404
        wanted = PaymentRequest(given.validated_data["method"], given.validated_data.get("payment_method") or "")
        pay_orders(orders, wanted, by=self.actor)
        rows = with_payments(Order.objects.for_account(self.account).filter(number__in=numbers).with_lines())
        return Response({"orders": as_json(list(rows.order_by("number")))}, status=201)


class PaymentOutcomeSerializer(serializers.Serializer[Any]):
    """A payment by itself, with the orders that it is for (none: it is for a statement)."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField()
    method = serializers.CharField()
    amount = MoneySerializer(source="money")
    orders = serializers.SerializerMethodField()

    def get_orders(self, payment: Payment) -> list[str]:
        return list(payment.allocations.order_by("order_id").values_list("order__number", flat=True))


class PaymentCancel(BuyerAPIView):
    """Give up a payment that waits for its card holder (3-D Secure): nothing is charged, and its orders can be paid in
    another way. Should he have confirmed meanwhile, the payment answers as `succeeded`."""

    @extend_schema(operation_id="payments_cancel", request=None, responses={200: PaymentOutcomeSerializer})
    @idempotent("claimed")
    def post(self, request: Request, payment_id: str) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        rows = Payment.objects.for_account(self.account).shown().select_related("card", "statement")
        payment = rows.filter(public_id=payment_id).first()
        if payment is None:
            raise Http404
        require(self.actor, Permission.PAY)
        if payment.ended_at is not None:
            raise InvalidTransition("Only a payment that waits for its card holder can be given up.")
        return Response(PaymentOutcomeSerializer(give_up_payment(payment, by=self.actor)).data)


class OrderCancel(BuyerAPIView):
    """Cancel an order that is pending payment."""

    @extend_schema(operation_id="orders_cancel", request=None, responses={200: OrderSerializer})
    @idempotent()
    def post(self, request: Request, number: str) -> Response:
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        cancel_order(_order(self, number), by=self.actor)
        return Response(_object(self, number))


class SellerOrderSerializer(serializers.Serializer[Any]):
    """An order as its seller sees it."""

    number = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    product = serializers.CharField(source="product.slug")
    customer = serializers.CharField(source="account.name")
    payable = MoneySerializer(source="payable_money")
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class SellerOrderList(SellerAPIView):
    """What was bought of the seller, once it was paid."""

    @extend_schema(operation_id="seller_orders_list", responses=SellerOrderSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Order.objects.for_seller(self.seller).select_related("product", "account")
        found = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(SellerOrderSerializer(found, many=True).data)
