"""What servers may be called, what their passwords must be, and what their saga does next. Pure."""

import ipaddress
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum

from provisioning.compute.choices import ResourceKind, ResourceStatus, ServerAct, ServerStatus

DEFAULT_NAME = "ecs"
MOST_AT_ONCE = 500
"""Servers of one order (guide 3.4: "a maximum of 500 ECSs at a time")."""

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")
_NUMBERED = re.compile(r"(?P<base>.+)-(?P<number>\d{4})")
HIGHEST_NUMBER = 9_999


class NamesExhausted(ValueError):
    """No four-digit number is left behind this name."""


def next_number(base: str, quantity: int, taken: Collection[str]) -> int:
    """The first of the numbers behind `base` that servers of one order get: after the highest one that is taken, or 1 (guide 3.4).

    Raises:
        NamesExhausted: the numbers would go beyond 9999.
    """
    found = (_NUMBERED.fullmatch(name) for name in taken)
    highest = max((int(one["number"]) for one in found if one and one["base"] == base), default=0)
    if highest + quantity > HIGHEST_NUMBER:
        raise NamesExhausted(base)
    return highest + 1


def server_names(base: str, quantity: int, first: int) -> list[str]:
    """What the servers of one order are called: one keeps the name as it is; where "multiple ECSs are created at the same time,
    the system automatically adds a hyphen followed by a four-digit incremental number" (guide 3.4), from `first` on."""
    if quantity == 1:
        return [base]
    return [numbered(base, number) for number in range(first, first + quantity)]


def numbered(base: str, number: int) -> str:
    """Such as ecs-0001."""
    return f"{base}-{number:04d}"


def name_refusal(name: str) -> str | None:
    """Why a name cannot be a server's, in words, or None."""
    if NAME.fullmatch(name):
        return None
    return "Enter 1 to 64 letters, digits, hyphens, underscores and periods, with a letter or digit at both ends."


# --- passwords ------------------------------------------------------------------------------------------------

SPECIAL = r"!@$%^\-_=+\[{}\]:,./?"
_UPPER, _LOWER, _DIGIT, _OTHER = "(?=.*[A-Z])", "(?=.*[a-z])", "(?=.*[0-9])", f"(?=.*[{SPECIAL}])"


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """One demand, in words and as an expression that Python and browsers read alike (case counts unless `any_case`)."""

    code: str
    text: str
    pattern: str
    any_case: bool = False

    def holds(self, password: str) -> bool:
        return re.fullmatch(self.pattern, password, re.IGNORECASE if self.any_case else 0) is not None


def password_rules(username: str) -> tuple[PasswordRule, ...]:
    """What the password of `username` on a new server must be."""
    three = "|".join(
        "".join(group)
        for group in (
            (_UPPER, _LOWER, _DIGIT),
            (_UPPER, _LOWER, _OTHER),
            (_UPPER, _DIGIT, _OTHER),
            (_LOWER, _DIGIT, _OTHER),
        )
    )
    own = f"{re.escape(username)}|{re.escape(username[::-1])}"
    return (
        PasswordRule("length", "8 to 26 characters", ".{8,26}"),
        PasswordRule(
            "kinds",
            "At least three of: uppercase letters, lowercase letters, digits, special characters (!@$%^-_=+[{}]:,./?)",
            f"(?:{three}).*",
        ),
        PasswordRule("characters", "No other characters", f"[A-Za-z0-9{SPECIAL}]+"),
        PasswordRule("username", f"Neither {username} nor its reverse in it", f"(?!.*(?:{own})).+", any_case=True),
    )


def password_refusal(password: str, username: str) -> str | None:
    """Why it cannot be the password, in words that do not repeat it, or None."""
    broken = [rule.text for rule in password_rules(username) if not rule.holds(password)]
    return f"The password needs: {'; '.join(broken)}." if broken else None


def unknown_password(username: str) -> str:
    """One that fits the rules and is told nobody: what has it is opened by a reset."""
    while True:
        drawn = f"{secrets.token_urlsafe(15)}-Aa1"
        if password_refusal(drawn, username) is None:
            return drawn


# --- networks -------------------------------------------------------------------------------------------------

PRIVATE = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
LARGEST_SUBNET, SMALLEST_SUBNET = 8, 28


