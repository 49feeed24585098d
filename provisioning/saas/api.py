"""REST for sellers: access keys, where orders are sent, Service Interface Messages (API.md)."""

from typing import Any

from django.http import Http404
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.resources import SellerAPIView
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import StrictSerializer
from koogallery.kernel.api.output import NewestFirst
from provisioning.saas.calls import replay
from provisioning.saas.interfaces import interface_of, set_interface
from provisioning.saas.keys import create_access_key
from provisioning.saas.models import LONGEST_ADDRESS, AccessKey, Call, ProductInterface
from provisioning.saas.words import Activity, Version


class AccessKeySerializer(serializers.Serializer[Any]):
    """A valid key; `in_use` is the one that calls are signed with."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    in_use = serializers.BooleanField()


class NewAccessKeySerializer(serializers.Serializer[Any]):
    """A new key: the text of `access_key` is told this once."""

    id = serializers.CharField()
    access_key = serializers.CharField()


class AccessKeys(SellerAPIView):
    """The keys of the production interface."""

    @extend_schema(operation_id="seller_access_keys_list", responses=AccessKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        keys = AccessKey.objects.for_seller(self.seller).valid()
        found = [{"id": one.public_id, "created_at": one.created_at, "in_use": at == 0} for at, one in enumerate(keys)]
        rows = AccessKeySerializer(found, many=True).data
        return Response({"count": len(rows), "next": None, "previous": None, "results": rows})

    # Without idempotency: a stored answer would be the key in clear. A second key is no harm but to the oldest.
    @extend_schema(operation_id="seller_access_keys_create", request=None, responses={201: NewAccessKeySerializer})
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        given = StrictSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key, secret = create_access_key(self.seller, by=self.actor)
        response = Response({"id": key.public_id, "access_key": secret}, status=status.HTTP_201_CREATED)
        response["Cache-Control"] = "private, no-store"
        return response


class InterfaceSerializer(StrictSerializer):
    """`urls`: addresses of single activities, by their names in the protocol."""

    version = serializers.ChoiceField(choices=Version.choices)
    url = serializers.CharField(max_length=LONGEST_ADDRESS)
    urls = serializers.DictField(child=serializers.CharField(max_length=LONGEST_ADDRESS), required=False)


def _interface(kept: ProductInterface) -> dict[str, Any]:
    return {"version": kept.version, "url": kept.url, "urls": kept.urls}


class Interface(SellerAPIView):
    """Where SaaS orders of a product are sent."""

    def product(self, slug: str) -> Product:
        rows = Product.objects.for_seller(self.seller).filter(delivery_method=DeliveryMethod.SAAS)
        found = rows.filter(slug=slug).first()
        if found is None:
            raise Http404
        return found

    @extend_schema(operation_id="seller_interface_retrieve", responses=InterfaceSerializer)
    def get(self, request: Request, slug: str) -> Response:
        kept = interface_of(self.product(slug))
        if kept is None:
            raise Http404
        return Response(_interface(kept))

    @extend_schema(operation_id="seller_interface_update", request=InterfaceSerializer, responses=InterfaceSerializer)
    def put(self, request: Request, slug: str) -> Response:
        product, given = self.product(slug), InterfaceSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        kept = set_interface(
            product, version=values["version"], url=values["url"], urls=values.get("urls", {}), by=self.actor
        )
        return Response(_interface(kept))


class ExchangeSerializer(serializers.Serializer[Any]):
    """One try: what was sent and what came, without signature and password."""

    at = serializers.DateTimeField()
    request = serializers.CharField()
    http_status = serializers.IntegerField(allow_null=True, source="status")
    answer = serializers.CharField()
    fault = serializers.CharField()
    milliseconds = serializers.IntegerField()


class MessageSerializer(serializers.Serializer[Any]):
    """A signed call to the seller."""

    id = serializers.CharField(source="public_id")
    order = serializers.CharField(source="order.number")
    product = serializers.CharField(source="product.slug")
    subscription = serializers.CharField(source="instance.subscription.public_id")
    instance_id = serializers.CharField(source="instance.instance_id")
    activity = serializers.ChoiceField(choices=Activity.choices)
    business_id = serializers.CharField()
    status = serializers.CharField()
    tries = serializers.IntegerField()
    code = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    give_up_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class MessageDetailSerializer(MessageSerializer):
    exchanges = ExchangeSerializer(many=True)


class _Messages(SellerAPIView):
    def call(self, public_id: str) -> Call:
        rows = Call.objects.for_seller(self.seller).with_table_columns()
        found = rows.filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found


class MessageList(_Messages):
    """Every signed call made to the seller, newest first."""

    @extend_schema(operation_id="seller_interface_messages_list", responses=MessageSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = Call.objects.for_seller(self.seller).with_table_columns()
        found = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response(MessageSerializer(found or [], many=True).data)


class MessageDetail(_Messages):
    """A call with its tries."""

    @extend_schema(operation_id="seller_interface_messages_retrieve", responses=MessageDetailSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(MessageDetailSerializer(self.call(public_id)).data)


class MessageReplay(_Messages):
    """Makes a call again, with the same businessId."""

    @extend_schema(operation_id="seller_interface_messages_replay", request=None, responses=MessageSerializer)
    @idempotent()
    def post(self, request: Request, public_id: str) -> Response:
        replay(self.call(public_id), by=self.actor)
        return Response(MessageSerializer(self.call(public_id)).data)
