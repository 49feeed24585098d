"""The inputs of an act: a text and files, answers to criteria, lines that failed; the seller's portal's forms."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import Seller, SellerMember
from catalog.choices import FlowType
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.web.formats import time_text
from orders import ports
from supervision.acts import Act
from supervision.choices import Action
from supervision.errors import AttachmentRefused
from supervision.files import Attachable
from supervision.models import FlowRecord, NoteTemplate, ServiceFlow, Upload
from supervision.services import Answer
from supervision.services.acting import LONGEST_TEXT
from supervision.services.uploads import uploaded

# More than may be attached; the service says so.
MOST_IDS = 50

REQUIRED = {"description": "a requirement description", "text": "your statement"}


class SeveralFiles(forms.ClearableFileInput):
    """A file input that takes more than one."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Cleans to a list of uploads; the service checks their types and sizes."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data]
        return [one for one in given if one]


class AnswerField(forms.CharField):
    """A text that may be empty when there is a file instead; the service tells which line has neither."""

    def validate(self, value: Any) -> None:
        """Empty is no fault of the text alone."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        widget.is_required = False
        return super().widget_attrs(widget)


def application_fields() -> dict[str, forms.Field]:
    """Application Information as the guide's page names it (3.3); the service says what is wrong with each.

    The password is not printed again when the form was refused, and never trimmed.
    """
    quiet = {"autocomplete": "off", "spellcheck": "false"}
    secret = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
    return {
        "application_username": forms.CharField(
            label=_("Username"), required=False, widget=forms.TextInput(attrs=quiet)
        ),
        "application_password": forms.CharField(
            label=_("Password"),
            required=False,
            strip=False,
            widget=secret,
            help_text=_(
                "Kept encrypted; the customer has it shown, and each time is recorded. You do not see it again."
            ),
        ),
        "application_management_url": forms.CharField(
            label=_("Management URL"), required=False, widget=forms.URLInput(attrs=quiet)
        ),
        "application_frontend_url": forms.CharField(
            label=_("Frontend URL"), required=False, widget=forms.URLInput(attrs=quiet)
        ),
    }


class FilesForm(forms.Form):
    """A form whose files come with it as `attachment`, or were staged before and are named as `uploads`."""

    takes_files = True
    by: Actor | None = None

    @property
    def _staged_ids(self) -> list[str]:
        names = self.data.getlist("uploads") if self.takes_files and hasattr(self.data, "getlist") else []
        return [str(one) for one in names[:MOST_IDS]]

    @property
    def staged(self) -> list[Upload]:
        """The staged uploads that the form came with: a form that is refused shows them again."""
        if self.by is None or not self._staged_ids:
            return []
        return list(Upload.objects.for_owner(self.by).open(clock.now()).filter(public_id__in=self._staged_ids))

    @property
    def files_given(self) -> list[Attachable]:
        """Everything that is to be attached.

        Raises:
            AttachmentRefused: a staged upload is not there any more.
        """
        sent: list[UploadedFile] = self.cleaned_data.get("attachment", [])
        if self.by is None and self._staged_ids:
            raise AttachmentRefused
        return uploaded([*sent, *self._staged_ids], self.by) if self.by else list(sent)


class ActForm(FilesForm):
    """Made for one act of a flow: its text under the act's name, and its files.

    A delivery also answers each criterion that the flow is pinned to (`answer_1`, `answer_file_1`) and may give a
    licence's key or, for SaaS, application information; a rejection names the criteria that failed.
    """

    def __init__(
        self,
        act: Act,
        flow: ServiceFlow,
        *args: Any,
        files_required: bool = False,
        by: Actor | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.act, self.by, self.takes_files = act, by, act.files
        self.lines: list[str] = flow.criteria.lines if flow.criteria else []
        if act.action == Action.REJECT and self.lines:
            self.fields["failed_criteria"] = forms.TypedMultipleChoiceField(
                label=_("Acceptance criteria that the delivery does not meet"),
                coerce=int,
                choices=[(number, line) for number, line in enumerate(self.lines, 1)],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
            self.fields["failed_criteria"].required = True
            self.fields["failed_criteria"].error_messages["required"] = _(
                "Select the acceptance criteria that the delivery does not meet."
            )
        if act.text:
            self.fields[act.text] = forms.CharField(
                label=str(act.label),
                required=act.required,
                max_length=LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 6}),
                error_messages={
                    "required": f"Enter {REQUIRED.get(act.text, 'a reason')}.",
                    "max_length": f"Enter at most {LONGEST_TEXT:,} characters.",
                },
            )
        if act.files:
            self.fields["attachment"] = FilesField(label="Attachment", required=False)
            # The star is printed where the flow's template asks for a file; the service refuses without one.
            self.fields["attachment"].required = files_required
        if act.action == Action.DELIVER:
            self._delivery_fields(flow)

    def _delivery_fields(self, flow: ServiceFlow) -> None:
        if flow.flow_type == FlowType.LICENSE:
            self.fields["license_key"] = forms.CharField(
                label=_("License key"),
                required=False,
                strip=True,
                max_length=LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
                help_text=_("Kept encrypted; the customer has it shown, and each time is recorded. Or attach a file."),
            )
        if ports.applications().taken_for(flow.order):
            self.fields |= application_fields()
        for number, line in enumerate(self.lines, 1):
            self.fields[f"answer_{number}"] = AnswerField(
                label=_("Criterion %(number)d: %(line)s") % {"number": number, "line": line},
                help_text=_("Answer with a text, a file, or both."),
                max_length=LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
            self.fields[f"answer_file_{number}"] = forms.FileField(
                label=_("File for criterion %(number)d") % {"number": number}, required=False
            )

    @property
    def more(self) -> dict[str, Any]:
        """What the act's verb takes besides text and files."""
        given = self.cleaned_data
        if self.act.action == Action.REJECT:
            return {"failed": given.get("failed_criteria", [])}
        if self.act.action != Action.DELIVER:
            return {}
        answers = {
            number: Answer(given.get(f"answer_{number}", ""), given.get(f"answer_file_{number}"))
            for number in range(1, len(self.lines) + 1)
        }
        answers = {number: one for number, one in answers.items() if one.text or one.file}
        names = ("username", "password", "frontend_url", "management_url")
        application = ports.ApplicationGiven(**{name: given.get(f"application_{name}", "") for name in names})
        return {"answers": answers, "license_key": given.get("license_key", ""), "application": application}

    @property
    def text(self) -> str:
        return str(self.cleaned_data.get(self.act.text, "")) if self.act.text else ""


