"""The verbs of service flows, called by both portals, the API, operations and timers alike."""

from supervision.services.appeals import (
    close_overdue_flow,
    close_with_order,
    file_appeal,
    may_appeal,
    withdraw_appeal,
)
from supervision.services.delivering import Answer, answer_files, with_files
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
from supervision.services.impartial import is_partial, require_impartial
from supervision.services.messages import message_refusal, send_message
from supervision.services.offers import (
    DEADLINES,
    allowed_actions,
    case_acts,
    deadlines,
    frozen_steps,
    last_reminder,
    last_reminders,
    may_act,
    offered_steps,
    open_case,
    reminder_refusal,
)
from supervision.services.portal import (
    assign_handler,
    confirm_requests,
    delete_note_template,
    save_note_template,
)
from supervision.services.requests import confirm_request, open_flow, reject_request, submit_request
from supervision.services.reveals import reveal_application, reveal_license_key
from supervision.services.rulings import (
    ask_review,
    bring_into_effect,
    confirm_ruling,
    decide_appeal,
    decline_ruling,
    escalate_appeal,
    lapse_ruling,
    outcome_text,
    waive_review,
)
from supervision.services.silence import accept_silent_delivery, send_due_notice
from supervision.services.statements import ask_statement, give_statement, miss_statement, until_text
from supervision.services.templates import publish_template

__all__ = [
    "DEADLINES",
    "DELIVERER",
    "Answer",
    "accept_delivery",
    "accept_silent_delivery",
    "allowed_actions",
    "answer_draft",
    "answer_files",
    "approve_delivery",
    "ask_review",
    "ask_statement",
    "assign_handler",
    "bring_into_effect",
    "case_acts",
    "close_overdue_flow",
    "close_with_order",
    "confirm_request",
    "confirm_requests",
    "confirm_ruling",
    "deadlines",
    "decide_appeal",
    "decline_ruling",
    "delete_note_template",
    "deliver",
    "deliver_draft",
    "escalate_appeal",
    "file_appeal",
    "frozen_steps",
    "give_statement",
    "is_partial",
    "lapse_ruling",
    "last_reminder",
    "last_reminders",
    "may_act",
    "may_appeal",
    "message_refusal",
    "miss_statement",
    "offered_steps",
    "open_case",
    "open_flow",
    "outcome_text",
    "publish_template",
    "reject_delivery",
    "reject_request",
    "reminder_refusal",
    "require_impartial",
    "return_delivery",
    "reveal_application",
    "reveal_license_key",
    "save_note_template",
    "send_due_notice",
    "send_message",
    "send_reminder",
    "submit_request",
    "until_text",
    "waive_review",
    "with_files",
    "withdraw_appeal",
]
