"""Forms of people: registering, settings, API keys."""

import zoneinfo
from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import open_account
from koogallery.kernel.text import clean_text


def plain_text(value: str) -> None:
    """Validator: text that can be stored and printed.

    Raises:
        ValidationError: control characters, or such as turn the reading direction.
    """
    try:
        clean_text(value)
    except ValueError as refused:
        raise ValidationError(str(refused)) from refused


class SignupForm(AllauthSignupForm):
    """Register: the person and the organisation that he buys for."""

    full_name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[plain_text],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    company = forms.CharField(
        label=_("Company name"),
        max_length=120,
        validators=[plain_text],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ["full_name", "company", "email", "password1", "password2"]

    def save(self, request: HttpRequest) -> User:
        """Make the user and his buying account."""
        user: User = super().save(request)
        user.full_name = clean_text(self.cleaned_data["full_name"])
        user.save(update_fields=["full_name"])
        open_account(user, clean_text(self.cleaned_data["company"]))
        return user


ZONES = [("", _("The site's time zone"))] + [
    (name, name) for name in sorted(zoneinfo.available_timezones()) if "/" in name
]


class SettingsForm(forms.ModelForm):
    """Account and Display Settings."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=ZONES, required=False)

    class Meta:
        model = User
        fields = ["full_name", "time_zone", "theme", "wants_email"]

    def clean_full_name(self) -> str:
        name: str = self.cleaned_data["full_name"]
        plain_text(name)
        return clean_text(name)


class AppealFilingForm(forms.Form):
    """What the account wants when a seller is silent for more than five days."""

    filed_for_us = forms.TypedChoiceField(
        label=_("When a seller has been silent for more than five days"),
        choices=[
            ("", _("Tell us that we can appeal, by message and e-mail")),
            ("yes", _("File the appeal for us at once")),
        ],
        coerce=bool,
        empty_value="",
        required=False,
        widget=forms.RadioSelect,
    )


class ApiKeyForm(forms.Form):
    """A new key: its name, and whom it acts for."""

    name = forms.CharField(label=_("Name"), max_length=80, validators=[plain_text], help_text=_("What the key is for"))
    acts_for = forms.ChoiceField(label=_("Acts for"))

    def __init__(self, *args: Any, sides: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["acts_for"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = sides
