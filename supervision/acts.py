"""Every act of a buyer or seller on a flow as its page shows it: words, inputs, and the verb behind it.

The same list serves the dialogs and the pages without JavaScript; labels and dialog texts are the guide's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.actor import Party
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel.web.formats import time_text
from supervision import services
from supervision.choices import Action
from supervision.models import ServiceFlow
from supervision.words import reminders_text

Text = str | Promise
# Called with the flow, the text, the files, `by`, and what else the act's form took (forms.ActForm.more).
Run = Callable[..., Any]

ACCEPTANCE_QUESTION = _(
    "Has the service been completely provisioned? If you still have any question, please contact the seller before "
    "confirming acceptance. The service cannot be unsubscribed from after provision completion."
)


@dataclass(frozen=True, slots=True)
class Act:
    """One act.

    Attributes:
        path: its part of the address.
        button: on the details page; `operation`: in the table's Operation column.
        question: the dialog's text; acts with inputs show it below them.
        text: the name of the text input ("description", "reason", "note"), or empty; `label`: its label.
        required: whether the text must be given.
        files: whether files may come with it.
        done: the flash afterwards.
        danger: whether it takes something away from the other side.
        tell: the flash where it says more than `done`, made of the flow afterwards.
    """

    action: Action
    party: Party
    path: str
    title: Text
    button: Text
    question: Text
    done: Text
    run: Run
    operation: Text = ""
    text: str = ""
    label: Text = ""
    required: bool = False
    files: bool = False
    danger: bool = False
    tell: Callable[[ServiceFlow], Text] | None = None

    def title_of(self, product: Product) -> Text:
        """The guide's dialog of acceptance is headed otherwise for professional services (4.2, step 4)."""
        service = product.delivery_method == DeliveryMethod.PROFESSIONAL_SERVICE
        return _("Confirmed") if self.action == Action.ACCEPT and service else self.title

    def done_text(self, outcome: Any) -> Text:
        """The flash, of what the verb returned."""
        return self.tell(outcome) if self.tell else self.done

    @property
    def ok(self) -> Text:
        """The guide's dialogs say OK; a form repeats its button."""
        return self.button if self.text else _("OK")


BUYER, SELLER = Party.BUYER, Party.SELLER


def _when_printed(text: Callable[[], str]) -> Callable[[], str]:
    return lazy(text, str)


# Numbers of the settings, read when a page prints them.
@_when_printed
def _reminding() -> str:
    return f"{gettext('The seller gets a message and an e-mail that it is his turn.')} {reminders_text()}"


@_when_printed
def _appealed() -> str:
    days = settings.APPEAL_WORKING_DAYS
    text = ngettext(
        "The appeal was submitted. Operations handle it within %(n)d working day.",
        "The appeal was submitted. Operations handle it within %(n)d working days.",
        days,
    )
    return text % {"n": days}


def _accepted(flow: ServiceFlow) -> Text:
    """When the order completes, if nothing else of it has yet to be delivered (UX 3.3)."""
    if flow.order.completes_at is None:
        return _("Service accepted.")
    time = time_text(flow.order.completes_at, "clock")
    return gettext("Service accepted. The order changes to Completed at %(time)s.") % {"time": time}


def _case_acts(party: Party) -> list[Act]:
    """What either side may do while an appeal freezes the flow."""
    return [
        Act(Action.STATEMENT, party, "statement", _("Give statement"), _("Give statement"),
            _("Operations and the other side read it. It cannot be changed afterwards."),
            _("Your statement was given to operations."),
            lambda flow, text, files, by: services.give_statement(flow, text=text, files=files, by=by),
            text="text", label=_("Statement"), required=True, files=True),
        Act(Action.REVIEW, party, "review", _("Ask for a second look"), _("Ask for a second look"),
            _("Another operator decides. There is one second look only, and its decision is final."),
            _("Another operator takes a second look."),
            lambda flow, text, _files, by: services.ask_review(flow, reason=text, by=by),
            text="reason", label=_("Reason"), required=True),
        Act(Action.WAIVE_REVIEW, party, "waive-review", _("Waive the second look"), _("Waive the second look"),
            _("You do without a second look. The decision takes effect at once when both sides have waived it."),
            _("You waived the second look."), lambda flow, _text, _files, by: services.waive_review(flow, by=by)),
    ]  # fmt: skip


