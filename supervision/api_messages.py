"""REST: messages on a flow, a licence's key, and the seller's own side: who handles a flow, delivery templates."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.models import SellerMember
from accounts.resources import BuyerAPIView, SellerAPIView
from catalog.models import Product
from koogallery.kernel.api.idempotency import idempotent, note_body
from koogallery.kernel.api.input import CleanCharField, StrictIntegerField, StrictSerializer
from koogallery.kernel.api.output import NewestFirst
from koogallery.kernel.errors import InvalidInput
from supervision import services
from supervision.api_input import files_of
from supervision.api_objects import FileSerializer, FlowSerializer, attachments_of, complete, flows_as_json
from supervision.choices import Action
from supervision.evidence import deliveries_of, reached_rounds
from supervision.models import FlowRecord, NoteTemplate, ServiceFlow
from supervision.services.uploads import files_for_a_verb, uploaded


class FlowMessageSerializer(serializers.Serializer[Any]):
    """A message; `mentions` is the number of the operation record that it is about."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    role = serializers.CharField()
    text = serializers.CharField()
    mentions = serializers.IntegerField(allow_null=True)
    attachments = FileSerializer(many=True)


def _message(entry: FlowRecord) -> dict[str, Any]:
    facts = {
        "number": entry.pk,
        "at": entry.at,
        "by": entry.by,
        "role": entry.party,
        "text": entry.note,
        "mentions": entry.mentions_id,
        "attachments": attachments_of(entry),
    }
    return dict(FlowMessageSerializer(facts).data)


class FlowMessageInput(StrictSerializer):
    """What is written. Files come as multipart `attachment`, which may repeat."""

    text = CleanCharField(max_length=1000)
    mentions = StrictIntegerField(min_value=1, allow_null=True, required=False)
    attachment = serializers.ListField(child=serializers.FileField(), required=False)


class RevealInput(StrictSerializer):
    """Which round's key; without it the newest round's that has one."""

    round = StrictIntegerField(min_value=1, max_value=32_767, required=False)


class NewestMessages(NewestFirst):
    column = "at"


