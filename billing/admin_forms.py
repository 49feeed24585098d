"""Forms of operations' screens of money; what they ask for is carried out by the services."""

import re
from typing import Any

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Reseller, Seller
from billing.choices import AdjustmentCause, EntryKind
from billing.models import RefundProposal
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import Money
from orders.models import Order


class ReferenceActionForm(ActionForm):
    """The bank's reference, for actions that record a transfer."""

    reference = forms.CharField(required=False, max_length=80, label=_("Bank's reference"))


class ReasonActionForm(ActionForm):
    """The reason, for actions that refuse something."""

    reason = forms.CharField(required=False, max_length=1000, label=_("Reason"))


class AmountInput(forms.DecimalField):
    """An amount in plain digits: no exponent, no digits of another script."""

    PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not self.PLAIN.fullmatch(str(value).strip()):
            raise forms.ValidationError(_("Enter the amount in plain digits, such as 12.50."), code="invalid")
        return super().to_python(value)


class RefundForm(forms.ModelForm):
    """A refund of an order: a part, or all that is left."""

    order_number = forms.CharField(max_length=20, label=_("Order No."))
    amount = AmountInput(
        required=False, min_value=0, max_digits=18, decimal_places=4, help_text=_("Empty: all that is left")
    )

    class Meta:
        model = RefundProposal
        fields = ["order_number", "amount", "reason"]
        widgets = {"reason": forms.Textarea}

    def clean_order_number(self) -> str:
        number: str = self.cleaned_data["order_number"].strip()
        self.found = Order.objects.filter(number=number).first()
        if self.found is None:
            raise forms.ValidationError(_("There is no such order."))
        return number

    def money(self) -> Money | None:
        amount = self.cleaned_data["amount"]
        assert self.found is not None
        return None if amount is None else Money(amount, self.found.currency)


def account_named(given: str) -> Account | None:
    """The one account with this id or name, member's e-mail or order; None when there is none, or there are several."""
    given = given.strip()
    ways = (
        {"public_id": given},
        {"orders__number": given},
        {"name": given},
        {"memberships__user__email__iexact": given},
    )
    for way in ways:
        if found := list(Account.objects.filter(**way).distinct()[:2]):
            return found[0] if len(found) == 1 else None
    return None


class CreditForm(forms.Form):
    """A credit line: granted, or granted anew with another limit."""

    account = forms.CharField(max_length=120, help_text=_("Name or id of the account"))
    limit = AmountInput(min_value=0, max_digits=18, decimal_places=4)
    currency = forms.RegexField("^[A-Z]{3}$", initial="USD")
    ticket = forms.CharField(max_length=200, help_text=_("The service ticket in which it was asked for."))

    def clean_account(self) -> Account:
        found = account_named(self.cleaned_data["account"])
        if found is None:
            raise forms.ValidationError(_("There is no such account, or several of that name: give its id."))
        return found


class ByHandForm(forms.Form):
    """A journal entry by hand: who, how much, and why."""

    kind = forms.ChoiceField(
        choices=[
            (EntryKind.TOP_UP, EntryKind.TOP_UP.label),
            (EntryKind.ADJUSTMENT, EntryKind.ADJUSTMENT.label),
            (EntryKind.RESELLER_PAID, EntryKind.RESELLER_PAID.label),
            (EntryKind.PAYOUT, EntryKind.PAYOUT.label),
            (EntryKind.GATEWAY_PAYOUT, EntryKind.GATEWAY_PAYOUT.label),
            (EntryKind.TAX_REMITTED, EntryKind.TAX_REMITTED.label),
        ]
    )
    account = forms.CharField(
        required=False, max_length=120, help_text=_("Name or id of the account, for top-ups and adjustments")
    )
    reseller = forms.ModelChoiceField(Reseller.objects.order_by("name"), required=False)
    seller = forms.CharField(required=False, max_length=64, help_text=_("Slug of the seller, for payouts"))
    amount = AmountInput(max_digits=18, decimal_places=4, help_text=_("Negative only to adjust a balance downwards"))
    currency = forms.RegexField("^[A-Z]{3}$", initial="USD")
    cause = forms.ChoiceField(
        choices=[("", "-"), *AdjustmentCause.choices], required=False, help_text=_("Of an adjustment")
    )
    text = forms.CharField(
        max_length=200,
        label=_("Reference or reason"),
        help_text=_(
            "The reference of a payout or of remitted tax is used once; of a processor's payout it is its own name."
        ),
    )
    # Made with the form: sending it twice posts once.
    key = forms.CharField(required=False, max_length=40, initial=public_id, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        party: Account | Reseller | Seller | None = None
        if kind in (EntryKind.TOP_UP, EntryKind.ADJUSTMENT):
            party = account_named(data.get("account", ""))
        elif kind == EntryKind.RESELLER_PAID:
            party = data.get("reseller")
        elif kind == EntryKind.PAYOUT:
            party = Seller.objects.filter(slug=data.get("seller", "").strip()).first()
        if party is None and kind not in (EntryKind.GATEWAY_PAYOUT, EntryKind.TAX_REMITTED):
            raise forms.ValidationError(_("Name the one account, reseller or seller that it is for."))
        data["party"] = party
        if kind == EntryKind.ADJUSTMENT and not data.get("cause"):
            raise forms.ValidationError({"cause": _("Say why the balance is adjusted.")})
        return data

    def money(self) -> Money:
        return Money(self.cleaned_data["amount"], self.cleaned_data["currency"])
