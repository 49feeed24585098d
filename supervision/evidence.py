"""What was asked, delivered, answered, rejected and said on a flow, as every side's page shows it.

`with_evidence` reads it in a fixed number of queries; everything else works on what was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actor import Party
from koogallery.kernel.web.parts import StoredFile
from orders import ports
from orders.ports import ApplicationInformation
from supervision.choices import Action
from supervision.differences import Piece, differences
from supervision.models import Appeal, Attachment, Delivery, FlowRecord, RequestRevision, ServiceFlow
from supervision.models import ServiceFlowQuerySet as Flows
from supervision.services.messages import rounds_that_reached_the_buyer


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """An acceptance criterion with the seller's answer in one round; `failed_in`: rounds in which it was rejected."""

    number: int
    text: str
    answer: str = ""
    file: StoredFile | None = None
    failed_in: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the version before: texts by label, names of files that came and went."""

    since: int
    texts: list[tuple[str, list[Piece]]]
    files_added: list[str]
    files_removed: list[str]

    @property
    def nothing(self) -> bool:
        return not (self.texts or self.files_added or self.files_removed)


@dataclass(frozen=True, slots=True)
class Version:
    """A revision of the request."""

    number: int
    at: datetime
    by: str
    text: str
    files: list[StoredFile]
    criteria: list[str]
    change: Change | None


@dataclass(frozen=True, slots=True)
class Round:
    """A round of delivery with what became of it: the record that rejected or returned it, if any."""

    number: int
    at: datetime
    by: str
    note: str
    files: list[StoredFile]
    lines: list[CriterionLine]
    has_key: bool
    key_url: str
    has_application: bool
    change: Change | None
    refused: FlowRecord | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message between the two sides; `about` is the step that it mentions."""

    number: int
    at: datetime
    by: str
    own: bool
    text: str
    files: list[StoredFile]
    about: FlowRecord | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it, newest first."""

    requests: list[Version]
    rounds: list[Round]
    messages: list[Message]
    criteria: list[CriterionLine]

    @property
    def request(self) -> Version | None:
        return self.requests[0] if self.requests else None

    @property
    def delivery(self) -> Round | None:
        return self.rounds[0] if self.rounds else None


def with_evidence(rows: Flows, rulings: "Prefetch[Any] | str" = "appeals__rulings") -> Flows:
    """Flows with everything that a page of one prints, in a fixed number of queries.

    `rulings`: how the decisions on appeals are read, where a page prints who made them.
    """
    # What a record began hangs on it, and comes with it.
    records = FlowRecord.objects.select_related("request__criteria", "delivery__criteria", "delivery__license_key")
    return (
        rows.with_table_columns()
        .select_related("criteria", "handler__user")
        .prefetch_related(
            Prefetch("records", records.prefetch_related("attachments")),
            Prefetch("appeals", Appeal.objects.with_statements()),
            rulings,
        )
    )


def requests_of(flow: ServiceFlow) -> list[RequestRevision]:
    """The revisions, the first one first, of a flow that `with_evidence` read."""
    found = [one.request for one in flow.records.all() if hasattr(one, "request")]
    return sorted(found, key=lambda one: one.number)


def deliveries_of(flow: ServiceFlow) -> list[Delivery]:
    """The rounds, the first one first, of a flow that `with_evidence` read."""
    found = [one.delivery for one in flow.records.all() if hasattr(one, "delivery")]
    return sorted(found, key=lambda one: one.round)


def reached_rounds(flow: ServiceFlow) -> set[int]:
    """The rounds that the platform's review did not hold back from the buyer."""
    begins = {one.record_id: one.round for one in deliveries_of(flow)}
    return rounds_that_reached_the_buyer(flow.records.all(), begins)


def applications_given(flow: ServiceFlow) -> Mapping[int, ApplicationInformation]:
    """The versions of application information that the rounds gave; asked for once, and only where a round gave one."""
    known: Mapping[int, ApplicationInformation] | None = getattr(flow, "_applications_given", None)
    if known is None:
        some = any(one.application for one in deliveries_of(flow))
        known = ports.applications().versions(flow.order) if some else {}
        flow._applications_given = known  # type: ignore[attr-defined]
    return known


