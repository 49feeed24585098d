"""How the servers of an image are to be, as a buyer asks for it (guide 3.4). The priced part is `pricing.values.ServerChoice`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

PASSWORD, KEY_PAIR = "password", "key_pair"


@dataclass(frozen=True, slots=True)
class DeploymentWish:
    """What is chosen beside region, flavor and disks; what is left empty takes a default.

    Attributes:
        network, subnet, security_group, key_pair, server_group, enterprise_project: public ids of the account's own.
            An empty network is the account's default one, made when it is missing; an empty security group the one that the
            seller recommends.
        zone: an availability zone; empty: a random one.
        name: of the servers; several get a number behind it. Without one they are ecs-0001 and so on.
        first_number: behind the name of the first of several; given when the order is placed.
        password: the log-in's; or `key_pair`.
    """

    network: str = ""
    subnet: str = ""
    security_group: str = ""
    zone: str = ""
    name: str = ""
    first_number: int = 0
    allow_duplicate_name: bool = False
    password: str = field(default="", repr=False)
    key_pair: str = ""
    auto_recovery: bool = True
    server_group: str = ""
    enterprise_project: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a draft: everything but the password, which is never kept there."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "password"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], password: str = "") -> Self:
        known = {name: value[name] for name in cls.__slots__ if name in value and name != "password"}
        return cls(**known, password=password)
