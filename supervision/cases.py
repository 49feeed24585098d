"""An open appeal as both portals show it: ground, statements, decision, and every button with why it is off."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from accounts.permissions import Permission, may
from koogallery.kernel.web.parts import StoredFile, Text
from supervision import services
from supervision.acts import acts_of
from supervision.choices import Action, AppealStatus, StatementStatus
from supervision.evidence import files_of
from supervision.models import Appeal, FlowRecord, Ruling, ServiceFlow, StatementRequest


@dataclass(frozen=True, slots=True)
class StatementView:
    """What operations asked a side, and what came."""

    who: Text
    asked: StatementRequest
    files: list[StoredFile]

    @property
    def is_open(self) -> bool:
        return self.asked.status == StatementStatus.ASKED


@dataclass(frozen=True, slots=True)
class Off:
    """A button that cannot be pressed now, and why."""

    label: Text
    why: Text


@dataclass(frozen=True, slots=True)
class CaseView:
    """What a page prints of the appeal that freezes a flow."""

    appeal: Appeal
    who: Text
    phase: Text
    files: list[StoredFile]
    statements: list[StatementView]
    ruling: Ruling | None
    outcome: str
    waived: list[Text]
    review_who: Text
    off: list[Off]


def case_of(flow: ServiceFlow, by: Actor, at: datetime, names: dict[Party, Text]) -> CaseView | None:
    """The open appeal for one side, or None; `flow` with its cases and `records__attachments` prefetched."""
    appeal = services.open_case(flow)
    if appeal is None:
        return None
    records = {entry.pk: entry for entry in flow.records.all()}
    filed = next((entry for entry in records.values() if entry.action == Action.APPEAL), None)
    ruling = appeal.told_ruling()
    waived = appeal.terms().waived
    return CaseView(
        appeal=appeal,
        who=names[Party(appeal.party)],
        phase=_phase(appeal),
        files=files_of(flow, filed, by.party),
        statements=[
            StatementView(names[Party(one.party)], one, _statement_files(flow, one, records, by.party))
            for one in appeal.requests
        ],
        ruling=ruling,
        outcome=services.outcome_text(flow, ruling) if ruling else "",
        waived=[names[side] for side in (Party.BUYER, Party.SELLER) if side in waived],
        review_who=names[Party(appeal.review_party)] if appeal.review_party else "",
        off=_off(flow, by, at),
    )


def _phase(appeal: Appeal) -> Text:
    if appeal.status == AppealStatus.ANNOUNCED:
        return _("Decided, not yet in effect")
    if appeal.reviewed:
        return _("Another operator takes a second look")
    return _("Operations handle the appeal")


def _statement_files(
    flow: ServiceFlow, one: StatementRequest, records: dict[int, FlowRecord], party: Party
) -> list[StoredFile]:
    return files_of(flow, records.get(one.record_id or 0), party)


def _off(flow: ServiceFlow, by: Actor, at: datetime) -> list[Off]:
    """Every button of this side that is off, in the order of the buttons."""
    labels = {act.action: act.button for act in acts_of(by.party)}
    if by.party is Party.BUYER and not may(by.role, Permission.SUPERVISE):
        return []
    found = [Off(labels[action], why) for action, why in services.case_acts(flow, by, at) if why]
    frozen = _("An appeal is being handled.")
    off = [one.action for one in services.frozen_steps(flow, by) if one.action in labels]
    if by.party is Party.BUYER:
        off.append(Action.REMIND)
    return found + [Off(labels[action], frozen) for action in [*off, Action.APPEAL]]
