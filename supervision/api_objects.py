"""What the API shows of a service flow: its serializers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from supervision import services
from supervision.choices import Action
from supervision.evidence import criteria_lines, deliveries_of, requests_of, with_evidence
from supervision.models import Appeal, FlowRecord, Ruling, ServiceFlow, ServiceFlowQuerySet


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
    by = serializers.SerializerMethodField()
    role = serializers.CharField(source="party")
    to = serializers.CharField(source="to_status")
    note = serializers.CharField()
    failed_criteria = serializers.ListField(child=serializers.CharField())
    attachments = serializers.SerializerMethodField()

    def get_by(self, entry: FlowRecord) -> str:
        return entry.author_for(self.context["by"].party)

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
        return money.as_json() if money else None


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
        shown = [one for one in flow.records.all() if one.action != Action.MESSAGE]
        return RecordSerializer(shown, many=True, context=self.context).data

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