ACTS: tuple[Act, ...] = (
    Act(Action.SUBMIT_REQUEST, BUYER, "request", _("Submit Request"), _("Submit request"),
        _("After submitting the requirement, wait for the seller to confirm the request."),
        _("Your request was submitted. The seller confirms it next."),
        lambda flow, text, files, by: services.submit_request(flow, description=text, files=files, by=by),
        operation=_("Submit Request"), text="description", label=_("Requirement Description"), required=True, files=True),
    Act(Action.ACCEPT, BUYER, "accept", _("Confirm Acceptance"), _("Accept service"), ACCEPTANCE_QUESTION,
        _("Service accepted."), lambda flow, _text, _files, by: services.accept_delivery(flow, by=by),
        operation=_("Confirm Acceptance"), tell=_accepted),
    Act(Action.REJECT, BUYER, "reject", _("Reject service"), _("Reject service"),
        _("The delivery goes back to the seller, who delivers again."), _("The delivery was rejected."),
        lambda flow, text, files, by, **more: services.reject_delivery(flow, reason=text, files=files, by=by, **more),
        text="reason", label=_("Reason"), required=True, files=True, danger=True),
    Act(Action.CONFIRM_DRAFT, BUYER, "confirm-draft", _("Confirm draft"), _("Confirm draft"),
        _("The seller delivers what the draft shows."), _("The draft was confirmed."),
        lambda flow, _text, _files, by: services.answer_draft(flow, confirmed=True, by=by),
        operation=_("Confirm draft")),
    Act(Action.REJECT_DRAFT, BUYER, "reject-draft", _("Reject draft"), _("Reject draft"),
        _("The seller makes another draft."), _("The draft was rejected."),
        lambda flow, text, _files, by: services.answer_draft(flow, confirmed=False, reason=text, by=by),
        text="reason", label=_("Reason"), required=True, danger=True),
    Act(Action.REMIND, BUYER, "remind", _("Send reminder to seller"), _("Send reminder to seller"),
        _reminding(),
        _("The reminder was sent."), lambda flow, _text, _files, by: services.send_reminder(flow, by=by),
        operation=_("Reminder")),
    Act(Action.APPEAL, BUYER, "appeal", _("Appeal"), _("Submit appeal"),
        _("The service flow is frozen. An operations manager decides; you and the seller cannot act until then."),
        _appealed(),
        lambda flow, text, files, by: services.file_appeal(flow, reason=text, files=files, by=by),
        text="reason", label=_("Reason"), required=True, files=True),
    Act(Action.WITHDRAW_APPEAL, BUYER, "withdraw-appeal", _("Withdraw appeal"), _("Withdraw appeal"),
        _("The service flow goes on where it was frozen."), _("The appeal was withdrawn."),
        lambda flow, _text, _files, by: services.withdraw_appeal(flow, by=by)),
    *_case_acts(BUYER),
    *_case_acts(SELLER),
    Act(Action.CONFIRM, SELLER, "confirm", _("Confirm request"), _("Confirm request"),
        _("You take the request on and deliver the service next."), _("The request was confirmed. Deliver next."),
        lambda flow, _text, _files, by: services.confirm_request(flow, by=by), operation=_("Confirm request")),
    Act(Action.REJECT_REQUEST, SELLER, "reject-request", _("Reject request"), _("Reject request"),
        _("The customer submits another request. The last of these rejections lets either side appeal."),
        _("The request was rejected."),
        lambda flow, text, _files, by: services.reject_request(flow, reason=text, by=by),
        text="reason", label=_("Reason"), required=True, danger=True),
    Act(Action.DELIVER_DRAFT, SELLER, "deliver-draft", _("Deliver draft"), _("Deliver draft"),
        _("The customer confirms or rejects the draft."), _("The draft was delivered."),
        lambda flow, text, files, by: services.deliver_draft(flow, note=text, files=files, by=by),
        operation=_("Deliver draft"), text="note", label=_("Note"), files=True),
    Act(Action.DELIVER, SELLER, "deliver", _("Deliver service"), _("Deliver service"),
        _("The customer accepts or rejects the delivery. Give a note, files, or both, and an answer to each acceptance criterion."),
        _("The delivery was sent to the customer."),
        lambda flow, text, files, by, **more: services.deliver(flow, note=text, files=files, by=by, **more),
        operation=_("Deliver service"), text="note", label=_("Note"), files=True),
    Act(Action.APPEAL, SELLER, "appeal", _("Appeal"), _("Submit appeal"),
        _("The service flow is frozen. An operations manager decides; neither side can act until then."),
        _appealed(),
        lambda flow, text, files, by: services.file_appeal(flow, reason=text, files=files, by=by),
        text="reason", label=_("Reason"), required=True, files=True),
    Act(Action.WITHDRAW_APPEAL, SELLER, "withdraw-appeal", _("Withdraw appeal"), _("Withdraw appeal"),
        _("The service flow goes on where it was frozen."), _("The appeal was withdrawn."),
        lambda flow, _text, _files, by: services.withdraw_appeal(flow, by=by)),
)  # fmt: skip


def acts_of(party: Party) -> list[Act]:
    """The acts of one side, in the order of the buttons."""
    return [act for act in ACTS if act.party is party]


def act_named(party: Party, path: str) -> Act | None:
    """The act behind an address, or None."""
    return next((act for act in acts_of(party) if act.path == path), None)


def offered(flow: ServiceFlow, allowed: list[str], party: Party) -> list[Act]:
    """The acts that are allowed now."""
    return [act for act in acts_of(party) if act.action in allowed]