class _Messages:
    actor: Actor

    def listed(self, request: Request, flow: ServiceFlow) -> Response:
        pages = NewestMessages()
        rows = FlowRecord.objects.filter(flow=flow, action=Action.MESSAGE).prefetch_related("attachments")
        found = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response([_message(one) for one in found or []])

    def sent(self, request: Request, flow: ServiceFlow) -> Response:
        body: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
        data = {name: body[name] for name in body if name not in ("attachment", "attachments")}
        if isinstance(data.get("mentions"), str) and data["mentions"].isascii() and data["mentions"].isdigit():
            data["mentions"] = int(data["mentions"][:18])  # multipart has only texts
        given = FlowMessageInput(data=data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        sent, ids = files_of(request)
        note_body(request)
        with files_for_a_verb(sent) as checked:

            def write() -> FlowRecord:
                files = [*checked, *uploaded(ids, self.actor)]
                mentions = values.get("mentions")
                return services.send_message(flow, text=values["text"], mentions=mentions, files=files, by=self.actor)

            return self._written(request, write)

    @idempotent()
    def _written(self, request: Request, write: Callable[[], FlowRecord]) -> Response:
        return Response(_message(write()), status=status.HTTP_201_CREATED)


def _one(rows: QuerySet[ServiceFlow], public_id: str) -> ServiceFlow:
    flow = rows.filter(public_id=public_id).first()
    if flow is None:
        raise Http404
    return flow


class FlowMessages(_Messages, BuyerAPIView):
    """What both sides wrote; a message changes nothing and stops no clock."""

    @extend_schema(operation_id="service_flows_messages_list", responses=FlowMessageSerializer(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        return self.listed(request, _one(ServiceFlow.objects.for_account(self.account), public_id))

    @extend_schema(
        operation_id="service_flows_messages_create", request=FlowMessageInput, responses={201: FlowMessageSerializer}
    )
    def post(self, request: Request, public_id: str) -> Response:
        return self.sent(request, _one(ServiceFlow.objects.for_account(self.account), public_id))


class SellerFlowMessages(_Messages, SellerAPIView):
    """What both sides wrote; a message changes nothing and stops no clock."""

    @extend_schema(operation_id="seller_service_flows_messages_list", responses=FlowMessageSerializer(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        return self.listed(request, _one(ServiceFlow.objects.for_seller(self.seller), public_id))

    @extend_schema(
        operation_id="seller_service_flows_messages_create",
        request=FlowMessageInput,
        responses={201: FlowMessageSerializer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        return self.sent(request, _one(ServiceFlow.objects.for_seller(self.seller), public_id))


class KeySerializer(serializers.Serializer[Any]):
    """A license key."""

    round = serializers.IntegerField()
    license_key = serializers.CharField()


class FlowLicenseKey(BuyerAPIView):
    """Shows a license key and records who has seen it. No idempotency key: an answer that is kept would be a leak."""

    @extend_schema(operation_id="service_flows_reveal_license_key", request=RevealInput, responses=KeySerializer)
    def post(self, request: Request, public_id: str) -> Response:
        flow = _one(complete(ServiceFlow.objects.for_account(self.account)), public_id)
        given = RevealInput(data=request.data)
        given.is_valid(raise_exception=True)
        reached = reached_rounds(flow)
        with_key = [one.round for one in deliveries_of(flow) if hasattr(one, "license_key")]
        newest = max((one for one in with_key if one in reached), default=0)
        number = given.validated_data.get("round", newest)
        key = services.reveal_license_key(flow, round=number, by=self.actor)
        response = Response({"round": number, "license_key": key})
        response["Cache-Control"] = "no-store"
        return response


class AssignInput(StrictSerializer):
    """The e-mail address of one of the seller's members; null for nobody."""

    handler = serializers.EmailField(allow_null=True)


class SellerFlowAssign(SellerAPIView):
    """Says who of the seller's people handles a flow; the buyer is not told."""

    @extend_schema(operation_id="seller_service_flows_assign", request=AssignInput, responses=FlowSerializer)
    @idempotent()
    def post(self, request: Request, public_id: str) -> Response:
        rows = ServiceFlow.objects.for_seller(self.seller)
        flow = _one(rows, public_id)
        given = AssignInput(data=request.data)
        given.is_valid(raise_exception=True)
        member, email = None, given.validated_data["handler"]
        if email is not None:
            member = SellerMember.objects.filter(seller=self.seller, user__email__iexact=email).first()
            if member is None:
                raise InvalidInput(errors={"handler": ["This is nobody of your seller's members."]})
        services.assign_handler(flow, member=member, by=self.actor)
        return Response(flows_as_json([complete(rows).get(pk=flow.pk)], self.actor)[0])


class TemplateSerializer(serializers.Serializer[Any]):
    """A delivery template."""

    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    product = serializers.CharField(allow_null=True)


class TemplateInput(StrictSerializer):
    """A delivery template; `product` is a slug of the seller's, or null for all of them."""

    title = CleanCharField(max_length=80)
    text = CleanCharField(max_length=1000)
    product = serializers.SlugField(max_length=80, allow_null=True, default=None)


class _Templates(SellerAPIView):
    def kept(self, public_id: str) -> NoteTemplate:
        found = NoteTemplate.objects.for_seller(self.seller).filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found

    def saved(self, request: Request, template: NoteTemplate | None) -> NoteTemplate:
        given = TemplateInput(data=request.data)
        given.is_valid(raise_exception=True)
        values, product = given.validated_data, None
        if values["product"] is not None:
            product = Product.objects.for_seller(self.seller).filter(slug=values["product"]).first()
            if product is None:
                raise InvalidInput(errors={"product": ["Choose one of your products."]})
        return services.save_note_template(
            template, title=values["title"], text=values["text"], product=product, by=self.actor
        )


class TemplateList(_Templates):
    """The seller's delivery templates."""

    @extend_schema(operation_id="seller_delivery_templates_list", responses=TemplateSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = [one.as_json() for one in NoteTemplate.objects.for_seller(self.seller)]
        return Response({"count": len(found), "next": None, "previous": None, "results": found})

    @extend_schema(
        operation_id="seller_delivery_templates_create", request=TemplateInput, responses={201: TemplateSerializer}
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return Response(self.saved(request, None).as_json(), status=status.HTTP_201_CREATED)


class TemplateDetail(_Templates):
    """One delivery template."""

    @extend_schema(operation_id="seller_delivery_templates_retrieve", responses=TemplateSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.kept(public_id).as_json())

    @extend_schema(operation_id="seller_delivery_templates_update", request=TemplateInput, responses=TemplateSerializer)
    def put(self, request: Request, public_id: str) -> Response:
        return Response(self.saved(request, self.kept(public_id)).as_json())

    @extend_schema(operation_id="seller_delivery_templates_delete", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        services.delete_note_template(self.kept(public_id), by=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
