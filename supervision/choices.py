"""The words of service flows: API.md's codes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FlowStatus(models.TextChoices):
    """Where a flow stands. How each reads in the filter and in the table is in `graph.py` (UX 3.4)."""

    AWAITING_REQUEST = "awaiting_request", _("Waiting for the user to submit the request")
    AWAITING_CONFIRMATION = "awaiting_confirmation", _("Waiting for the seller to confirm the request")
    AWAITING_DRAFT = "awaiting_draft", _("Waiting for the seller to deliver the draft")
    AWAITING_DRAFT_CONFIRMATION = "awaiting_draft_confirmation", _("Waiting for the user to confirm the draft")
    AWAITING_DELIVERY = "awaiting_delivery", _("Waiting for the seller to deliver the service")
    PLATFORM_REVIEW = "platform_review", _("Reviews Service")
    AWAITING_ACCEPTANCE = "awaiting_acceptance", _("Waiting for the user to confirm acceptance")
    UNDER_APPEAL = "under_appeal", _("Waiting for the operations team to handle")
    COMPLETED = "completed", _("Service completed")
    CLOSED = "closed", _("Service closed")


ENDED = (FlowStatus.COMPLETED, FlowStatus.CLOSED)
OPEN = tuple(status for status in FlowStatus if status not in ENDED)


class Action(models.TextChoices):
    """Everything that happens to a flow; the values are the names of the API's action endpoints where it has one."""

    OPEN = "open", _("Order paid")
    SUBMIT_REQUEST = "submit-request", _("Request submitted")
    CONFIRM = "confirm", _("Request confirmed")
    REJECT_REQUEST = "reject-request", _("Request rejected")
    DELIVER_DRAFT = "deliver-draft", _("Draft delivered")
    CONFIRM_DRAFT = "confirm-draft", _("Draft confirmed")
    REJECT_DRAFT = "reject-draft", _("Draft rejected")
    DELIVER = "deliver", _("Service delivered")
    APPROVE = "approve", _("Platform review passed")
    RETURN = "return", _("Returned by platform review")
    ACCEPT = "accept", _("Service accepted")
    REJECT = "reject", _("Delivery rejected")
    REMIND = "remind", _("Reminder sent")
    MESSAGE = "message", _("Message")
    REVEAL_KEY = "reveal-license-key", _("License key shown")
    REVEAL_PASSWORD = "reveal-password", _("Application password shown")
    APPEAL = "appeal", _("Appeal submitted")
    WITHDRAW_APPEAL = "withdraw-appeal", _("Appeal withdrawn")
    ASK_STATEMENT = "ask-statement", _("Statement asked for")
    STATEMENT = "statement", _("Statement given")
    STATEMENT_SILENCE = "statement-silence", _("No statement given in time")
    PROPOSE_DECISION = "propose-decision", _("Decision waits for another operator's confirmation")
    DROP_DECISION = "drop-decision", _("Decision not confirmed")
    DECIDE = "decide", _("Appeal decided, not yet in effect")
    REVIEW = "review", _("Second look asked for")
    WAIVE_REVIEW = "waive-review", _("Second look waived")
    DECIDE_RESUME = "decide-resume", _("Appeal decided: resume")
    DECIDE_REDELIVER = "decide-redeliver", _("Appeal decided: deliver again")
    DECIDE_ACCEPT = "decide-accept", _("Appeal decided: accepted for the customer")
    DECIDE_REFUND = "decide-refund", _("Appeal decided: ended with a refund")
    CLOSE = "close", _("Service closed")
    REMINDED = "reminded", _("Reminded by the platform")
    ACCEPT_BY_SILENCE = "accept-by-silence", _("Accepted by silence")


# What is recorded between the steps; a message is not about one of these.
BESIDE_STEPS = (Action.MESSAGE, Action.REVEAL_KEY, Action.REVEAL_PASSWORD)


class AttachmentRule(models.TextChoices):
    """Whether a step takes files."""

    NONE = "none", _("No files")
    OPTIONAL = "optional", _("Optional")
    MANDATORY = "mandatory", _("Mandatory")


