"""The forms of invoices: a header, an application, an issuer's details, a reason."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.invoices.models import LONGEST_NAME, InvoiceHeader, Issuer
from billing.invoices.services import HeaderData
from billing.invoices.services.applying import LONGEST_NOTE
from billing.invoices.services.recording import LONGEST_REASON


class HeaderForm(forms.Form):
    """To whom invoices are made out (RULES 5); the service says what is wrong with each field."""

    company_name = forms.CharField(
        label=_("Company name"),
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": _("Enter the company name.")},
    )
    tax_number = forms.CharField(
        label=_("Tax number"),
        required=False,
        max_length=40,
        help_text=_("A wrong check digit is pointed out; the number is kept as you type it."),
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )
    country = forms.CharField(
        label=_("Country"),
        min_length=2,
        max_length=2,
        help_text=_("Code of two letters, such as SG"),
        widget=forms.TextInput(attrs={"autocomplete": "country", "spellcheck": "false"}),
        error_messages={"required": _("Enter the country as a code of two letters, such as SG.")},
    )
    address = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    email = forms.EmailField(
        label=_("Email address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def data_given(self) -> HeaderData:
        """What was typed."""
        return HeaderData(**{name: self.cleaned_data[name] for name in HeaderForm.base_fields})


class HeaderBookForm(HeaderForm):
    """An entry of the header book."""

    default = forms.BooleanField(label=_("Use this header unless another is chosen"), required=False)


class IssuerForm(HeaderForm):
    """What a seller's invoices print of him."""

    number_prefix = forms.CharField(
        label=_("Prefix of invoice numbers"),
        max_length=24,
        help_text=_("Numbers are the prefix, the year, and 1, 2, 3 and so on without a gap."),
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )

    def __init__(self, issuer: Issuer, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {**issuer.header(), "number_prefix": issuer.prefix}
        super().__init__(*args, **kwargs)


class ApplicationForm(forms.Form):
    """Which header, and a note that the invoice prints."""

    header = forms.ChoiceField(
        label=_("Invoice header"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Select an invoice header.")},
    )
    note = forms.CharField(
        label=_("Note on the invoice"),
        required=False,
        max_length=LONGEST_NOTE,
        help_text=_("Such as your purchase order number"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, headers: list[InvoiceHeader], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers = {one.public_id: one for one in headers}
        choices = [(one.public_id, f"{one.company_name}, {one.tax_number or one.country}") for one in headers]
        self.fields["header"].choices = choices  # type: ignore[attr-defined]
        if choices:
            self.fields["header"].initial = choices[0][0]

    def chosen(self) -> HeaderData:
        """The header that was selected."""
        return HeaderData(**self.headers[self.cleaned_data["header"]].header())


class ReasonForm(forms.Form):
    """Why an issuer refuses."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Enter a reason.")},
    )
