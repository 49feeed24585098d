"""Appeals: a side asks operations to decide; the flow is frozen until they have (RULES 1.4, 1.5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.outbox import publish
from orders import services as orders
from supervision.choices import Action, AppealStatus, FlowStatus, Purpose, StatementStatus
from supervision.errors import AppealNotAllowed, FlowFrozen
from supervision.events import AppealEnded, AppealFiled, AppealOpened, FlowClosed
from supervision.files import Attachable, CheckedFile, check_files
from supervision.models import Appeal, ServiceFlow
from supervision.rules import STRICTLY, AppealTerms, AppealVerdict, Consequence, appeal_verdict, case_refusal
from supervision.services.acting import acting_on, flow_locked, flows_locked, required_text, step_for, store_files, take


def appeal_terms(flow: ServiceFlow) -> AppealTerms:
    """What the rule needs to know of a flow."""
    return AppealTerms(
        open=flow.is_open,
        already_open=flow.is_frozen,
        waiting_on=Party(flow.waiting_on) if flow.waiting_on else None,
        opens_at=flow.respond_by + STRICTLY if flow.respond_by else None,
        on_acceptance=flow.status == FlowStatus.AWAITING_ACCEPTANCE,
        seller_rejections=flow.seller_rejections,
        buyer_rejections=flow.buyer_rejections,
        appeals_close_at=flow.appeals_close_at,
        ban=settings.APPEAL_BAN_BEFORE_CLOSE,
        silence=flow.within or settings.SILENCE_BEFORE_APPEAL,
        appeal_after=flow.template.appeal_after,
        appeal_on_acceptance_after=flow.template.appeal_on_acceptance_after,
    )


def may_appeal(flow: ServiceFlow, party: Party, at: datetime) -> AppealVerdict:
    """Whether `party` may appeal at `at`, why or why not, and from when."""
    return appeal_verdict(appeal_terms(flow), party, at)


def file_appeal(
    flow: ServiceFlow, *, reason: str, files: Sequence[Attachable] = (), by: Actor, at: datetime | None = None
) -> Appeal:
    """Freeze the flow and hand it to operations.

    Raises:
        AppealNotAllowed: says why and, where the clock will allow it, from when.
        InvalidInput, AttachmentRefused: the reason or a file.
    """
    at = at or clock.now()
    text, checked = required_text(reason, "reason", "a reason"), check_files(files)
    with acting_on(flow, Action.APPEAL, by=by) as flow:
        ground = ground_of_appeal(flow, by.party, at)
        return _file(flow, by.party, ground, text, checked, by=by, at=at)


def ground_of_appeal(flow: ServiceFlow, party: Party, at: datetime) -> str:
    """The rule that opens the appeal to `party` now.

    Raises:
        AppealNotAllowed: says why and, where the clock will allow it, from when.
    """
    verdict = may_appeal(flow, party, at)
    if not verdict.allowed:
        opens = verdict.allowed_from
        raise AppealNotAllowed(verdict.reason, extra={"allowed_from": opens.isoformat() if opens else None})
    return verdict.reason


def _file(
    flow: ServiceFlow,
    party: Party,
    ground: str,
    text: str,
    files: Sequence[CheckedFile] = (),
    *,
    by: Actor,
    at: datetime,
) -> Appeal:
    entry = take(flow, step_for(flow, Action.APPEAL, by.acting_as(party)), by=by, at=at, note=text)
    store_files(entry, files, Purpose.APPEAL)
    appeal = Appeal(flow=flow, party=party, ground=ground, reason=text, filed_at=at)
    appeal.owe_answer(at)
    appeal.save()
    publish(AppealFiled(order_number=flow.order.number, by=str(party), reason=text), at=at)
    return appeal


def tell_appeal_opens(flow: ServiceFlow, notice: Consequence, by: Actor, at: datetime) -> None:
    """The seller was silent for too long: the customer is told, or his appeal is filed for him (see `send_due_notice`).

    The account chooses which; a filed appeal's record says that the platform did it on the account's behalf.
    """
    verdict = may_appeal(flow, notice.party, at)
    if not verdict.allowed:
        return
    if flow.account.appeals_filed_for_us:
        deputy = by.on_behalf_of(flow.account.name)
        text = f"{verdict.reason} Filed automatically, as the account chose in its settings."
        _file(flow, notice.party, verdict.reason, text, by=deputy, at=at)
    else:
        publish(AppealOpened(order_number=flow.order.number, ground=verdict.reason), at=at)


def live_appeal(flow: ServiceFlow) -> Appeal:
    """The appeal that freezes a locked flow, with its case.

    Raises:
        InvalidTransition: there is none.
    """
    appeal = flow.appeals.live().with_case().first()
    if appeal is None:
        raise InvalidTransition("No appeal is being handled.")
    return appeal


def refuse_unless_allowed(appeal: Appeal, action: Action, by: Actor, at: datetime) -> None:
    """Ask the rules whether a side may take `action` in the appeal.

    Raises:
        FlowFrozen: says why not.
    """
    if why := case_refusal(appeal.terms(), action, by.party, at):
        raise FlowFrozen(why)


def drop_statements(appeal: Appeal, at: datetime) -> None:
    """What was asked for is not needed any more."""
    for one in appeal.statements.filter(status=StatementStatus.ASKED):
        one.drop(at)
        one.save()


def withdraw_appeal(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """The appellant takes it back before it is decided: the flow goes on where it stood, and the five days begin anew.

    Raises:
        FlowFrozen: `by` is the other side, or it is decided.
        InvalidTransition: there is no open appeal.
    """
    at = at or clock.now()
    with acting_on(flow, Action.WITHDRAW_APPEAL, by=by) as flow:
        appeal = live_appeal(flow)
        refuse_unless_allowed(appeal, Action.WITHDRAW_APPEAL, by, at)
        if appeal.status == AppealStatus.AWAITING_CONSENT and (waiting := appeal.ruling()):
            waiting.decline()
            waiting.save()
        appeal.withdraw(at)
        appeal.save()
        drop_statements(appeal, at)
        take(flow, step_for(flow, Action.WITHDRAW_APPEAL, by, target=flow.frozen_from), by=by, at=at)
        publish(AppealEnded(order_number=flow.order.number, outcome="The appeal was withdrawn."), at=at)
    return flow


def close_overdue_flow(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the flow's end has come (365 days): it closes and the buyer is refunded (RULES 1.6).

    A flow under appeal does not become due. One whose end passed meanwhile closes when the appeal is over, and not
    before that moment, however late this fires.
    """
    _close_if_overdue(flow_locked(pk), by=by, at=at)


