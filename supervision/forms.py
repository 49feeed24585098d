"""The inputs of an act: a text and files."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from supervision.acts import Act
from supervision.services.acting import LONGEST_TEXT


class SeveralFiles(forms.ClearableFileInput):
    """A file input that takes more than one."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Cleans to a list of uploads; the service checks their types and sizes."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data]
        return [one for one in given if one]


class ActForm(forms.Form):
    """Made for one act: its text under the act's name, its files as `attachment`."""

    def __init__(self, act: Act, *args: Any, files_required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.act = act
        if act.text:
            self.fields[act.text] = forms.CharField(
                label=str(act.label),
                required=act.required,
                max_length=LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 6}),
                error_messages={
                    "required": f"Enter {'a requirement description' if act.text == 'description' else 'a reason'}.",
                    "max_length": f"Enter at most {LONGEST_TEXT:,} characters.",
                },
            )
        if act.files:
            self.fields["attachment"] = FilesField(label="Attachment", required=False)
            # The star is printed where the flow's template asks for a file; the service refuses without one.
            self.fields["attachment"].required = files_required

    @property
    def text(self) -> str:
        return str(self.cleaned_data.get(self.act.text, "")) if self.act.text else ""

    @property
    def uploads(self) -> list[UploadedFile]:
        found: list[UploadedFile] = self.cleaned_data.get("attachment", [])
        return found
