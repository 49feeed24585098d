"""The lists of both portals: tabs, order number, Service Flow and Service Status with counts (guide 3.3, 4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from catalog.choices import FlowType
from koogallery.kernel import clock
from koogallery.kernel.web.parts import Link
from supervision.acts import Act, acts_of
from supervision.choices import Action, FlowStatus
from supervision.models import ServiceFlow, ServiceFlowQuerySet
from supervision.services import last_reminders, may_act, may_appeal, offered_steps, reminder_refusal
from supervision.words import state

PAGE_SIZE = 20
LONGEST_NAME = 100
FLOW_ORDER = (FlowType.STANDARD, FlowType.WEBSITE, FlowType.SAAS, FlowType.LICENSE, FlowType.NAAS_5G)
STATUS_ORDER = (
    FlowStatus.AWAITING_REQUEST,
    FlowStatus.AWAITING_CONFIRMATION,
    FlowStatus.AWAITING_DRAFT,
    FlowStatus.AWAITING_DRAFT_CONFIRMATION,
    FlowStatus.AWAITING_DELIVERY,
    FlowStatus.PLATFORM_REVIEW,
    FlowStatus.AWAITING_ACCEPTANCE,
    FlowStatus.UNDER_APPEAL,
    FlowStatus.COMPLETED,
    FlowStatus.CLOSED,
)
GUIDES_STATUSES = set(FlowStatus) - {
    FlowStatus.AWAITING_DRAFT,
    FlowStatus.AWAITING_DRAFT_CONFIRMATION,
    FlowStatus.CLOSED,
}
# The quick tabs of each side: label and the status of the rows that wait for it.
TABS = {
    Party.BUYER: (
        (_("Submit Requests"), FlowStatus.AWAITING_REQUEST),
        (_("Accept Requests"), FlowStatus.AWAITING_ACCEPTANCE),
    ),
    Party.SELLER: (
        (_("Confirm Requests"), FlowStatus.AWAITING_CONFIRMATION),
        (_("Deliver Services"), FlowStatus.AWAITING_DELIVERY),
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One flow in a list: its badge, its page, the links of its Operation column, whether the reader's turn is overdue."""

    flow: ServiceFlow
    badge_kind: str
    specification: str
    url: str
    mine: bool
    late: bool
    operations: list[Link]


@dataclass(frozen=True, slots=True)
class FlowList:
    """What a list prints."""

    page: "Page[Any]"
    tabs: list[Link]
    flow_types: list[Link]
    statuses: list[Link]
    by_product: bool
    number: str
    filtered: bool
    any: bool


def _row(flow: ServiceFlow, by: Actor, at: datetime, last_reminder: datetime | None) -> Row:
    seller = by.party is Party.SELLER
    number = flow.order.number
    url = reverse("supervision:seller_detail" if seller else "supervision:detail", args=[number])
    view_details = Link(_("View Details"), url)
    acts = [
        Link(
            act.operation or act.title,
            reverse(f"supervision:{'seller_act' if seller else 'act'}", args=[number, act.path]),
        )
        for act in _operations(flow, by, at, last_reminder)
    ]
    return Row(
        flow=flow,
        badge_kind=f"flow.{flow.flow_type}",
        specification=", ".join(line.specification_name for line in flow.order.lines.all()),
        url=url,
        mine=flow.waiting_on == by.party,
        late=flow.respond_by is not None and flow.respond_by < at,
        # What is the reader's turn stands first; what he may do about the other side's silence, last.
        operations=[*acts, view_details] if flow.waiting_on == by.party else [view_details, *acts],
    )


def _operations(flow: ServiceFlow, by: Actor, at: datetime, last_reminder: datetime | None) -> list[Act]:
    """The guide's Operation column: Submit Request, Confirm Acceptance, Reminder; and Appeal, once it is allowed."""
    steps = {one.action for one in offered_steps(flow, by)}
    found = [act for act in acts_of(by.party) if act.operation and act.action in steps][:1]
    wanted = set()
    if may_act(by):
        if reminder_refusal(flow, by, at, last_reminder) is None:
            wanted.add(Action.REMIND)
        if may_appeal(flow, by.party, at).allowed:
            wanted.add(Action.APPEAL)
    return found + [act for act in acts_of(by.party) if act.action in wanted]


def _address(request: HttpRequest, **changes: str) -> str:
    query = QueryDict(mutable=True)
    for name in ("status", "flow_type", "by", "number", "mine"):
        value = changes.get(name, request.GET.get(name, ""))
        if value:
            query[name] = value
    return f"?{query.urlencode()}" if query else "?"


def _found(rows: ServiceFlowQuerySet, text: str, *, by_product: bool) -> ServiceFlowQuerySet:
    """What the search field is about: the beginning of an order number, or a part of a product's name."""
    if by_product:
        return rows.filter(order__product__name__icontains=text)
    return rows.filter(order__number__startswith=text) if text.isascii() and text.isalnum() else rows.none()


def flow_list(request: HttpRequest, rows: ServiceFlowQuerySet, by: Actor) -> FlowList:
    """The filtered list in six queries: counts by type, by status, the count, the page, its lines and reminders."""
    status, flow_type = request.GET.get("status", ""), request.GET.get("flow_type", "")
    by_product = request.GET.get("by") == "product"
    number = request.GET.get("number", "").strip()
    number = number[:LONGEST_NAME] if by_product else number.upper()[:20]
    status = status if status in FlowStatus.values else ""
    flow_type = flow_type if flow_type in FlowType.values else ""
    numbered = _found(rows, number, by_product=by_product) if number else rows
    by_type = (numbered.filter(status=status) if status else numbered).counts("flow_type")
    by_status = (numbered.filter(flow_type=flow_type) if flow_type else numbered).counts("status")
    shown = numbered.filter(**({"status": status} if status else {}), **({"flow_type": flow_type} if flow_type else {}))
    shown = shown.with_table_columns().prefetch_related("order__lines").waiting_first(by.party)
    page: Page[Any] = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    flows, at = list(page.object_list), clock.now()
    reminders = last_reminders(flows) if by.party is Party.BUYER else {}
    page.object_list = [_row(flow, by, at, reminders.get(flow.pk)) for flow in flows]
    tabs = [
        Link(label, _address(request, status=one), current=status == one, count=by_status.get(one, 0))
        for label, one in TABS[by.party]
    ]
    tabs.append(Link(_("All"), _address(request, status=""), current=not status, count=sum(by_status.values())))
    flow_types = [Link(_("All"), _address(request, flow_type=""), current=not flow_type, count=sum(by_type.values()))]
    flow_types += [
        Link(one.label, _address(request, flow_type=one), current=flow_type == one, count=by_type.get(one, 0))
        for one in FLOW_ORDER
    ]
    statuses = [Link(_("All"), _address(request, status=""), current=not status, count=sum(by_status.values()))]
    statuses += [
        Link(
            state(one, flow_type).filter_label,
            _address(request, status=one),
            current=status == one,
            count=by_status.get(one, 0),
        )
        for one in STATUS_ORDER
        # The guide's row, with what it does not have (drafts, closed flows) only where there are such.
        if one in GUIDES_STATUSES or by_status.get(one) or status == one
    ]
    return FlowList(
        page=page,
        tabs=tabs,
        flow_types=flow_types,
        statuses=statuses,
        by_product=by_product,
        number=number,
        filtered=bool(status or flow_type or number),
        any=bool(by_type or by_status),
    )
