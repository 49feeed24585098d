"""REST: service flows for both sides (API.md). Which actions exist is `acts.py`; whether they are allowed, the graph."""

from collections.abc import Callable
from typing import Any

from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView, SellerAPIView
from catalog.choices import FlowType
from koogallery.kernel.api.idempotency import idempotent, note_body
from koogallery.kernel.api.output import NewestFirst
from koogallery.kernel.errors import InvalidInput
from supervision import services
from supervision.api_input import EXTRAS, ActionInput, files_of, texts_of
from supervision.api_objects import FlowSerializer, complete, flows_as_json
from supervision.choices import Action, FlowStatus
from supervision.errors import AttachmentRefused, RequestAttachmentRequired
from supervision.models import ServiceFlow, ServiceFlowQuerySet
from supervision.services.uploads import files_for_a_verb, uploaded
from supervision.views.pages import attachment_file

# Called with the flow, the texts, the files, `by`, and what `EXTRAS` read of the body for the action.
Verb = Callable[..., Any]


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


# Action -> the texts that it takes and the verb behind it.
BUYER_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "submit-request": (
        ("description",),
        lambda flow, texts, files, by: services.submit_request(
            flow, description=texts["description"], files=files, by=by
        ),
    ),
    "accept": ((), lambda flow, _texts, files_of, by: services.accept_delivery(flow, by=by)),
    "reject": (
        ("reason",),
        lambda flow, texts, files, by, **more: services.reject_delivery(
            flow, reason=texts["reason"], files=files, by=by, **more
        ),
    ),
    "confirm-draft": ((), lambda flow, _texts, files_of, by: services.answer_draft(flow, confirmed=True, by=by)),
    "reject-draft": (
        ("reason",),
        lambda flow, texts, files_of, by: services.answer_draft(flow, confirmed=False, reason=texts["reason"], by=by),
    ),
    "remind": ((), lambda flow, _texts, files_of, by: services.send_reminder(flow, by=by)),
    "appeal": (
        ("reason",),
        lambda flow, texts, files, by: services.file_appeal(flow, reason=texts["reason"], files=files, by=by),
    ),
    "withdraw-appeal": ((), lambda flow, _texts, files_of, by: services.withdraw_appeal(flow, by=by)),
    "statement": (
        ("text",),
        lambda flow, texts, files, by: services.give_statement(flow, text=texts["text"], files=files, by=by),
    ),
    "review": (("reason",), lambda flow, texts, files_of, by: services.ask_review(flow, reason=texts["reason"], by=by)),
    "waive-review": ((), lambda flow, _texts, files_of, by: services.waive_review(flow, by=by)),
}
SELLER_VERBS: dict[str, tuple[tuple[str, ...], Verb]] = {
    "confirm": ((), lambda flow, _texts, files_of, by: services.confirm_request(flow, by=by)),
    "reject-request": (
        ("reason",),
        lambda flow, texts, files_of, by: services.reject_request(flow, reason=texts["reason"], by=by),
    ),
    "deliver": (
        ("note",),
        lambda flow, texts, files, by, **more: services.deliver(flow, note=texts["note"], files=files, by=by, **more),
    ),
    "deliver-draft": (
        ("note",),
        lambda flow, texts, files, by: services.deliver_draft(flow, note=texts["note"], files=files, by=by),
    ),
    **{name: BUYER_VERBS[name] for name in ("appeal", "withdraw-appeal", "statement", "review", "waive-review")},
}


class _FlowViews:
    """What both sides' resources share; `rows` is the side's own."""

    actor: Actor
    verbs: dict[str, tuple[tuple[str, ...], Verb]]

    def rows(self) -> ServiceFlowQuerySet:
        raise AssertionError("each side says its rows")

    def found(self, public_id: str) -> ServiceFlow:
        flow = complete(self.rows()).filter(public_id=public_id).first()
        if flow is None:
            raise Http404
        return flow

    def listed(self, request: Request) -> Response:
        pages = NewestFirst()
        rows = complete(_filtered(self.rows(), request))
        return pages.get_paginated_response(flows_as_json(pages.paginate_queryset(rows, request), self.actor))

    def one(self, public_id: str) -> Response:
        return Response(flows_as_json([self.found(public_id)], self.actor)[0])

    def act(self, request: Request, public_id: str, action: str) -> Response:
        """Carry out an action. What the flow's state forbids is told before what is wrong with the body."""
        if action not in self.verbs:
            raise Http404
        flow = self.found(public_id)
        require(self.actor, Permission.SUPERVISE)
        try:
            return self._acted(request, public_id, action)
        except (InvalidInput, AttachmentRefused, RequestAttachmentRequired, serializers.ValidationError):
            services.refuse_out_of_turn(flow, Action(action), by=self.actor)
            raise

    def _acted(self, request: Request, public_id: str, action: str) -> Response:
        """What came with the body is checked, scanned and stored before the transaction of `idempotent` begins."""
        taken, verb = self.verbs[action]
        further, read = EXTRAS.get(action, ((), lambda _request: {}))
        texts, extras = texts_of(request, taken, further), read(request)
        sent, ids = files_of(request)
        note_body(request)
        answers: dict[int, services.Answer] = extras.get("answers", {})
        with files_for_a_verb([*sent, *services.answer_files(answers)]) as checked:
            if answers:
                extras["answers"] = services.with_files(answers, checked[len(sent) :])

            def run(flow: ServiceFlow) -> None:
                verb(flow, texts, [*checked[: len(sent)], *uploaded(ids, self.actor)], self.actor, **extras)

            return self._carried_out(request, public_id, run)

    @idempotent()
    def _carried_out(self, request: Request, public_id: str, verb: Callable[[ServiceFlow], Any]) -> Response:
        verb(self.found(public_id))
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
    def post(self, request: Request, public_id: str, action: str) -> Response:
        return self.act(request, public_id, action)


class SellerFlowFile(_SellerFlows):
    """A file of the flow, as a download."""

    @extend_schema(operation_id="seller_service_flows_attachment", responses={200: OpenApiTypes.BINARY})
    def get(self, request: Request, public_id: str, key: str) -> FileResponse:
        return self.file(public_id, key)
