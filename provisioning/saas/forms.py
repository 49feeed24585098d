"""The forms of the seller's pages about the production interface."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from provisioning.saas.models import LONGEST_ADDRESS, ProductInterface
from provisioning.saas.words import NAMES, Activity, Version


class InterfaceForm(forms.Form):
    """Where a product's orders are sent; below, addresses of single activities for those who have them apart."""

    version = forms.ChoiceField(label=_("Generation"), choices=Version.choices, initial=Version.V2)
    url = forms.CharField(
        label=_("Address"),
        max_length=LONGEST_ADDRESS,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("https, a domain name with a valid certificate. All calls go there."),
    )

    def __init__(self, *args: Any, kept: ProductInterface | None = None, **kwargs: Any) -> None:
        if kept:
            own = {f"url_{name}": address for name, address in kept.urls.items()}
            kwargs["initial"] = {"version": kept.version, "url": kept.url, **own}
        super().__init__(*args, **kwargs)
        for name in self._names():
            self.fields[f"url_{name}"] = forms.CharField(
                label=name,
                required=False,
                max_length=LONGEST_ADDRESS,
                widget=forms.URLInput(attrs={"autocomplete": "off"}),
            )

    @staticmethod
    def _names() -> list[str]:
        """What V2 calls the activities, then what only V1 does."""
        known = [
            NAMES[version][one] for version in (Version.V2, Version.V1) for one in Activity if one in NAMES[version]
        ]
        return list(dict.fromkeys(known))

    @property
    def urls(self) -> dict[str, str]:
        """Those that were filled in and belong to the chosen generation."""
        known = set(NAMES[self.cleaned_data["version"]].values())
        given = {name: self.cleaned_data.get(f"url_{name}", "") for name in self._names()}
        return {name: address for name, address in given.items() if address and name in known}

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[f"url_{name}"] for name in self._names()]