def network_refusal(cidr: str) -> str | None:
    """Why an address range cannot be a VPC's, in words, or None."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        return "Enter an address range such as 192.168.0.0/16."
    if not any(network.subnet_of(private) for private in PRIVATE if private.version == 4):
        return "Enter a range within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
    if not LARGEST_SUBNET <= network.prefixlen <= SMALLEST_SUBNET:
        return f"Enter a range from /{LARGEST_SUBNET} to /{SMALLEST_SUBNET}."
    return None


def subnet_refusal(cidr: str, vpc: str, others: Sequence[str]) -> str | None:
    """Why an address range cannot be a subnet of `vpc` beside `others`, in words, or None."""
    if why := network_refusal(cidr):
        return why
    network, around = ipaddress.IPv4Network(cidr), ipaddress.IPv4Network(vpc)
    if not network.subnet_of(around):
        return f"Enter a range within the VPC's {vpc}."
    overlapping = next((one for one in others if network.overlaps(ipaddress.IPv4Network(one))), None)
    return f"The range overlaps the subnet {overlapping}." if overlapping else None


def addresses_in(cidr: str) -> int:
    """How many servers find an address in a subnet: all but network, gateway, broadcast and two of the provider's."""
    return max(0, ipaddress.IPv4Network(cidr).num_addresses - 5)


# --- what a buyer may do --------------------------------------------------------------------------------------

_FROM = {
    ServerAct.START: (ServerStatus.STOPPED,),
    ServerAct.STOP: (ServerStatus.RUNNING,),
    ServerAct.RESTART: (ServerStatus.RUNNING,),
    ServerAct.PASSWORD: (ServerStatus.RUNNING,),
    ServerAct.DELETE: (ServerStatus.RUNNING, ServerStatus.STOPPED),
}


# Where the status's label says of the cloud what a sentence about the server says otherwise.
_NOW: dict[str, str] = {ServerStatus.BUILDING: "being created", ServerStatus.DELETING: "being deleted"}


def act_refusal(act: ServerAct, status: str, *, frozen: bool, by_use: bool) -> str | None:
    """Why a buyer may not do this with a server now, in words, or None."""
    if act is ServerAct.DELETE and not by_use:
        return "A yearly/monthly server is unsubscribed in the Billing Center, not deleted."
    if frozen and act is not ServerAct.DELETE:
        if by_use:
            return "This server is frozen because a bill is not paid. Pay it in the Billing Center first."
        return "This server is frozen. Renew its subscriptions first."
    if status not in _FROM[act]:
        label = _NOW.get(status) or str(ServerStatus(status).label).lower()
        return f"A server that is {label} cannot do this. Wait until it is {_words(_FROM[act])}."
    return None


def _words(statuses: Sequence[ServerStatus]) -> str:
    return " or ".join(str(one.label).lower() for one in statuses)


# --- the saga -------------------------------------------------------------------------------------------------


class Step(Enum):
    """What a server's saga does next at the provider."""

    CREATE = "create"
    LOOK = "look"
    DELETE = "delete"
    STOP = "stop"
    START = "start"
    RESTART = "restart"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Known:
    """What is written down of one thing of a server at the provider."""

    kind: str
    position: int
    status: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides a server's next step: its status, how many data disks and whether an address it shall have."""

    status: str
    data_disks: int = 0
    with_address: bool = False
    known: tuple[Known, ...] = field(default_factory=tuple)

    def usable(self, kind: str, position: int = 0) -> Known | None:
        return next(
            (
                one
                for one in self.known
                if (one.kind, one.position) == (kind, position)
                and one.status in (ResourceStatus.WANTED, ResourceStatus.MADE)
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Next:
    """The step and what it is about."""

    step: Step
    kind: str = ResourceKind.SERVER
    position: int = 0


DONE = Next(Step.NOTHING)
# Taken away in this order: an address hangs on its server, a server holds its disks.
_AWAY = (ResourceKind.ADDRESS, ResourceKind.SERVER, ResourceKind.VOLUME)


def next_step(facts: Facts) -> Next:
    """What a server's saga does next; `DONE` when its status can change, or nothing is to be done."""
    match facts.status:
        case ServerStatus.BUILDING:
            return _taking_away(facts, only_unwanted=True) or _building(facts)
        case ServerStatus.DELETING:
            return _taking_away(facts) or DONE
        case ServerStatus.STOPPING:
            return Next(Step.STOP)
        case ServerStatus.STARTING:
            return Next(Step.START)
        case ServerStatus.REBOOTING:
            return Next(Step.RESTART)
    return DONE


def _building(facts: Facts) -> Next:
    """Disk, data disks, server, address, in this order (the network is there already)."""
    disks = [(ResourceKind.VOLUME, position) for position in range(facts.data_disks + 1)]
    address = [(ResourceKind.ADDRESS, 0)] if facts.with_address else []
    for kind, position in [*disks, (ResourceKind.SERVER, 0), *address]:
        known = facts.usable(kind, position)
        if known is None or known.status == ResourceStatus.WANTED:
            return Next(Step.CREATE, kind, position)
        if not known.is_ready:
            return Next(Step.LOOK, kind, position)
    return DONE


def _taking_away(facts: Facts, *, only_unwanted: bool = False) -> Next | None:
    for kind in _AWAY:
        for one in facts.known:
            if one.kind == kind and (one.status == ResourceStatus.UNWANTED or not only_unwanted):
                return Next(Step.DELETE, kind, one.position)
    return None
