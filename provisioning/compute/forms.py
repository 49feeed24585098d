"""The forms of provisioning and of the console. What a choice means is checked again by the services."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from catalog.choices import DiskType
from catalog.firewalls import PROTOCOLS
from catalog.models import ImageVersion, Region
from koogallery.kernel.errors import DomainError
from koogallery.kernel.text import clean_text
from provisioning.compute.keeper import DEFAULT, RECOMMENDED
from provisioning.compute.rules import password_refusal

if TYPE_CHECKING:
    from provisioning.compute.views.drafting import Drafted

LONGEST_PASSWORD = 128

Choices = list[tuple[str, Any]]
Things = list[dict[str, Any]]


class CleanForm(forms.Form):
    """Texts without characters that cannot be stored; passwords stay as they were typed."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and not isinstance(self.fields[name].widget, forms.PasswordInput):
                try:
                    cleaned[name] = clean_text(value)
                except ValueError as error:
                    self.add_error(name, ValidationError(str(error)))
        return cleaned

    def refuse(self, refused: DomainError) -> None:
        """Print what a service refused beside its field, or above the form."""
        placed = False
        for name, texts in refused.errors.items():
            field = name.removeprefix("deployment.")
            if field in self.fields:
                self.add_error(field, list(texts))
                placed = True
        if not placed:
            self.add_error(None, refused.message)


def network_choices(subnets: Things) -> Choices:
    """The account's VPCs in the region, the default one first, also when it is still to be made."""
    vpcs = {one["vpc"]: f"{one['vpc_name']} ({one['vpc_cidr']})" for one in subnets}
    if any(one["is_default"] for one in subnets):
        return list(vpcs.items())
    return [(DEFAULT, _("vpc-default (created with the server)")), *vpcs.items()]


def subnet_choices(subnets: Things) -> Choices:
    """Their subnets, grouped by VPC."""
    groups: dict[str, Choices] = {}
    for one in subnets:
        name = f"{one['vpc_name']} ({one['vpc_cidr']})"
        groups.setdefault(name, []).append((one["public_id"], f"{one['name']} ({one['cidr']})"))
    return [("", _("The network's first subnet")), *groups.items()]


def group_choices(groups: Things, image: ImageVersion, slug: str) -> Choices:
    """Security groups, the one that the seller recommends first."""
    recommended = next((one for one in groups if one["recommended"] == image.product_id), None)
    name = recommended["name"] if recommended else f"{slug}-recommended"
    first = recommended["public_id"] if recommended else RECOMMENDED
    label = _("%(name)s (recommended by the seller)") % {"name": name}
    return [(first, label), *((one["public_id"], one["name"]) for one in groups if one is not recommended)]


def offer(form: forms.Form, field: str, empty: Any, things: Things) -> None:
    """Let one of the account's things be chosen, or none."""
    choices = [("", empty), *((one["public_id"], one["name"]) for one in things)]
    form.fields[field].choices = choices  # type: ignore[attr-defined]


