"""What a compute provider does for us. Called outside transactions, between an intent and an outcome that are recorded.

Everything has a token of ours as its name: `ensure_*` looks it up before it makes anything, so that a call whose answer was
lost can simply be made again. Nothing here knows orders or money.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from catalog.firewalls import Rule


class ProviderError(Exception):
    """The provider did not do it; the message is for operations and, shortened, for the buyer."""


class ProviderUnavailable(ProviderError):
    """No answer, or a fault of its own: nobody knows whether it was done. Ask again."""


class ProviderRefused(ProviderError):
    """It will not do it, now or later: sold out, beyond a quota, or bad input."""


@dataclass(frozen=True, slots=True)
class Made:
    """Something at the provider.

    Attributes:
        ref: its own name for it.
        is_ready: up, and to be used.
        fault: why it never will be, or empty.
        address: of a server in its network, or of an EIP.
    """

    ref: str
    is_ready: bool = True
    fault: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A subnet; `with_router` where EIPs reach it."""

    token: str
    name: str
    cidr: str


@dataclass(frozen=True, slots=True)
class FirewallSpec:
    token: str
    name: str
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A disk; with `image` it is one that a server boots from."""

    token: str
    kind: str
    size_gb: int
    image: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """A server. References are the provider's; `password` is handed on and kept nowhere."""

    token: str
    name: str
    flavor: str
    network: str
    firewall: str
    volumes: Sequence[str]
    zone: str = ""
    key_pair: str = ""
    group: str = ""
    auto_recovery: bool = True
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AddressSpec:
    token: str
    server: str
    bandwidth: int


@dataclass(frozen=True, slots=True)
class Owned:
    """Something with a name of ours, as the reconciler sees it."""

    kind: str
    token: str
    ref: str


class ComputeProvider(Protocol):
    """One region of a cloud."""

    def ensure_network(self, spec: NetworkSpec) -> Made: ...

    def ensure_firewall(self, spec: FirewallSpec) -> Made:
        """Also brings the rules of one that is there up to date."""

    def ensure_key_pair(self, token: str, public_key: str) -> Made: ...

    def ensure_group(self, token: str) -> Made: ...

    def ensure_volume(self, spec: VolumeSpec) -> Made: ...

    def ensure_server(self, spec: ServerSpec) -> Made: ...

    def ensure_address(self, spec: AddressSpec) -> Made: ...

    def look(self, kind: str, ref: str) -> Made | None:
        """How a disk, server or address is; None: it is not there."""

    def delete(self, kind: str, token: str, ref: str) -> bool:
        """Ask for its deletion; True when it is not there (any more). Without `ref` it is looked up by its token."""

    def is_on(self, ref: str) -> bool | None:
        """Whether a server runs; None while it changes.

        Raises:
            ProviderRefused: it is not there, or broken.
        """

    def start(self, ref: str) -> None: ...

    def stop(self, ref: str) -> None: ...

    def restart(self, ref: str) -> None: ...

    def set_password(self, ref: str, password: str) -> None: ...

    def owned(self) -> list[Owned]:
        """Everything whose name is a token of ours."""
