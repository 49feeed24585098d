"""What the cloud holds."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Cloud:
    """What the cloud holds, and what it is to do wrong."""

    boots_after: int = 1
    username: str = "koogallery"
    password: str = "service-password"
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    subnets: dict[str, dict[str, Any]] = field(default_factory=dict)
    routers: dict[str, dict[str, Any]] = field(default_factory=dict)
    ports: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    addresses: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    server_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    flavors: list[str] = field(default_factory=lambda: ["s6.small.1", "s6.large.2", "s6.xlarge.2"])
    images: list[str] = field(default_factory=lambda: ["appliance-1"])
    broken: set[str] = field(default_factory=set)
    passwords: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    faults: list[tuple[str, str, bool]] = field(default_factory=list)
    refusals: list[tuple[str, str, int]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""

    def __post_init__(self) -> None:
        self.networks["ext"] = {"id": "ext", "name": "external", "router:external": True}

    def fail_next(self, method: str, path: str, *, before: bool = False) -> None:
        """The next call of this kind answers 500, after having been carried out, or before."""
        self.faults.append((method, path, before))

    def refuse_next(self, method: str, path: str, status: int = 403) -> None:
        """The next call of this kind is refused."""
        self.refusals.append((method, path, status))

    def ours(self) -> list[str]:
        """Names of everything that carries a token of ours."""
        named = [*self.servers.values(), *self.volumes.values(), *self.groups.values(), *self.keys.values(),
                 *self.networks.values(), *self.server_groups.values(), *self.routers.values(), *self.subnets.values()]  # fmt: skip
        names = [one["name"] for one in named] + [one["description"] for one in self.addresses.values()]
        return sorted(name for name in names if name.startswith("kg-"))