def attachment_url(flow: ServiceFlow, key: str, party: Party) -> str:
    """Where one side downloads a file."""
    if party is Party.OPERATIONS:
        return reverse("admin:supervision_platformreview_file", args=[flow.pk, key])
    name = "supervision:seller_attachment" if party is Party.SELLER else "supervision:attachment"
    return reverse(name, args=[flow.order.number, key])


def stored_file(flow: ServiceFlow, one: Attachment, party: Party) -> StoredFile:
    """A file with the address that this side downloads it from."""
    return StoredFile(one.name, one.size, attachment_url(flow, one.public_id, party))


def files_of(flow: ServiceFlow, entry: FlowRecord | None, party: Party) -> list[StoredFile]:
    """The files of a record, if there is one."""
    return [stored_file(flow, one, party) for one in entry.attachments.all()] if entry else []


def evidence_of(flow: ServiceFlow, party: Party) -> Evidence:
    """What `party` reads of a flow that `with_evidence` read."""
    records = {one.pk: one for one in flow.records.all()}
    return Evidence(
        requests=_versions(flow, records, party),
        rounds=_rounds(flow, records, party),
        messages=[_message(flow, one, records, party) for one in records.values() if one.action == Action.MESSAGE],
        criteria=criteria_lines(flow, party),
    )


def criteria_lines(flow: ServiceFlow, party: Party) -> list[CriterionLine]:
    """The criteria that the flow is pinned to, with the newest round's answers and the rounds that failed each.

    For whoever decides: the seller's page, the buyer's, the platform's review, an appeal.
    """
    records = {one.pk: one for one in flow.records.all()}
    deliveries = deliveries_of(flow)
    failed = _failed(deliveries, records)
    if deliveries and deliveries[-1].criteria_id == flow.criteria_id:
        return _lines(flow, deliveries[-1], records, failed, party)
    lines = flow.criteria.lines if flow.criteria else []
    return [CriterionLine(number, text, failed_in=failed.get(text, [])) for number, text in enumerate(lines, 1)]


