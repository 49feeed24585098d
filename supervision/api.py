"""REST: service flows for both sides (API.md). Which actions exist is `acts.py`; whether they are allowed, the graph."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Prefetch
from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.resources import BuyerAPIView, SellerAPIView
from catalog.choices import FlowType
from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.output import NewestFirst
from koogallery.kernel.errors import FieldNotTaken
from supervision import services
from supervision.choices import FlowStatus
from supervision.models import FlowRecord, ServiceFlow, ServiceFlowQuerySet
from supervision.views.pages import attachment_file

Verb = Callable[[ServiceFlow, dict[str, str], list[UploadedFile], Actor], Any]


class RecordSerializer(serializers.Serializer[Any]):
    """An operation record."""

    at = serializers.DateTimeField()
    action = serializers.CharField()
    by = serializers.CharField()
    role = serializers.CharField(source="party")
    to = serializers.CharField(source="to_status")
    note = serializers.CharField()
    attachments = serializers.SerializerMethodField()

    def get_attachments(self, entry: FlowRecord) -> list[dict[str, Any]]:
        return [
            {"id": one.public_id, "name": one.name, "size": one.size, "content_type": one.content_type}
            for one in entry.attachments.all()
        ]

    def to_representation(self, instance: FlowRecord) -> dict[str, Any]:
        shown = super().to_representation(instance)
        # "from" is no name that a class body can have.
        return {**shown, "from": instance.from_status or None}


class FlowSerializer(serializers.Serializer[Any]):
    """A service flow as the caller's side sees it."""

    id = serializers.CharField(source="public_id")
    order = serializers.CharField(source="order.number")
    product = serializers.CharField(source="order.product.slug")
    seller = serializers.CharField(source="seller.slug")
    flow_type = serializers.CharField()
    status = serializers.CharField()
    waiting_on = serializers.CharField(allow_null=True)
    waiting_since = serializers.DateTimeField()
    seller_rejections = serializers.IntegerField()
    buyer_rejections = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    allowed_actions = serializers.SerializerMethodField()
    appeal = serializers.SerializerMethodField()
    deadlines = serializers.SerializerMethodField()
    records = RecordSerializer(many=True, source="records.all")

    def get_allowed_actions(self, flow: ServiceFlow) -> list[str]:
        return services.allowed_actions(flow, self.context["by"], self.context["at"])

    def get_appeal(self, flow: ServiceFlow) -> dict[str, Any]:
        verdict = services.may_appeal(flow, self.context["by"].party, self.context["at"])
        opens = verdict.allowed_from.isoformat() if verdict.allowed_from else None
        return {"allowed": verdict.allowed, "reason": verdict.reason, "allowed_from": opens}

    def get_deadlines(self, flow: ServiceFlow) -> dict[str, str]:
        return {name: at.isoformat() for name, at in services.deadlines(flow).items()}


def _complete(rows: ServiceFlowQuerySet) -> ServiceFlowQuerySet:
    records = FlowRecord.objects.prefetch_related("attachments")
    return rows.with_table_columns().prefetch_related(Prefetch("records", records), "appeals")


def _as_json(flows: list[ServiceFlow], by: Actor) -> list[dict[str, Any]]:
    context = {"by": by, "at": clock.now()}
    return FlowSerializer(flows, many=True, context=context).data  # type: ignore[return-value]


def _filtered(rows: ServiceFlowQuerySet, request: Request) -> ServiceFlowQuerySet:
    """`status`, `flow_type` and `order`; an unknown value is refused rather than answered with everything."""
    query = request.query_params
    if status := query.get("status"):
        if status not in FlowStatus.values:
            raise serializers.ValidationError({"status": ["There is no such status."]})
        rows = rows.filter(status=status)
    if flow_type := query.get("flow_type"):
        if flow_type not in FlowType.values:
            raise serializers.ValidationError({"flow_type": ["There is no such flow type."]})
        rows = rows.filter(flow_type=flow_type)
    if order := query.get("order"):
        rows = rows.filter(order__number=order[:20])
    return rows


FILTERS = [
    OpenApiParameter("status", OpenApiTypes.STR, enum=FlowStatus.values),
    OpenApiParameter("flow_type", OpenApiTypes.STR, enum=FlowType.values),
    OpenApiParameter("order", OpenApiTypes.STR),
]


def _files(request: Request) -> list[UploadedFile]:
    """`attachment` and `attachments`, each may repeat."""
    files = getattr(request.data, "getlist", None)
    if files is None:
        return []
    return [one for name in ("attachment", "attachments") for one in files(name) if hasattr(one, "chunks")]


def _texts(request: Request, taken: tuple[str, ...]) -> dict[str, str]:
    """The texts of an action's body.

    Raises:
        FieldNotTaken: a field that the action does not take.
        ValidationError: something else than a text.
    """
    known = {*taken, "attachment", "attachments"}
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    unknown = sorted(set(data) - known)
    if unknown:
        raise FieldNotTaken(errors={name: ["This field is not taken here."] for name in unknown})
    texts = {}
    for name in taken:
        value = data.get(name, "")
        if not isinstance(value, str):
            raise serializers.ValidationError({name: ["Not a valid string."]})
        texts[name] = value
    for name in ("attachment", "attachments"):
        if name in data and not _files(request) and data[name] not in (None, "", []):
            raise serializers.ValidationError({name: ["Send files as multipart/form-data."]})
    return texts


