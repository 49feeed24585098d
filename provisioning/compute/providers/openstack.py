"""Any OpenStack-compatible cloud, through openstacksdk: Nova, Neutron, Cinder and Glance of one project.

Everything that we make is named by its token. Names of regions, flavors and kinds of disks are ours unless the settings
map them. A bandwidth becomes a limit where the cloud has a QoS policy named like "5mbps".
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import openstack
import yaml
from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from openstack.connection import Connection

from catalog.firewalls import Rule
from provisioning.compute.choices import ResourceKind
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

PREFIX = "kg-"
# What the cloud says when it may do it later: it is busy with the thing, or with too many calls.
LATER = (409, 429)


@cache
def _connection(region: str, timeout: float) -> Connection:
    """One connection, with its token, for each region and process."""
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=settings.OPENSTACK_AUTH_URL,
        username=settings.OPENSTACK_USERNAME,
        password=settings.OPENSTACK_PASSWORD,
        project_name=settings.OPENSTACK_PROJECT,
        user_domain_name=settings.OPENSTACK_USER_DOMAIN,
        project_domain_name=settings.OPENSTACK_PROJECT_DOMAIN,
        region_name=region,
        api_timeout=timeout,
        app_name="koogallery",
    )


@contextmanager
def _said(not_there: str = "") -> Iterator[None]:
    """What the SDK raises, in our two words: may be asked again, or will not be done.

    Raises:
        ProviderUnavailable, ProviderRefused
    """
    try:
        yield
    except sdk.NotFoundException as error:
        raise ProviderRefused(not_there or _words(error)) from error
    except sdk.HttpException as error:
        status = error.status_code or 500
        raised = ProviderUnavailable if status >= 500 or status in LATER else ProviderRefused
        raise raised(_words(error)) from error
    except (sdk.SDKException, keystone.ClientException, OSError) as error:
        raise ProviderUnavailable(f"{type(error).__name__}: {error}"[:300]) from error


def _words(error: sdk.HttpException) -> str:
    return f"{error.status_code}: {error.details or error.message}"[:300]


class OpenStackCloud:
    """`providers.base.ComputeProvider` for one region."""

    def __init__(self, region: str) -> None:
        name = settings.OPENSTACK_REGIONS.get(region, region)
        with _said():
            self.cloud = _connection(name, settings.OPENSTACK_TIMEOUT_SECONDS)

    # --- what servers share ---------------------------------------------------------------------------------

    def ensure_network(self, spec: NetworkSpec) -> Made:
        with _said():
            net = self.cloud.network
            network = self._named(net.networks(name=spec.token), spec.token) or net.create_network(name=spec.token)
            subnet = self._named(net.subnets(network_id=network.id), spec.token) or net.create_subnet(
                network_id=network.id, name=spec.token, ip_version=4, cidr=spec.cidr
            )
            outside = net.find_network(settings.OPENSTACK_EXTERNAL_NETWORK)
            if outside is not None:
                router = self._named(net.routers(name=spec.token), spec.token) or net.create_router(
                    name=spec.token, external_gateway_info={"network_id": outside.id}
                )
                if not any(True for _port in net.ports(device_id=router.id, network_id=network.id)):
                    net.add_interface_to_router(router, subnet=subnet.id)
            return Made(network.id)

    def ensure_firewall(self, spec: FirewallSpec) -> Made:
        with _said():
            net = self.cloud.network
            group = self._named(net.security_groups(name=spec.token), spec.token) or net.create_security_group(
                name=spec.token, description=spec.name
            )
            wanted = {_rule(rule): rule for rule in spec.rules}
            for there in net.security_group_rules(security_group_id=group.id, direction="ingress"):
                key = (there.protocol, there.port_range_min, there.port_range_max, there.remote_ip_prefix)
                if wanted.pop(key, None) is None:
                    net.delete_security_group_rule(there, ignore_missing=True)
            for protocol, first, last, source in wanted:
                net.create_security_group_rule(
                    security_group_id=group.id,
                    direction="ingress",
                    ether_type="IPv6" if source and ":" in source else "IPv4",
                    protocol=protocol,
                    port_range_min=first,
                    port_range_max=last,
                    remote_ip_prefix=source,
                )
            return Made(group.id)

    def ensure_key_pair(self, token: str, public_key: str) -> Made:
        with _said():
            compute = self.cloud.compute
            if compute.find_keypair(token, ignore_missing=True) is None:
                compute.create_keypair(name=token, public_key=public_key)
            return Made(token)

    def ensure_group(self, token: str) -> Made:
        with _said():
            compute = self.cloud.compute
            group = self._named(compute.server_groups(), token) or compute.create_server_group(
                name=token, policies=["anti-affinity"]
            )
            return Made(group.id)

    # --- a server -------------------------------------------------------------------------------------------

    def ensure_volume(self, spec: VolumeSpec) -> Made:
        with _said():
            storage = self.cloud.block_storage
            if found := self._named(storage.volumes(name=spec.token), spec.token):
                return self._volume(found)
            image = None
            if spec.image:
                image = self.cloud.image.find_image(spec.image, ignore_missing=True)
                if image is None:
                    raise ProviderRefused(f"The image {spec.image} is not in this cloud.")
            kind = settings.OPENSTACK_VOLUME_TYPES.get(spec.kind)
            return self._volume(
                storage.create_volume(
                    name=spec.token,
                    size=spec.size_gb,
                    **({"image_id": image.id} if image else {}),
                    **({"volume_type": kind} if kind else {}),
                )
            )

    def _volume(self, volume: Any) -> Made:
        fault = "The disk could not be made." if volume.status.startswith("error") else ""
        return Made(volume.id, volume.status in ("available", "in-use"), fault)

    @sensitive_variables()
    def ensure_server(self, spec: ServerSpec) -> Made:
        with _said():
            compute = self.cloud.compute
            if found := self._named(compute.servers(name=f"^{spec.token}$"), spec.token):
                return self._server(found)
            flavor = settings.OPENSTACK_FLAVORS.get(spec.flavor, spec.flavor)
            size = compute.find_flavor(flavor, ignore_missing=True)
            if size is None:
                raise ProviderRefused(f"The flavor {flavor} is not in this cloud.")
            disks = [
                {
                    "boot_index": 0 if number == 0 else -1,
                    "uuid": volume,
                    "source_type": "volume",
                    "destination_type": "volume",
                    "delete_on_termination": False,
                }
                for number, volume in enumerate(spec.volumes)
            ]
            hello = "#cloud-config\n" + yaml.safe_dump({"hostname": spec.name})
            made = compute.create_server(
                name=spec.token,
                flavor_id=size.id,
                networks=[{"uuid": spec.network}],
                security_groups=[{"name": spec.firewall}],
                block_device_mapping=disks,
                metadata={"koogallery-name": spec.name, "koogallery-recovery": "on" if spec.auto_recovery else "off"},
                user_data=base64.b64encode(hello.encode()).decode(),
                **({"admin_password": spec.password} if spec.password else {}),
                **({"key_name": spec.key_pair} if spec.key_pair else {}),
                **({"scheduler_hints": {"group": spec.group}} if spec.group else {}),
            )
            return self._server(compute.get_server(made.id))

    def _server(self, server: Any) -> Made:
        fault = ""
        if server.status == "ERROR":
            fault = str((server.fault or {}).get("message") or "The server did not come up.")[:200]
        addresses = [one for network in (server.addresses or {}).values() for one in network]
        fixed = next((one["addr"] for one in addresses if one.get("OS-EXT-IPS:type", "fixed") == "fixed"), "")
        return Made(server.id, server.status in ("ACTIVE", "SHUTOFF"), fault, fixed)

    def ensure_address(self, spec: AddressSpec) -> Made:
        with _said():
            net = self.cloud.network
            port = next(iter(net.ports(device_id=spec.server)), None)
            if port is None:
                raise ProviderUnavailable("The server has no port yet.")
            found = next((one for one in net.ips(description=spec.token) if one.description == spec.token), None)
            if found is None:
                outside = net.find_network(settings.OPENSTACK_EXTERNAL_NETWORK, ignore_missing=False)
                policy = net.find_qos_policy(f"{spec.bandwidth}mbps", ignore_missing=True)
                found = net.create_ip(
                    floating_network_id=outside.id,
                    port_id=port.id,
                    description=spec.token,
                    **({"qos_policy_id": policy.id} if policy else {}),
                )
            elif not found.port_id:
                found = net.update_ip(found, port_id=port.id)
            return Made(found.id, address=found.floating_ip_address)

    def look(self, kind: str, ref: str) -> Made | None:
        with _said():
            try:
                if kind == ResourceKind.VOLUME:
                    return self._volume(self.cloud.block_storage.get_volume(ref))
                if kind == ResourceKind.ADDRESS:
                    return Made(ref, address=self.cloud.network.get_ip(ref).floating_ip_address)
                return self._server(self.cloud.compute.get_server(ref))
            except sdk.NotFoundException:
                return None

    # --- taking away ------------------------------------------------------------------------------------------

    def delete(self, kind: str, token: str, ref: str) -> bool:
        with _said():
            ids = [ref] if ref else [one.ref for one in self._owned(kind) if one.token == token]
            gone = [self._delete(kind, token, one) for one in ids]
            return all(gone)

    def _delete(self, kind: str, token: str, ref: str) -> bool:
        """Ask for it; True when it is gone. What goes slowly is looked at again."""
        compute, net = self.cloud.compute, self.cloud.network
        match kind:
            case ResourceKind.SERVER:
                return self._ask(compute.delete_server, compute.get_server, ref)
            case ResourceKind.VOLUME:
                storage = self.cloud.block_storage
                return self._ask(storage.delete_volume, storage.get_volume, ref)
            case ResourceKind.ADDRESS:
                net.delete_ip(ref, ignore_missing=True)
            case ResourceKind.FIREWALL:
                net.delete_security_group(ref, ignore_missing=True)
            case ResourceKind.KEY_PAIR:
                compute.delete_keypair(ref, ignore_missing=True)
            case ResourceKind.GROUP:
                compute.delete_server_group(ref, ignore_missing=True)
            case ResourceKind.NETWORK:
                self._delete_network(token, ref)
        return True

    def _ask(self, delete: Callable[..., Any], get: Callable[[str], Any], ref: str) -> bool:
        try:
            if "deleting" not in (str(get(ref).status) + str(getattr(get(ref), "task_state", ""))).lower():
                delete(ref, ignore_missing=True)
            get(ref)
        except sdk.NotFoundException:
            return True
        return False

    def _delete_network(self, token: str, ref: str) -> None:
        net = self.cloud.network
        subnets = list(net.subnets(network_id=ref))
        for router in net.routers(name=token):
            for port in net.ports(device_id=router.id, network_id=ref):
                for subnet in subnets:
                    if any(one["subnet_id"] == subnet.id for one in port.fixed_ips):
                        net.remove_interface_from_router(router, subnet=subnet.id)
            net.delete_router(router, ignore_missing=True)
        net.delete_network(ref, ignore_missing=True)

    # --- power --------------------------------------------------------------------------------------------------

    def is_on(self, ref: str) -> bool | None:
        with _said("The server is not there."):
            status = self.cloud.compute.get_server(ref).status
            if status == "ERROR":
                raise ProviderRefused("The server is broken.")
            return {"ACTIVE": True, "SHUTOFF": False}.get(status)

    def start(self, ref: str) -> None:
        with _said("The server is not there."):
            self.cloud.compute.start_server(ref)

    def stop(self, ref: str) -> None:
        with _said("The server is not there."):
            self.cloud.compute.stop_server(ref)

    def restart(self, ref: str) -> None:
        with _said("The server is not there."):
            self.cloud.compute.reboot_server(ref, "SOFT")

    @sensitive_variables()
    def set_password(self, ref: str, password: str) -> None:
        with _said("The server is not there."):
            self.cloud.compute.change_server_password(ref, password)

    # --- what is ours ---------------------------------------------------------------------------------------------

    def owned(self) -> list[Owned]:
        with _said():
            return [one for kind in ResourceKind for one in self._owned(kind)]

    def _owned(self, kind: str) -> list[Owned]:
        compute, net = self.cloud.compute, self.cloud.network
        rows: dict[str, Callable[[], Any]] = {
            ResourceKind.NETWORK: net.networks,
            ResourceKind.FIREWALL: net.security_groups,
            ResourceKind.KEY_PAIR: compute.keypairs,
            ResourceKind.GROUP: compute.server_groups,
            ResourceKind.VOLUME: self.cloud.block_storage.volumes,
            ResourceKind.SERVER: compute.servers,
            ResourceKind.ADDRESS: net.ips,
        }
        found = []
        for one in rows[kind]():
            token = (one.description if kind == ResourceKind.ADDRESS else one.name) or ""
            if token.startswith(PREFIX):
                found.append(Owned(kind, token, one.name if kind == ResourceKind.KEY_PAIR else one.id))
        return found

    def _named(self, rows: Any, token: str) -> Any:
        """The first with this name; a cloud's own filter may match more."""
        return next((one for one in rows if one.name == token), None)


def _rule(rule: Rule) -> tuple[str | None, int | None, int | None, str]:
    """A rule as Neutron prints it."""
    protocol = None if rule.protocol == "all" else rule.protocol
    if rule.protocol == "icmp" and rule.ip_version == 6:
        protocol = "ipv6-icmp"
    return protocol, rule.first_port, rule.last_port, rule.source
