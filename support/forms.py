"""The two forms that anybody may send."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from koogallery.kernel.text import clean_text
from support.models import Requirement, SalesEnquiry

if TYPE_CHECKING:
    RequirementBase = forms.ModelForm[Requirement]
    EnquiryBase = forms.ModelForm[SalesEnquiry]
else:
    RequirementBase = EnquiryBase = forms.ModelForm


class _Guarded(forms.Form):
    """A field that people do not see and programs fill in; and texts without characters that cannot be stored."""

    website = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):
            if isinstance(value, str):
                try:
                    cleaned[name] = clean_text(value)
                except ValueError as error:
                    self.add_error(name, ValidationError(str(error)))
        return cleaned

    @property
    def is_sent_by_a_program(self) -> bool:
        """Whether the hidden field was filled in."""
        return bool(self.cleaned_data.get("website"))


class RequirementForm(_Guarded, RequirementBase):
    """ "Tell us what you need", with the fields of the guide's mail (9.9)."""

    class Meta:
        model = Requirement
        fields = ["requirements", "company", "contact", "phone", "email", "searched"]
        widgets = {"requirements": forms.Textarea({"rows": 6}), "searched": forms.HiddenInput}
        error_messages = {
            "requirements": {"required": _("Describe what you need.")},
            "company": {"required": _("Enter the company name.")},
            "contact": {"required": _("Enter the contact person.")},
            "phone": {"required": _("Enter a phone number.")},
            "email": {"required": _("Enter an email address.")},
        }


class EnquiryForm(_Guarded, EnquiryBase):
    """Contact Sales."""

    class Meta:
        model = SalesEnquiry
        fields = ["contact", "company", "email", "phone", "message"]
        widgets = {"message": forms.Textarea({"rows": 5})}
        error_messages = {"message": {"required": _("Write what you would like to know.")}}