class NetworkForm(CleanForm):
    """Configure Network (guide 3.4)."""

    network = forms.ChoiceField(
        label=_("Network"), error_messages={"invalid_choice": _("Select one of your networks.")}
    )
    subnet = forms.ChoiceField(
        label=_("Subnet"), required=False, error_messages={"invalid_choice": _("Select one of the subnets.")}
    )
    security_group = forms.ChoiceField(
        label=_("Security Group"),
        help_text=_(
            "Similar to a firewall, a security group logically controls network access. Ensure that the selected "
            "security group allows access to port 22 (SSH-based Linux login), 3389 (Windows login), and ICMP (ping "
            "operation)."
        ),
        error_messages={"invalid_choice": _("Select one of your security groups.")},
    )

    def __init__(self, *args: Any, one: "Drafted", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = group_choices(one.own.groups, one.image, one.draft.product.slug)
        self.fields["network"].choices = network_choices(one.own.subnets)  # type: ignore[attr-defined]
        self.fields["subnet"].choices = subnet_choices(one.own.subnets)  # type: ignore[attr-defined]
        self.fields["security_group"].choices = groups  # type: ignore[attr-defined]


def password_field(label: Any, autocomplete: str = "new-password", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        error_messages={"required": _("Enter a password.")},
    )


class Passwords:
    """The two fields side by side."""

    @property
    def visible_passwords(self) -> list[forms.BoundField]:
        return [self["password"], self["confirm_password"]]  # type: ignore[index]


class PasswordForm(Passwords, CleanForm):
    """Set a log-in password: twice, by the rules that stand beside it."""

    password = password_field(_("Password"))
    confirm_password = password_field(_("Confirm Password"))

    def __init__(self, *args: Any, username: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.username = username
        self.fields["confirm_password"].error_messages["required"] = _("Enter the password again.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        check_passwords(self, cleaned, self.username)
        return cleaned


def check_passwords(form: forms.Form, cleaned: dict[str, Any], username: str) -> None:
    """Both alike, and as the rules want them."""
    password = cleaned.get("password")
    if password and (why := password_refusal(password, username)):
        form.add_error("password", why)
    if password and cleaned.get("confirm_password") and cleaned["confirm_password"] != password:
        form.add_error("confirm_password", _("The two passwords are different."))


class QuickForm(NetworkForm, PasswordForm):
    """Quick provisioning beside the table of flavors."""


class EipForm(NetworkForm):
    """Step 2 of Buy ECS."""

    eip = forms.ChoiceField(
        label=_("EIP"),
        choices=[("", _("Not required")), ("auto", _("Auto assign"))],
        required=False,
        widget=forms.RadioSelect,
        help_text=_("An EIP is an address of the internet for each server."),
    )
    bandwidth = forms.IntegerField(
        label=_("Bandwidth"), required=False, min_value=1, max_value=300, initial=5, help_text=_("Mbit/s, for an EIP")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("eip") and not cleaned.get("bandwidth") and "bandwidth" not in self.errors:
            self.add_error("bandwidth", _("Enter 1 to 300 Mbit/s."))
        return cleaned


class AdvancedForm(Passwords, CleanForm):
    """Step 3 of Buy ECS."""

    # The page carries the name that it proposed: one that nobody typed is given anew when others took it meanwhile.
    name = forms.CharField(label=_("ECS Name"), max_length=64, show_hidden_initial=True)
    allow_duplicate_name = forms.BooleanField(label=_("Allow duplicate name"), required=False)
    login_mode = forms.ChoiceField(
        label=_("Login Mode"),
        choices=[("password", _("Password")), ("key_pair", _("Key pair"))],
        widget=forms.RadioSelect,
    )
    key_pair = forms.ChoiceField(label=_("Key pair"), required=False)
    password = password_field(_("Password"), required=False)
    confirm_password = password_field(_("Confirm Password"), required=False)
    auto_recovery = forms.BooleanField(
        label=_("Auto Recovery: Enable (Free of charge)"),
        required=False,
        help_text=_(
            "If the physical server running the ECSs becomes faulty, the system will automatically migrate the ECSs to "
            "other physical servers. During this process, the ECSs will be restarted."
        ),
    )
    server_group = forms.ChoiceField(label=_("ECS Group"), required=False, help_text=_("Anti-affinity"))

    def __init__(self, *args: Any, one: "Drafted", has_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.username, self.has_password = one.image.username, has_password
        offer(self, "key_pair", _("Select key pair"), one.own.key_pairs)
        offer(self, "server_group", _("Select ECS group"), one.own.ecs_groups)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("login_mode") == "key_pair":
            if not cleaned.get("key_pair"):
                self.add_error("key_pair", _("Select a key pair, or log in with a password."))
            return cleaned
        if not cleaned.get("password") and not self.has_password:
            self.add_error("password", _("Enter a password."))
        elif cleaned.get("password") and not cleaned.get("confirm_password"):
            self.add_error("confirm_password", _("Enter the password again."))
        check_passwords(self, cleaned, self.username)
        return cleaned


class ConfirmForm(CleanForm):
    """Step 4 of Buy ECS."""

    enterprise_project = forms.ChoiceField(label=_("Enterprise Project"), required=False)

    def __init__(self, *args: Any, one: "Drafted", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "enterprise_project", _("default"), one.own.projects)


# --- networks ---------------------------------------------------------------------------------------------------


def regions() -> Choices:
    return [(one.code, one.name) for one in Region.objects.filter(is_open=True)]


class RegionForm(CleanForm):
    """Something that stands in a region."""

    region = forms.ChoiceField(label=_("Region"))
    name = forms.CharField(label=_("Name"), max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].choices = regions()  # type: ignore[attr-defined]


class VpcForm(RegionForm):
    """Create VPC."""

    cidr = forms.CharField(label=_("IPv4 CIDR Block"), max_length=18, initial="192.168.0.0/16")
    subnet_name = forms.CharField(label=_("Subnet Name"), max_length=64, initial="subnet-1")
    subnet_cidr = forms.CharField(label=_("Subnet IPv4 CIDR Block"), max_length=18, initial="192.168.0.0/24")


class SubnetForm(CleanForm):
    """Create Subnet."""

    name = forms.CharField(label=_("Subnet Name"), max_length=64)
    cidr = forms.CharField(label=_("Subnet IPv4 CIDR Block"), max_length=18)


class RuleForm(CleanForm):
    """One more rule of a security group."""

    protocol = forms.ChoiceField(
        label=_("Protocol"), choices=[(one, one.upper() if one != "all" else _("All")) for one in PROTOCOLS]
    )
    ports = forms.CharField(
        label=_("Port"), max_length=13, required=False, help_text=_("443, 8000-8080, or empty for all")
    )
    source = forms.CharField(label=_("Source"), max_length=49, initial="0.0.0.0/0")
    description = forms.CharField(label=_("Description"), max_length=120, required=False)


class KeyPairForm(CleanForm):
    """Create Key Pair: the public key only."""

    name = forms.CharField(label=_("Name"), max_length=64)
    public_key = forms.CharField(
        label=_("Public key"),
        max_length=2000,
        widget=forms.Textarea,
        help_text=_("In OpenSSH's form, such as ssh-ed25519 AAAA…. Keep the private key to yourself."),
    )


class ProjectForm(CleanForm):
    """Create Enterprise Project."""

    name = forms.CharField(label=_("Name"), max_length=64)


DISKS: Sequence[tuple[str, Any]] = [
    (one.value, one.label) for one in (DiskType.HIGH, DiskType.ULTRA_HIGH, DiskType.COMMON)
]
