"""The forms of service tickets."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from supervision.forms import FilesField
from support.tickets.models import TicketKind
from support.tickets.services import LONGEST_SUBJECT, LONGEST_TEXT


class MessageForm(forms.Form):
    """A text with files."""

    text = forms.CharField(
        label=_("Message"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": _("Enter a message."), "max_length": f"Enter at most {LONGEST_TEXT:,} characters."},
    )
    attachment = FilesField(
        label=_("Attachment"),
        required=False,
        help_text=_(
            "Up to 10 files. Supported formats: BMP, JPG, JPEG, PNG, GIF, DOC, DOCX, XLS, XLSX, PPT, PPTX, PDF, RAR, and ZIP. "
            "Max. file size: 50.0 MB. Do not include passwords."
        ),
    )


class TicketForm(MessageForm):
    """A new ticket. The order or invoice that it was opened from stands in the address."""

    kind = forms.ChoiceField(
        label=_("What it is about"),
        choices=[(one.value, one.label) for one in TicketKind if one != TicketKind.INVOICE_RETURN],
        error_messages={"required": _("Select what it is about.")},
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=LONGEST_SUBJECT,
        error_messages={
            "required": _("Enter a subject."),
            "max_length": f"Enter at most {LONGEST_SUBJECT} characters.",
        },
    )

    field_order = ["kind", "subject", "text", "attachment"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("Description")
        self.fields["text"].error_messages["required"] = _("Describe what you need.")


class ReturnForm(MessageForm):
    """The return of an invoice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("Why the invoice is returned")
        self.fields["text"].error_messages["required"] = _("Say why the invoice is returned.")


class AnswerForm(MessageForm):
    """What operations write, and what it does."""

    outcome = forms.ChoiceField(
        choices=[
            ("answer", _("Answer: it is the customer's turn")),
            ("resolve", _("Answer, and the ticket is resolved")),
            ("note", _("Note for operations only")),
        ]
    )
    field_order = ["text", "attachment", "outcome"]