def close_overdue_flows(due: Mapping[int, datetime], *, by: Actor) -> None:
    """Timer: the same for several flows at once."""
    flows = flows_locked(due)
    for pk, at in due.items():
        _close_if_overdue(flows[pk], by=by, at=at)


def _close_if_overdue(flow: ServiceFlow, *, by: Actor, at: datetime) -> None:
    if not flow.is_open or flow.is_frozen or flow.closes_at > at:
        return
    at = max(at, flow.waiting_since)
    reason = "The service flow was not completed in time."
    take(flow, step_for(flow, Action.CLOSE, by), by=by, at=at, note=reason)
    orders.end_locked_with_refund(flow.order, amount=None, reason=reason, by=by, at=at)
    publish(FlowClosed(order_number=flow.order.number, reason=reason), at=at)


def close_with_order(flow: ServiceFlow, *, reason: str, by: Actor, at: datetime) -> None:
    """The order ends for another reason (another deliverer failed): the flow ends with it. Idempotent.

    Raises:
        FlowFrozen: an appeal is open; orders refuse such an end before they come here.
    """
    flow = ServiceFlow.objects.with_table_columns().get(pk=flow.pk)
    if not flow.is_open:
        return
    if flow.is_frozen:
        raise FlowFrozen
    system = by.acting_as(Party.SYSTEM)
    take(flow, step_for(flow, Action.CLOSE, system), by=system, at=at, note=reason)
    publish(FlowClosed(order_number=flow.order.number, reason=reason), at=at)
