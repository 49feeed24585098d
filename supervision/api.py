"""REST: service flows for both sides (API.md). Which actions exist is `acts.py`; whether they are allowed, the graph."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor, Party
from accounts.resources import BuyerAPIView, SellerAPIView
from catalog.choices import FlowType
from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import refuse_constant, without_duplicates
from koogallery.kernel.api.output import NewestFirst
from koogallery.kernel.errors import FieldNotTaken
from orders import ports
from supervision import services
from supervision.choices import Action, FlowStatus
from supervision.evidence import criteria_lines, deliveries_of, requests_of, with_evidence
from supervision.models import Appeal, FlowRecord, Ruling, ServiceFlow, ServiceFlowQuerySet
from supervision.services.uploads import files_for_a_verb, uploaded
from supervision.views.pages import attachment_file

# Called with the flow, the texts, the files, `by`, and what `EXTRAS` read of the body for the action.
Verb = Callable[..., Any]


def attachments_of(entry: FlowRecord) -> list[dict[str, Any]]:
    """The files of a record; each is downloaded at the flow's `attachments/{id}/`."""
    return [
        {"id": one.public_id, "name": one.name, "size": one.size, "content_type": one.content_type}
        for one in entry.attachments.all()
    ]


class RecordSerializer(serializers.Serializer[Any]):
    """An operation record; a message may mention its number."""

    number = serializers.IntegerField(source="pk")
    at = serializers.DateTimeField()
    action = serializers.CharField()
    by = serializers.CharField()
    role = serializers.CharField(source="party")
    to = serializers.CharField(source="to_status")
    note = serializers.CharField()
    failed_criteria = serializers.ListField(child=serializers.CharField())
    attachments = serializers.SerializerMethodField()

    def get_attachments(self, entry: FlowRecord) -> list[dict[str, Any]]:
        return attachments_of(entry)

    def to_representation(self, instance: FlowRecord) -> dict[str, Any]:
        shown = super().to_representation(instance)
        # "from" is no name that a class body can have.
        return {**shown, "from": instance.from_status or None}


class CriterionSerializer(serializers.Serializer[Any]):
    """An acceptance criterion that the flow is pinned to."""

    number = serializers.IntegerField()
    text = serializers.CharField()
    failed_in_rounds = serializers.ListField(child=serializers.IntegerField())


class FileSerializer(serializers.Serializer[Any]):
    """A file of a record."""

    id = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    content_type = serializers.CharField()


class RequestSerializer(serializers.Serializer[Any]):
    """A revision of the request."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    description = serializers.CharField()
    attachments = FileSerializer(many=True)


class AnswerSerializer(serializers.Serializer[Any]):
    """The answer to one criterion."""

    criterion = serializers.IntegerField()
    text = serializers.CharField()
    attachment = serializers.CharField(allow_null=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """A round of delivery; a license key is shown by `reveal-license-key/` alone, an application's password by the
    subscription's `reveal-password/`."""

    round = serializers.IntegerField()
    at = serializers.DateTimeField()
    note = serializers.CharField()
    answers = AnswerSerializer(many=True)
    has_license_key = serializers.BooleanField()
    has_application = serializers.BooleanField()
    attachments = FileSerializer(many=True)


class StatementSerializer(serializers.Serializer[Any]):
    """A statement that operations asked a side for; the files are its record's."""

    party = serializers.CharField()
    question = serializers.CharField()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    status = serializers.CharField()
    text = serializers.CharField()


class RulingSerializer(serializers.Serializer[Any]):
    """A decision; what waits for another operator's confirmation is not told yet."""

    decision = serializers.CharField()
    reason = serializers.CharField()
    status = serializers.CharField()
    second_look = serializers.BooleanField()
    refund = serializers.SerializerMethodField()
    deliver_by = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField()

    def get_refund(self, ruling: Ruling) -> dict[str, str] | None:
        money = ruling.money(ruling.appeal.flow.order.currency)
        return {"amount": str(money.amount), "currency": money.currency} if money else None


