"""Neutron."""

from typing import Any

from tests.provisioning.compute.openstack.cloud import Cloud
from tests.provisioning.compute.openstack.routing import Answer, like, missing, new_id, ok, route

NET = r"/network/v2\.0"


@route("GET", rf"{NET}/extensions")
def extensions(*_: Any) -> Answer:
    return ok({"extensions": []})


def _collection(name: str, one: str, attribute: str, fields: tuple[str, ...]) -> None:
    """The usual five of a Neutron collection."""

    @route("GET", rf"{NET}/{name}")
    def rows(cloud: Cloud, query: dict[str, str], *_: Any) -> Answer:
        return ok({name.replace("-", "_"): like(getattr(cloud, attribute).values(), query, *fields)})

    @route("GET", rf"{NET}/{name}/([^/]+)")
    def single(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
        found = getattr(cloud, attribute).get(ref)
        return ok({one: found}) if found else missing()

    @route("DELETE", rf"{NET}/{name}/([^/]+)")
    def delete(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
        if ref not in getattr(cloud, attribute):
            return missing()
        if name == "networks" and any(port["network_id"] == ref for port in cloud.ports.values()):
            return 409, {"NeutronError": {"message": "The network is in use.", "type": "NetworkInUse"}}, {}
        getattr(cloud, attribute).pop(ref)
        if name == "networks":
            for subnet in [key for key, row in cloud.subnets.items() if row["network_id"] == ref]:
                cloud.subnets.pop(subnet)
        return 204, None, {}


for _name, _one, _attribute, _fields in (
    ("networks", "network", "networks", ("name",)),
    ("subnets", "subnet", "subnets", ("network_id", "name")),
    ("routers", "router", "routers", ("name",)),
    ("ports", "port", "ports", ("device_id", "network_id")),
    ("security-groups", "security_group", "groups", ("name",)),
    ("security-group-rules", "security_group_rule", "rules", ("security_group_id", "direction")),
    ("floatingips", "floatingip", "addresses", ("description",)),
):
    _collection(_name, _one, _attribute, _fields)


@route("GET", rf"{NET}/qos/policies")
def policies(*_: Any) -> Answer:
    return ok({"policies": []})


@route("GET", rf"{NET}/qos/policies/(.+)")
def policy(*_: Any) -> Answer:
    return missing()


@route("POST", rf"{NET}/networks")
def create_network(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), "status": "ACTIVE", **body["network"]}
    cloud.networks[row["id"]] = row
    return ok({"network": row}, 201)


@route("POST", rf"{NET}/subnets")
def create_subnet(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), **body["subnet"]}
    cloud.subnets[row["id"]] = row
    return ok({"subnet": row}, 201)


@route("POST", rf"{NET}/routers")
def create_router(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), **body["router"]}
    cloud.routers[row["id"]] = row
    return ok({"router": row}, 201)


@route("PUT", rf"{NET}/routers/([^/]+)/add_router_interface")
def add_interface(cloud: Cloud, _query: Any, body: Any, ref: str) -> Answer:
    subnet = cloud.subnets[body["subnet_id"]]
    port = {
        "id": new_id(),
        "device_id": ref,
        "network_id": subnet["network_id"],
        "fixed_ips": [{"subnet_id": subnet["id"]}],
    }
    cloud.ports[port["id"]] = port
    return ok({"id": ref, "port_id": port["id"], "subnet_id": subnet["id"]})


@route("PUT", rf"{NET}/routers/([^/]+)/remove_router_interface")
def remove_interface(cloud: Cloud, _query: Any, body: Any, ref: str) -> Answer:
    for key, port in list(cloud.ports.items()):
        if port["device_id"] == ref:
            cloud.ports.pop(key)
    return ok({"id": ref})


@route("POST", rf"{NET}/security-groups")
def create_group(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), **body["security_group"]}
    cloud.groups[row["id"]] = row
    return ok({"security_group": row}, 201)


@route("POST", rf"{NET}/security-group-rules")
def create_rule(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {
        "id": new_id(),
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        **body["security_group_rule"],
    }
    cloud.rules[row["id"]] = row
    return ok({"security_group_rule": row}, 201)


@route("POST", rf"{NET}/floatingips")
def create_address(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), "floating_ip_address": f"203.0.113.{next(cloud.numbers)}", **body["floatingip"]}
    cloud.addresses[row["id"]] = row
    return ok({"floatingip": row}, 201)