class MessageForm(FilesForm):
    """A message to the other side, with files, about a step if wished."""

    text = forms.CharField(
        label=_("Message"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Enter a message.")},
    )
    mentions = forms.TypedChoiceField(label=_("About"), required=False, coerce=int, empty_value=None)
    attachment = FilesField(label=_("Attachment"), required=False)

    def __init__(self, steps: list[FlowRecord], *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        named = [(one.pk, f"{Action(one.action).label}, {time_text(one.at)}") for one in steps]
        self.fields["mentions"].choices = [("", _("The service as a whole")), *named]  # type: ignore[attr-defined]


class NoteTemplateForm(forms.Form):
    """A delivery template."""

    title = forms.CharField(label=_("Title"), max_length=80)
    product = forms.ModelChoiceField(
        Product.objects.none(), label=_("Product"), required=False, empty_label=_("All products")
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("It fills the note of a delivery, where you can still change it."),
    )

    def __init__(self, seller: Seller, *args: Any, template: NoteTemplate | None = None, **kwargs: Any) -> None:
        if template:
            kwargs["initial"] = {"title": template.title, "text": template.text, "product": template.product_id}
        super().__init__(*args, **kwargs)
        own = Product.objects.for_seller(seller).filter(supervised=True).only("name").order_by("name")
        self.fields["product"].queryset = own  # type: ignore[attr-defined]


class MemberChoice(forms.ModelChoiceField):
    """People by their names."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.user.get_full_name())


class HandlerForm(forms.Form):
    """Who of the seller's people handles a flow."""

    member = MemberChoice(
        SellerMember.objects.none(), label=_("Handled by"), required=False, empty_label=_("Nobody in particular")
    )

    def __init__(self, seller: Seller, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = SellerMember.objects.filter(seller=seller).select_related("user").order_by("user__full_name", "id")
        self.fields["member"].queryset = people  # type: ignore[attr-defined]