class AppealSerializer(serializers.Serializer[Any]):
    """The appeal that freezes the flow."""

    status = serializers.CharField()
    by = serializers.CharField(source="party")
    ground = serializers.CharField()
    reason = serializers.CharField()
    filed_at = serializers.DateTimeField()
    answer_due_at = serializers.DateTimeField()
    takes_effect_at = serializers.DateTimeField(allow_null=True)
    statements = StatementSerializer(many=True, source="requests")
    decision = serializers.SerializerMethodField()
    waived_by = serializers.SerializerMethodField()
    review = serializers.SerializerMethodField()

    def get_decision(self, appeal: Appeal) -> dict[str, Any] | None:
        ruling = appeal.told_ruling()
        return RulingSerializer(ruling).data if ruling else None

    def get_waived_by(self, appeal: Appeal) -> list[str]:
        return sorted(str(one) for one in appeal.terms().waived)

    def get_review(self, appeal: Appeal) -> dict[str, Any] | None:
        if appeal.review_asked_at is None:
            return None
        return {"by": appeal.review_party, "reason": appeal.review_reason, "asked_at": appeal.review_asked_at}


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
    criteria = serializers.SerializerMethodField()
    requests = serializers.SerializerMethodField()
    deliveries = serializers.SerializerMethodField()
    handler = serializers.SerializerMethodField()
    records = serializers.SerializerMethodField()

    @extend_schema_field(CriterionSerializer(many=True))
    def get_criteria(self, flow: ServiceFlow) -> list[dict[str, Any]]:
        lines = criteria_lines(flow, self.context["by"].party)
        return [{"number": one.number, "text": one.text, "failed_in_rounds": one.failed_in} for one in lines]

    @extend_schema_field(RequestSerializer(many=True))
    def get_requests(self, flow: ServiceFlow) -> list[dict[str, Any]]:
        records = {one.pk: one for one in flow.records.all()}
        found = [
            {
                "number": one.number,
                "at": records[one.record_id].at,
                "description": one.description,
                "attachments": attachments_of(records[one.record_id]),
            }
            for one in requests_of(flow)
        ]
        return RequestSerializer(found, many=True).data  # type: ignore[return-value]

    @extend_schema_field(DeliverySerializer(many=True))
    def get_deliveries(self, flow: ServiceFlow) -> list[dict[str, Any]]:
        records = {one.pk: one for one in flow.records.all()}
        found = [
            {
                "round": one.round,
                "at": records[one.record_id].at,
                "note": one.note,
                "answers": [
                    {"criterion": number, "text": answer["text"], "attachment": answer["file"] or None}
                    for number, answer in enumerate(one.answers, 1)
                ],
                "has_license_key": hasattr(one, "license_key"),
                "has_application": one.application is not None,
                "attachments": attachments_of(records[one.record_id]),
            }
            for one in deliveries_of(flow)
        ]
        return DeliverySerializer(found, many=True).data  # type: ignore[return-value]

    def get_handler(self, flow: ServiceFlow) -> str | None:
        """The seller's own business: who of his people handles it; null for the buyer."""
        if self.context["by"].party is not Party.SELLER or flow.handler is None:
            return None
        return flow.handler.user.email

    @extend_schema_field(RecordSerializer(many=True))
    def get_records(self, flow: ServiceFlow) -> Any:
        """Messages have an address of their own."""
        return RecordSerializer([one for one in flow.records.all() if one.action != Action.MESSAGE], many=True).data

    def get_allowed_actions(self, flow: ServiceFlow) -> list[str]:
        return services.allowed_actions(flow, self.context["by"], self.context["at"])

    def get_appeal(self, flow: ServiceFlow) -> dict[str, Any]:
        verdict = services.may_appeal(flow, self.context["by"].party, self.context["at"])
        opens = verdict.allowed_from.isoformat() if verdict.allowed_from else None
        case = services.open_case(flow)
        return {
            "allowed": verdict.allowed,
            "reason": verdict.reason,
            "allowed_from": opens,
            "case": AppealSerializer(case, context=self.context).data if case else None,
        }

    @extend_schema_field(
        {
            "type": "object",
            "description": "What becomes due when, the same for both sides. A name is absent when nothing of it is due.",
            "properties": {
                name: {"type": "string", "format": "date-time", "description": meaning}
                for name, meaning in services.DEADLINES.items()
            },
        }
    )
    def get_deadlines(self, flow: ServiceFlow) -> dict[str, str]:
        return {name: at.isoformat() for name, at in services.deadlines(flow).items()}


def complete(rows: ServiceFlowQuerySet) -> ServiceFlowQuerySet:
    return with_evidence(rows)


def flows_as_json(flows: list[ServiceFlow], by: Actor) -> list[dict[str, Any]]:
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


def files_of(request: Request) -> tuple[list[UploadedFile], list[str]]:
    """`attachment` and `attachments`: files of a multipart body, each may repeat, and ids of finished uploads.

    Raises:
        ValidationError: neither of them.
    """
    data: Any = request.data
    values: list[Any] = []
    for name in ("attachment", "attachments"):
        given = data.getlist(name) if hasattr(data, "getlist") else data.get(name)
        several = given if isinstance(given, list) else [given]
        if not all(hasattr(one, "chunks") or isinstance(one, str) or one is None for one in several):
            raise serializers.ValidationError(
                {name: ["Send files as multipart/form-data, or the ids of finished uploads."]}
            )
        values += [one for one in several if one]
    return [one for one in values if not isinstance(one, str)], [one for one in values if isinstance(one, str)]