# Action -> the texts that it takes and the verb behind it.
BUYER_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "submit-request": (
        ("description",),
        lambda flow, texts, files, by: services.submit_request(
            flow, description=texts["description"], files=files, by=by
        ),
    ),
    "accept": ((), lambda flow, _texts, _files, by: services.accept_delivery(flow, by=by)),
    "reject": (
        ("reason",),
        lambda flow, texts, files, by: services.reject_delivery(flow, reason=texts["reason"], files=files, by=by),
    ),
    "confirm-draft": ((), lambda flow, _texts, _files, by: services.answer_draft(flow, confirmed=True, by=by)),
    "reject-draft": (
        ("reason",),
        lambda flow, texts, _files, by: services.answer_draft(flow, confirmed=False, reason=texts["reason"], by=by),
    ),
    "remind": ((), lambda flow, _texts, _files, by: services.send_reminder(flow, by=by)),
    "appeal": (
        ("reason",),
        lambda flow, texts, files, by: services.file_appeal(flow, reason=texts["reason"], files=files, by=by),
    ),
    "withdraw-appeal": ((), lambda flow, _texts, _files, by: services.withdraw_appeal(flow, by=by)),
}
SELLER_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "confirm": ((), lambda flow, _texts, _files, by: services.confirm_request(flow, by=by)),
    "reject-request": (
        ("reason",),
        lambda flow, texts, _files, by: services.reject_request(flow, reason=texts["reason"], by=by),
    ),
    "deliver": (
        ("note",),
        lambda flow, texts, files, by: services.deliver(flow, note=texts["note"], files=files, by=by),
    ),
    "deliver-draft": (
        ("note",),
        lambda flow, texts, files, by: services.deliver_draft(flow, note=texts["note"], files=files, by=by),
    ),
    "appeal": BUYER_VERBS["appeal"],
    "withdraw-appeal": BUYER_VERBS["withdraw-appeal"],
}


class _FlowViews:
    """What both sides' resources share; `rows` is the side's own."""

    actor: Actor
    verbs: dict[str, tuple[tuple[str, ...], Verb]]

    def rows(self) -> ServiceFlowQuerySet:
        raise AssertionError("each side says its rows")

    def found(self, public_id: str) -> ServiceFlow:
        flow = _complete(self.rows()).filter(public_id=public_id).first()
        if flow is None:
            raise Http404
        return flow

    def listed(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = _complete(_filtered(self.rows(), request))
        return pages.get_paginated_response(_as_json(pages.paginate_queryset(rows, request), self.actor))

    def one(self, public_id: str) -> Response:
        return Response(_as_json([self.found(public_id)], self.actor)[0])

    def act(self, request: Request, public_id: str, action: str) -> Response:
        flow = self.found(public_id)
        if action not in self.verbs:
            raise Http404
        taken, verb = self.verbs[action]
        verb(flow, _texts(request, taken), _files(request), self.actor)
        return self.one(public_id)

    def file(self, public_id: str, key: str) -> FileResponse:
        return attachment_file(self.found(public_id), key)


class _BuyerFlows(_FlowViews, BuyerAPIView):
    verbs = BUYER_VERBS

    def rows(self) -> ServiceFlowQuerySet:
        return ServiceFlow.objects.for_account(self.account)


class _SellerFlows(_FlowViews, SellerAPIView):
    verbs = SELLER_VERBS

    def rows(self) -> ServiceFlowQuerySet:
        return ServiceFlow.objects.for_seller(self.seller)


class ActionInput(serializers.Serializer[Any]):
    """An action's body; which of these an action takes is in API.md. Files come as multipart and may repeat."""

    description = serializers.CharField(required=False, max_length=1000)
    reason = serializers.CharField(required=False, max_length=1000)
    note = serializers.CharField(required=False, max_length=1000)
    attachment = serializers.ListField(child=serializers.FileField(), required=False)


class FlowList(_BuyerFlows):
    """The account's service flows."""

    @extend_schema(operation_id="service_flows_list", parameters=FILTERS, responses=FlowSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(request)


class FlowDetail(_BuyerFlows):
    """One service flow."""

    @extend_schema(operation_id="service_flows_retrieve", responses=FlowSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.one(public_id)


class FlowAction(_BuyerFlows):
    """An action of the buyer."""

    @extend_schema(operation_id="service_flows_act", request=ActionInput, responses={200: FlowSerializer})
    @idempotent()
    def post(self, request: Request, public_id: str, action: str) -> Response:
        return self.act(request, public_id, action)


class FlowFile(_BuyerFlows):
    """A file of the flow, as a download."""

    @extend_schema(operation_id="service_flows_attachment", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, public_id: str, key: str) -> FileResponse:
        return self.file(public_id, key)


class SellerFlowList(_SellerFlows):
    """The seller's service flows."""

    @extend_schema(operation_id="seller_service_flows_list", parameters=FILTERS, responses=FlowSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.listed(request)


class SellerFlowDetail(_SellerFlows):
    """One service flow."""

    @extend_schema(operation_id="seller_service_flows_retrieve", responses=FlowSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.one(public_id)


class SellerFlowAction(_SellerFlows):
    """An action of the seller."""

    @extend_schema(operation_id="seller_service_flows_act", request=ActionInput, responses={200: FlowSerializer})
    @idempotent()
    def post(self, request: Request, public_id: str, action: str) -> Response:
        return self.act(request, public_id, action)


class SellerFlowFile(_SellerFlows):
    """A file of the flow, as a download."""

    @extend_schema(operation_id="seller_service_flows_attachment", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, public_id: str, key: str) -> FileResponse:
        return self.file(public_id, key)