class ReviewRule(models.TextChoices):
    """Whether operations review a delivery before the buyer sees it (RULES 1.2, S4)."""

    JOINT_OPERATION = "joint_operation", _("Only joint-operation products")
    ALWAYS = "always", _("Always")
    NEVER = "never", _("Never")


class Silence(models.TextChoices):
    """What it brings when the side whose turn it is does nothing."""

    REMIND = "remind", _("It is reminded")
    APPEAL = "appeal", _("The other side may appeal")
    ACCEPT = "accept", _("The delivery counts as accepted")
    CLOSE = "close", _("The service flow closes and the customer is refunded")


class Effect(models.TextChoices):
    """What a step does besides moving the flow."""

    COUNT_SELLER_REJECTION = "count_seller_rejection", _("One more rejection by the seller is counted")
    COUNT_BUYER_REJECTION = "count_buyer_rejection", _("One more rejection by the customer is counted")
    NEW_ROUND = "new_round", _("A new round of delivery begins")
    FREEZE = "freeze", _("The service flow is frozen")
    RESET_COUNTERS = "reset_counters", _("Rejections are counted anew")
    START_TERM = "start_term", _("The term begins; the order completes later")
    REFUND = "refund", _("The customer is refunded")


class Guard(models.TextChoices):
    """What must hold, besides the turn, before a step may be taken; the rules are in `rules.py` and the services."""

    APPEAL_RULE = "appeal_rule", _("an appeal is allowed (five days of silence, or rejections)")
    APPELLANT = "appellant", _("it is the side that appealed")
    FLOW_ENDED = "flow_ended", _("the time of the whole service flow is over")
    SILENT = "silent", _("the customer was silent to the end and the delivery is not empty")


class Purpose(models.TextChoices):
    """What a file belongs to."""

    REQUEST = "request", _("Request")
    DELIVERY = "delivery", _("Delivery")
    REJECTION = "rejection", _("Rejection")
    APPEAL = "appeal", _("Appeal")
    MESSAGE = "message", _("Message")
    STATEMENT = "statement", _("Statement")


class AppealStatus(models.TextChoices):
    """An appeal's life. The flow is frozen while it is live, that is until it is withdrawn or its decision is in effect."""

    OPEN = "open", _("Waits for a decision")
    AWAITING_CONSENT = "awaiting_consent", _("Waits for another operator's confirmation")
    ANNOUNCED = "announced", _("Decided, not yet in effect")
    UNDER_REVIEW = "under_review", _("Waits for the second look")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    DECIDED = "decided", _("Decided")


LIVE_APPEALS = (AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT, AppealStatus.ANNOUNCED, AppealStatus.UNDER_REVIEW)
# Operations owe an answer: the service level's clock runs.
UNANSWERED = (AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT, AppealStatus.UNDER_REVIEW)


class RulingStatus(models.TextChoices):
    """A decision's life."""

    AWAITING_CONSENT = "awaiting_consent", _("Waits for another operator's confirmation")
    ANNOUNCED = "announced", _("Not yet in effect")
    IN_EFFECT = "in_effect", _("In effect")
    REPLACED = "replaced", _("Replaced by the second look")
    DECLINED = "declined", _("Declined")
    LAPSED = "lapsed", _("Lapsed")


class StatementStatus(models.TextChoices):
    """What became of a request for a statement."""

    ASKED = "asked", _("Asked")
    GIVEN = "given", _("Given")
    MISSED = "missed", _("Not given in time")
    DROPPED = "dropped", _("No longer needed")


class Decision(models.TextChoices):
    """What operations may decide (RULES 1.5)."""

    RESUME = "resume", _("Resume at the frozen step")
    REDELIVER = "redeliver", _("Send back to the seller to deliver")
    ACCEPT = "accept", _("Accept for the customer")
    REFUND = "refund", _("End with a refund")


class UploadStatus(models.TextChoices):
    """A staged upload's life."""

    RECEIVING = "receiving", _("Receiving")
    READY = "ready", _("Ready")
    ATTACHED = "attached", _("Attached")