def _json(given: Any, name: str) -> Any:
    """A value of the body; in multipart it comes as JSON text."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
    except (ValueError, RecursionError, ParseError) as error:
        raise serializers.ValidationError({name: ["Write it as JSON."]}) from error


def _delivery_extras(request: Request) -> dict[str, Any]:
    """`answers`: an object of texts by the criterion's number; a file for one is the multipart field `answer_N`.

    `license_key`: a text. `application`: an object.
    """
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    given = _json(data.get("answers", {}), "answers") or {}
    if not isinstance(given, dict) or not all(
        re.fullmatch("[1-9][0-9]?", str(number)) and isinstance(text, str) for number, text in given.items()
    ):
        why = 'Write the answers as texts by the number of their criterion: {"1": "..."}.'
        raise serializers.ValidationError({"answers": [why]})
    answers = {int(number): services.Answer(text) for number, text in given.items()}
    for name, file in (request.FILES or {}).items():
        if found := _ANSWER_FILE.fullmatch(name):
            number = int(found[1])
            answers[number] = services.Answer(answers[number].text if number in answers else "", file)
    key = data.get("license_key", "")
    if not isinstance(key, str):
        raise serializers.ValidationError({"license_key": ["Not a valid string."]})
    return {"answers": answers, "license_key": key, "application": _application(data.get("application"))}


def _application(given: Any) -> ports.ApplicationGiven | None:
    """`application`: an object of texts; none of them is ever part of an answer's body again but by a reveal."""
    given = _json(given, "application")
    if given is None or given == "":
        return None
    names = ApplicationInput().fields
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise serializers.ValidationError({"application": ["Write it as an object of texts."]})
    if unknown := sorted(set(given) - set(names)):
        raise FieldNotTaken(errors={f"application_{name}": ["This field is not taken here."] for name in unknown})
    return ports.ApplicationGiven(**given)


def _rejection_extras(request: Request) -> dict[str, Any]:
    """`failed_criteria`: a list of numbers from 1."""
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    given = _json(data.get("failed_criteria", []), "failed_criteria") or []
    if not isinstance(given, list) or not all(type(one) is int for one in given):
        raise serializers.ValidationError({"failed_criteria": ["Write a list of the criteria's numbers: [1, 3]."]})
    return {"failed": given}


_ANSWER_FILE = re.compile("answer_([1-9][0-9]?)")
# Action -> the further names of its body, and how they are read.
EXTRAS: dict[str, tuple[tuple[str, ...], Callable[[Request], dict[str, Any]]]] = {
    "deliver": (("answers", "license_key", "application"), _delivery_extras),
    "reject": (("failed_criteria",), _rejection_extras),
}


def _texts(request: Request, taken: tuple[str, ...], further: tuple[str, ...] = ()) -> dict[str, str]:
    """The texts of an action's body; `further` names are read elsewhere.

    Raises:
        FieldNotTaken: a field that the action does not take.
        ValidationError: something else than a text.
    """
    known = {*taken, *further, "attachment", "attachments"}
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    answer_files = {name for name in request.FILES or {} if "answers" in further and _ANSWER_FILE.fullmatch(name)}
    unknown = sorted(set(data) - known - answer_files)
    if unknown:
        raise FieldNotTaken(errors={name: ["This field is not taken here."] for name in unknown})
    texts = {}
    for name in taken:
        value = data.get(name, "")
        if not isinstance(value, str):
            raise serializers.ValidationError({name: ["Not a valid string."]})
        texts[name] = value
    return texts


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
        """What came with the body is checked, scanned and stored before the transaction of `idempotent` begins."""
        if action not in self.verbs:
            raise Http404
        self.found(public_id)
        taken, verb = self.verbs[action]
        further, read = EXTRAS.get(action, ((), lambda _request: {}))
        texts, extras = _texts(request, taken, further), read(request)
        sent, ids = files_of(request)
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


class ApplicationInput(serializers.Serializer[Any]):
    """What the buyer of SaaS logs in with; `frontend_url` is needed."""

    username = serializers.CharField(required=False, max_length=128)
    password = serializers.CharField(required=False, max_length=128, write_only=True)
    frontend_url = serializers.CharField(max_length=512)
    management_url = serializers.CharField(required=False, max_length=512)


class ActionInput(serializers.Serializer[Any]):
    """An action's body; which of these an action takes is in API.md.

    Files come as multipart and may repeat; in JSON `attachments` names finished uploads by their ids.
    """

    description = serializers.CharField(required=False, max_length=1000)
    reason = serializers.CharField(required=False, max_length=1000)
    text = serializers.CharField(required=False, max_length=1000)
    note = serializers.CharField(required=False, max_length=1000)
    attachment = serializers.ListField(child=serializers.FileField(), required=False)
    answers = serializers.DictField(child=serializers.CharField(max_length=1000), required=False)
    license_key = serializers.CharField(required=False, max_length=1000)
    application = ApplicationInput(required=False)
    failed_criteria = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False)
    attachments = serializers.ListField(child=serializers.CharField(), required=False)


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
