"""The verbs of service flows, called by both portals, the API, operations and timers alike."""

from supervision.services.appeals import (
    close_overdue_flow,
    close_with_order,
    decide_appeal,
    file_appeal,
    may_appeal,
    withdraw_appeal,
)
from supervision.services.delivery import (
    DELIVERER,
    accept_delivery,
    answer_draft,
    approve_delivery,
    deliver,
    deliver_draft,
    reject_delivery,
    return_delivery,
    send_reminder,
)
from supervision.services.offers import allowed_actions, deadlines, offered_steps, reminder_refusal
from supervision.services.requests import confirm_request, open_flow, reject_request, submit_request

__all__ = [
    "DELIVERER",
    "accept_delivery",
    "allowed_actions",
    "answer_draft",
    "approve_delivery",
    "close_overdue_flow",
    "close_with_order",
    "confirm_request",
    "deadlines",
    "decide_appeal",
    "deliver",
    "deliver_draft",
    "file_appeal",
    "may_appeal",
    "offered_steps",
    "open_flow",
    "reject_delivery",
    "reject_request",
    "reminder_refusal",
    "return_delivery",
    "send_reminder",
    "submit_request",
    "withdraw_appeal",
]