def _failed(deliveries: list[Delivery], records: dict[int, FlowRecord]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for delivery in deliveries:
        refused = _refusal_of(delivery, deliveries, records)
        for text in refused.failed_criteria if refused else []:
            found.setdefault(text, []).append(delivery.round)
    return found


def _refusal_of(delivery: Delivery, deliveries: list[Delivery], records: dict[int, FlowRecord]) -> FlowRecord | None:
    """The record that rejected or returned a round, before the next round."""
    following = [one.record_id for one in deliveries if one.record_id > delivery.record_id]
    end = min(following, default=None)
    return next(
        (
            one
            for one in records.values()
            if one.action in (Action.REJECT, Action.RETURN)
            and one.pk > delivery.record_id
            and (end is None or one.pk < end)
        ),
        None,
    )


def _lines(
    flow: ServiceFlow,
    delivery: Delivery,
    records: dict[int, FlowRecord],
    failed: dict[str, list[int]],
    party: Party,
) -> list[CriterionLine]:
    texts = delivery.criteria.lines if delivery.criteria else []
    files = {one.public_id: one for one in records[delivery.record_id].attachments.all()}
    lines = []
    for number, (text, answer) in enumerate(zip(texts, delivery.answers, strict=True), 1):
        file = files.get(answer["file"])
        shown = stored_file(flow, file, party) if file else None
        lines.append(CriterionLine(number, text, answer["text"], shown, failed.get(text, [])))
    return lines


def _versions(flow: ServiceFlow, records: dict[int, FlowRecord], party: Party) -> list[Version]:
    rows = requests_of(flow)
    changes: list[Change | None] = [None]
    for old, new in pairwise(rows):
        texts = _changed([("", old.description, new.description)])
        changes.append(_change(old.number, texts, records[old.record_id], records[new.record_id]))
    found = [
        Version(
            one.number,
            records[one.record_id].at,
            records[one.record_id].by,
            one.description,
            files_of(flow, records[one.record_id], party),
            one.criteria.lines if one.criteria else [],
            change,
        )
        for one, change in zip(rows, changes, strict=bool(rows))
    ]
    return found[::-1]


def _rounds(flow: ServiceFlow, records: dict[int, FlowRecord], party: Party) -> list[Round]:
    rows = deliveries_of(flow)
    failed = _failed(rows, records)
    reached = reached_rounds(flow)
    changes: list[Change | None] = [None]
    given = applications_given(flow)
    for old, new in pairwise(rows):
        told = party is Party.SELLER or (party is Party.BUYER and new.round in reached)
        pairs = [("", old.note, new.note), *_application_pairs(given, new.application, told=told)]
        if old.criteria_id == new.criteria_id and new.criteria:
            answered = zip(new.criteria.lines, old.answers, new.answers, strict=True)
            pairs += [(line, before["text"], after["text"]) for line, before, after in answered]
        changes.append(_change(old.round, _changed(pairs), records[old.record_id], records[new.record_id]))
    found = []
    for one, change in zip(rows, changes, strict=bool(rows)):
        entry = records[one.record_id]
        answered_with = {answer["file"] for answer in one.answers}
        has_key = hasattr(one, "license_key")
        shows = has_key and party is Party.BUYER and one.round in reached
        found.append(
            Round(
                one.round,
                entry.at,
                entry.by,
                one.note,
                [
                    stored_file(flow, file, party)
                    for file in entry.attachments.all()
                    if file.public_id not in answered_with
                ],
                _lines(flow, one, records, failed, party),
                has_key,
                reverse("supervision:license_key", args=[flow.order.number, one.round]) if shows else "",
                one.application is not None,
                change,
                _refusal_of(one, rows, records),
            )
        )
    return found[::-1]


def _application_pairs(
    given: Mapping[int, ApplicationInformation], version: int | None, *, told: bool
) -> list[tuple[str, str, str]]:
    """What a round's application information changed since the version before; of a password, only that it did.

    Args:
        told: whether the reader may see usernames and addresses, or only that something is new.
    """
    if version is None:
        return []
    new, old = given[version], given.get(version - 1)
    if not told:
        return [(_("Application Information"), "", _("given again") if old else _("given"))]
    return [
        (_("Username"), old.username if old else "", new.username),
        (_("Password"), *_passwords(old, new)),
        (_("Management URL"), old.management_url if old else "", new.management_url),
        (_("Frontend URL"), old.frontend_url if old else "", new.frontend_url),
    ]


def _passwords(old: ApplicationInformation | None, new: ApplicationInformation) -> tuple[str, str]:
    """Two words that differ when the passwords do."""
    before = _("given") if old and old.has_password else ""
    if not new.has_password:
        return before, ""
    return before, (_("another one given") if before and new.password_changed else _("given"))


def _changed(pairs: list[tuple[str, str, str]]) -> list[tuple[str, list[Piece]]]:
    return [(label, differences(before, after)) for label, before, after in pairs if before != after]


def _change(since: int, texts: list[tuple[str, list[Piece]]], old: FlowRecord, new: FlowRecord) -> Change:
    """Files are the same when their content is: a file with the same name may have another."""
    before = {one.sha256: one.name for one in old.attachments.all()}
    after = {one.sha256: one.name for one in new.attachments.all()}
    return Change(
        since,
        texts,
        [name for digest, name in after.items() if digest not in before],
        [name for digest, name in before.items() if digest not in after],
    )


def _message(flow: ServiceFlow, entry: FlowRecord, records: dict[int, FlowRecord], party: Party) -> Message:
    return Message(
        number=entry.pk,
        at=entry.at,
        by=entry.by,
        own=entry.party == party,
        text=entry.note,
        files=files_of(flow, entry, party),
        about=records.get(entry.mentions_id) if entry.mentions_id else None,
    )
