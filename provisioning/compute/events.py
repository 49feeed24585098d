"""What happens to servers, for whoever listens through the outbox."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class DeploymentStepDue(Event):
    """What the servers of an order share is to be made. One account's are made one after the other."""

    deployment: int
    account: int

    @property
    def subject(self) -> str:
        return f"compute:account:{self.account}"


@dataclass(frozen=True, slots=True)
class SharedUnwanted(Event):
    """Something shared that no server uses any more is to be deleted; in turn with `DeploymentStepDue`."""

    resource: int
    account: int

    @property
    def subject(self) -> str:
        return f"compute:account:{self.account}"


@dataclass(frozen=True, slots=True)
class FirewallChanged(Event):
    """Rules of a security group changed; the provider is to have them."""

    group: int
    account: int

    @property
    def subject(self) -> str:
        return f"compute:account:{self.account}"


@dataclass(frozen=True, slots=True)
class ServerStepDue(Event):
    """A server's saga goes on."""

    server: int

    @property
    def subject(self) -> str:
        return f"compute:server:{self.server}"


@dataclass(frozen=True, slots=True)
class OrphanSearchDue(Event):
    """A region's provider is to be compared with what we want of it."""

    region: int

    @property
    def subject(self) -> str:
        return f"compute:region:{self.region}"


@dataclass(frozen=True, slots=True)
class ServersReady(Event):
    """All servers of an order run."""

    order_number: str
    servers: int

    @property
    def subject(self) -> str:
        return f"order:{self.order_number}"


@dataclass(frozen=True, slots=True)
class ServerDeleted(Event):
    """A server is gone, as its owner asked or because its subscription ended."""

    server: str
    name: str
    account: int

    @property
    def subject(self) -> str:
        return f"server:{self.server}"
