"""A cloud to try everything on: kept in the database, with the faults that real ones have.

What it does wrong depends on the seed and the name of the thing, so that the same run goes the same way: servers boot
for 20 to 60 seconds, 2 per cent of them never come up, some calls answer with a fault after having done what was asked,
flavors and addresses sell out where `SimulatedStock` says how many there are, and a region holds a limited number of servers.
"""

import hashlib
import ipaddress
from datetime import timedelta
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from koogallery.kernel import clock
from provisioning.compute.choices import ResourceKind
from provisioning.compute.models import SimulatedResource, SimulatedStock
from provisioning.compute.providers.base import (
    AddressSpec,
    FirewallSpec,
    Made,
    NetworkSpec,
    Owned,
    ProviderRefused,
    ProviderUnavailable,
    ServerSpec,
    VolumeSpec,
)

BOOT_LEAST_SECONDS, BOOT_MOST_SECONDS = 20, 60
POWER_SECONDS = 5
DELETE_SECONDS = 3
# For tests of networks (RFC 2544): nothing public has these addresses.
EIPS = ipaddress.IPv4Network("198.18.0.0/15")
ON, OFF, BROKEN, DELETING = "on", "off", "broken", "deleting"


def chance(name: str, of: str) -> float:
    """A number from 0 to 1 that depends on the seed, a name and what is asked about."""
    digest = hashlib.blake2b(f"{settings.SIMULATOR_SEED}:{of}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class SimulatedCloud:
    """`providers.base.ComputeProvider` over two tables of its own."""

    def __init__(self, region: str) -> None:
        self.region = region

    # --- making ---------------------------------------------------------------------------------------------

    def ensure_network(self, spec: NetworkSpec) -> Made:
        return self._ensure(ResourceKind.NETWORK, spec.token, {"cidr": spec.cidr})

    def ensure_firewall(self, spec: FirewallSpec) -> Made:
        rules: dict[str, Any] = {"rules": [rule.as_json() for rule in spec.rules]}
        made = self._ensure(ResourceKind.FIREWALL, spec.token, rules)
        SimulatedResource.objects.filter(ref=made.ref).update(facts=rules)
        return made

    def ensure_key_pair(self, token: str, public_key: str) -> Made:
        return self._ensure(ResourceKind.KEY_PAIR, token, {"public_key": public_key})

    def ensure_group(self, token: str) -> Made:
        return self._ensure(ResourceKind.GROUP, token, {})

    def ensure_volume(self, spec: VolumeSpec) -> Made:
        facts = {"size_gb": spec.size_gb, "kind": spec.kind, "image": spec.image}
        return self._ensure(ResourceKind.VOLUME, spec.token, facts)

    def ensure_server(self, spec: ServerSpec) -> Made:
        if found := self._find(ResourceKind.SERVER, spec.token):
            return self._state(found)
        for ref in (spec.network, spec.firewall, *spec.volumes):
            if not SimulatedResource.objects.filter(region=self.region, ref=ref).exists():
                raise ProviderRefused(f"{ref} could not be found.")
        if not spec.password and not spec.key_pair:
            raise ProviderRefused("A server needs a password or a key pair.")
        with transaction.atomic():
            # One row of the region is everybody's turn: quota and stock are counted under its lock.
            self._take("servers", settings.SIMULATOR_SERVERS)
            self._take(spec.flavor)
            seconds = BOOT_LEAST_SECONDS + chance(spec.token, "boot") * (BOOT_MOST_SECONDS - BOOT_LEAST_SECONDS)
            address = self._next_address(spec.network)
            made = self._create(
                ResourceKind.SERVER,
                spec.token,
                {"name": spec.name, "volumes": list(spec.volumes), "network": spec.network},
                boot=timedelta(seconds=seconds),
                flavor=spec.flavor,
                address=address,
            )
        return self._answer(made)

    def ensure_address(self, spec: AddressSpec) -> Made:
        if found := self._find(ResourceKind.ADDRESS, spec.token):
            return self._state(found)
        with transaction.atomic():
            self._take("address", EIPS.num_addresses - 2)
            address = self._free(EIPS, 1, SimulatedResource.objects.filter(kind=ResourceKind.ADDRESS))
            facts = {"server": spec.server, "bandwidth": spec.bandwidth}
            made = self._create(ResourceKind.ADDRESS, spec.token, facts, address=address)
        return self._answer(made)

    def _ensure(self, kind: str, token: str, facts: dict[str, Any]) -> Made:
        if found := self._find(kind, token):
            return self._state(found)
        with transaction.atomic():
            made = self._create(kind, token, facts)
        return self._answer(made)

    def _create(
        self,
        kind: str,
        name: str,
        facts: dict[str, Any],
        *,
        boot: timedelta = timedelta(0),
        flavor: str = "",
        address: str | None = None,
    ) -> SimulatedResource:
        now = clock.now()
        return SimulatedResource.objects.create(
            region=self.region,
            kind=kind,
            name=name,
            ref=f"{kind}-{token_hex(8)}",
            state=ON,
            flavor=flavor,
            facts=facts,
            address=address,
            created_at=now,
            ready_at=now + boot,
        )

    def _answer(self, made: SimulatedResource) -> Made:
        """What a call that made something answers: sometimes a fault, although it did."""
        if chance(made.name, "answers 500") * 100 < settings.SIMULATOR_LOST_ANSWERS_PERCENT:
            raise ProviderUnavailable("500 Internal Server Error")
        return self._state(made)

    def _take(self, what: str, otherwise: int | None = None) -> None:
        """One less of a stock; `otherwise` is how many there are where nobody has said."""
        if otherwise is not None:
            SimulatedStock.objects.get_or_create(region=self.region, what=what, defaults={"left": otherwise})
        stock = SimulatedStock.objects.select_for_update().filter(region=self.region, what=what).first()
        if stock is None:
            return
        if not stock.left:
            raise ProviderRefused(f"{'Quota exceeded' if what == 'servers' else 'Sold out'}: {what} in {self.region}.")
        SimulatedStock.objects.filter(pk=stock.pk).update(left=F("left") - 1)

    def _give_back(self, what: str) -> None:
        SimulatedStock.objects.filter(region=self.region, what=what).update(left=F("left") + 1)

    def _next_address(self, network: str) -> str:
        row = SimulatedResource.objects.select_for_update().get(region=self.region, ref=network)
        there = SimulatedResource.objects.filter(kind=ResourceKind.SERVER, facts__network=network)
        return self._free(ipaddress.IPv4Network(row.facts["cidr"]), 2, there)

    def _free(self, network: ipaddress.IPv4Network, first: int, there: "QuerySet[SimulatedResource]") -> str:
        """The first address from `first` on, without the broadcast's, that nothing in the region has."""
        used = set(there.filter(region=self.region).values_list("address", flat=True))
        found = (str(network[number]) for number in range(first, network.num_addresses - 1))
        address = next((one for one in found if one not in used), None)
        if address is None:
            raise ProviderRefused(f"Sold out: addresses of {network}.")
        return address

    # --- looking --------------------------------------------------------------------------------------------

    def _find(self, kind: str, name: str) -> SimulatedResource | None:
        found = SimulatedResource.objects.filter(region=self.region, kind=kind, name=name).exclude(state=DELETING)
        return found.order_by("id").first()

    def _row(self, ref: str) -> SimulatedResource | None:
        """The thing, unless it is being deleted for long enough to be gone."""
        row = SimulatedResource.objects.filter(region=self.region, ref=ref).first()
        if row is not None and row.state == DELETING and row.ready_at <= clock.now():
            row.delete()
            return None
        return row

    def _state(self, row: SimulatedResource) -> Made:
        is_up = row.ready_at <= clock.now()
        fault = ""
        if (row.kind == ResourceKind.SERVER and is_up and row.state == BROKEN) or (
            row.kind == ResourceKind.SERVER and is_up and self._never_comes_up(row)
        ):
            fault = "The server did not come up."
        return Made(row.ref, is_up and not fault, fault, row.address or "")

    def _never_comes_up(self, row: SimulatedResource) -> bool:
        return chance(row.name, "fails") * 100 < settings.SIMULATOR_FAILURES_PERCENT

    def look(self, kind: str, ref: str) -> Made | None:
        row = self._row(ref)
        return None if row is None or row.state == DELETING else self._state(row)

    def owned(self) -> list[Owned]:
        rows = SimulatedResource.objects.filter(region=self.region).exclude(state=DELETING)
        return [Owned(row.kind, row.name, row.ref) for row in rows.order_by("id")]

    # --- deleting and power ---------------------------------------------------------------------------------

    def delete(self, kind: str, token: str, ref: str) -> bool:
        row = self._row(ref) if ref else self._find(kind, token)
        if row is None:
            return True
        if row.state == DELETING:
            return False
        if kind == ResourceKind.VOLUME and self._is_attached(row.ref):
            raise ProviderUnavailable("409: the disk is in use.")
        with transaction.atomic():
            if kind == ResourceKind.SERVER:
                self._give_back("servers")
                self._give_back(row.flavor)
                row.state, row.ready_at = DELETING, clock.now() + timedelta(seconds=DELETE_SECONDS)
                row.save(update_fields=["state", "ready_at"])
                return False
            if kind == ResourceKind.ADDRESS:
                self._give_back("address")
            row.delete()
        return True

    def _is_attached(self, volume: str) -> bool:
        servers = SimulatedResource.objects.filter(
            region=self.region, kind=ResourceKind.SERVER, facts__volumes__contains=[volume]
        )
        return any(self._row(row.ref) is not None for row in servers)

    def is_on(self, ref: str) -> bool | None:
        row = self._server(ref)
        return None if row.ready_at > clock.now() else row.state == ON

    def start(self, ref: str) -> None:
        self._power(ref, ON)

    def stop(self, ref: str) -> None:
        self._power(ref, OFF)

    def restart(self, ref: str) -> None:
        self._power(ref, ON)

    def set_password(self, ref: str, password: str) -> None:
        """Hands it to the machine, which keeps it; there is none here."""
        self._server(ref)

    def _power(self, ref: str, state: str) -> None:
        row = self._server(ref)
        row.state, row.ready_at = state, clock.now() + timedelta(seconds=POWER_SECONDS)
        row.save(update_fields=["state", "ready_at"])

    def _server(self, ref: str) -> SimulatedResource:
        row = self._row(ref)
        if row is None or row.state == DELETING:
            raise ProviderRefused("The server is not there.")
        return row
