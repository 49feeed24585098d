"""Rules of security groups: what may reach a server. Pure.

A group lets through what one of its rules names and nothing else; everything may leave a server.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

PROTOCOLS = ("tcp", "udp", "icmp", "all")
MOST_RULES = 50
LARGEST_PORT = 65_535
LONGEST_DESCRIPTION = 120


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """What may come in.

    Attributes:
        protocol: tcp, udp, icmp or all.
        first_port, last_port: both included; None for protocols without ports, and for all of them.
        source: an address range ("0.0.0.0/0", "::/0").
    """

    protocol: str
    first_port: int | None
    last_port: int | None
    source: str
    description: str = ""

    @property
    def ports(self) -> str:
        """ "80", "8000-8080", "All"."""
        if self.first_port is None:
            return "All"
        return str(self.first_port) if self.first_port == self.last_port else f"{self.first_port}-{self.last_port}"

    @property
    def protocol_and_port(self) -> str:
        """As the guide's table prints it: "TCP: 443", "All"."""
        return "All" if self.protocol == "all" else f"{self.protocol.upper()}: {self.ports}"

    @property
    def ip_version(self) -> int:
        return ipaddress.ip_network(self.source).version

    def as_json(self) -> dict[str, Any]:
        return {
            "protocol": self.protocol,
            "ports": self.ports,
            "source": self.source,
            "description": self.description,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """A rule as `as_json` gave it.

        Raises:
            ValueError: it is none; the message says what is wrong, for a person.
        """
        if not isinstance(value, Mapping):
            raise ValueError("A rule has protocol, ports, source and description.")
        unknown = set(value) - {"protocol", "ports", "source", "description"}
        if unknown:
            raise ValueError(
                f"A rule has protocol, ports, source and description, not {', '.join(sorted(map(str, unknown)))}."
            )
        protocol = str(value.get("protocol", "")).strip().lower()
        if protocol not in PROTOCOLS:
            raise ValueError("Protocol: choose TCP, UDP, ICMP or All.")
        first, last = _ports(str(value.get("ports", "") or "").strip(), protocol)
        description = str(value.get("description", "") or "").strip()
        if len(description) > LONGEST_DESCRIPTION or not description.isprintable():
            raise ValueError(f"Description: at most {LONGEST_DESCRIPTION} characters on one line.")
        return cls(protocol, first, last, _source(str(value.get("source", "") or "").strip()), description)


def _ports(text: str, protocol: str) -> tuple[int | None, int | None]:
    if text.lower() in ("", "all"):
        return None, None
    if protocol not in ("tcp", "udp"):
        raise ValueError("Ports: only TCP and UDP have ports. Leave them empty.")
    parts = text.split("-")
    if len(parts) > 2 or not all(
        one.strip().isascii() and one.strip().isdigit() and len(one.strip()) < 6 for one in parts
    ):
        raise ValueError("Ports: enter a port (443), a range (8000-8080), or nothing for all.")
    first, last = int(parts[0]), int(parts[-1])
    if not 1 <= first <= last <= LARGEST_PORT:
        raise ValueError(f"Ports: from 1 to {LARGEST_PORT}, the lower one first.")
    return first, last


def _source(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text or "0.0.0.0/0"))
    except ValueError:
        raise ValueError("Source: enter an address range such as 0.0.0.0/0, 10.1.0.0/16 or 2001:db8::/32.") from None


def checked_rules(values: Iterable[Any]) -> list[Rule]:
    """Rules of one group, without repetitions.

    Raises:
        ValueError: too many, or one is none; for a person.
    """
    if not isinstance(values, list | tuple):
        raise ValueError("Give a list of rules.")
    if len(values) > MOST_RULES:
        raise ValueError(f"A security group has at most {MOST_RULES} rules.")
    return list(dict.fromkeys(Rule.from_json(one) for one in values))
