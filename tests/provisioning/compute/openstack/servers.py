"""Nova, and Cinder's volumes that servers boot from."""

import re
from typing import Any

from tests.provisioning.compute.openstack.cloud import Cloud
from tests.provisioning.compute.openstack.routing import Answer, like, missing, new_id, ok, route

# --- Cinder ---------------------------------------------------------------------------------------------------------


@route("GET", r"/volume/v3/volumes(?:/detail)?")
def volumes(cloud: Cloud, query: dict[str, str], *_: Any) -> Answer:
    return ok({"volumes": like(cloud.volumes.values(), query, "name")})


@route("POST", r"/volume/v3/volumes")
def create_volume(cloud: Cloud, _query: Any, body: Any) -> Answer:
    given = body["volume"]
    row = {"id": new_id(), "name": given["name"], "size": given["size"], "status": "creating", "attachments": []}
    cloud.volumes[row["id"]] = row
    return ok({"volume": dict(row)}, 202)


@route("GET", r"/volume/v3/volumes/([^/]+)")
def volume(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
    row = cloud.volumes.get(ref)
    if row is None:
        return missing()
    if row["status"] == "creating":
        row["status"] = "available"
    return ok({"volume": row})


@route("DELETE", r"/volume/v3/volumes/([^/]+)")
def delete_volume(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
    row = cloud.volumes.get(ref)
    if row is None:
        return missing()
    if row["status"] == "in-use":
        return 400, {"badRequest": {"message": "Volume status must be available.", "code": 400}}, {}
    cloud.volumes.pop(ref)
    return 202, None, {}


# --- Nova -----------------------------------------------------------------------------------------------------------

NOVA = r"/compute/v2\.1"


@route("GET", rf"{NOVA}/flavors(?:/detail)?")
def flavors(cloud: Cloud, *_: Any) -> Answer:
    return ok(
        {
            "flavors": [
                {"id": f"flavor-{name}", "name": name, "vcpus": 2, "ram": 4096, "disk": 0} for name in cloud.flavors
            ]
        }
    )


@route("GET", rf"{NOVA}/flavors/(.+)")
def flavor(*_: Any) -> Answer:
    return missing()


@route("GET", rf"{NOVA}/os-keypairs")
def keypairs(cloud: Cloud, *_: Any) -> Answer:
    return ok({"keypairs": [{"keypair": row} for row in cloud.keys.values()]})


@route("GET", rf"{NOVA}/os-keypairs/([^/]+)")
def keypair(cloud: Cloud, _query: Any, _body: Any, name: str) -> Answer:
    return ok({"keypair": cloud.keys[name]}) if name in cloud.keys else missing()


@route("POST", rf"{NOVA}/os-keypairs")
def create_keypair(cloud: Cloud, _query: Any, body: Any) -> Answer:
    cloud.keys[body["keypair"]["name"]] = {"id": body["keypair"]["name"], "fingerprint": "f", **body["keypair"]}
    return ok({"keypair": cloud.keys[body["keypair"]["name"]]}, 201)


@route("DELETE", rf"{NOVA}/os-keypairs/([^/]+)")
def delete_keypair(cloud: Cloud, _query: Any, _body: Any, name: str) -> Answer:
    return (202, None, {}) if cloud.keys.pop(name, None) else missing()


@route("GET", rf"{NOVA}/os-server-groups")
def server_groups(cloud: Cloud, *_: Any) -> Answer:
    return ok({"server_groups": list(cloud.server_groups.values())})


@route("POST", rf"{NOVA}/os-server-groups")
def create_server_group(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": new_id(), "members": [], **body["server_group"]}
    cloud.server_groups[row["id"]] = row
    return ok({"server_group": row})


@route("DELETE", rf"{NOVA}/os-server-groups/([^/]+)")
def delete_server_group(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
    return (204, None, {}) if cloud.server_groups.pop(ref, None) else missing()


@route("GET", rf"{NOVA}/servers(?:/detail)?")
def servers(cloud: Cloud, query: dict[str, str], *_: Any) -> Answer:
    pattern = re.compile(query.get("name", ""))
    return ok({"servers": [row for row in cloud.servers.values() if pattern.search(row["name"])]})


@route("POST", rf"{NOVA}/servers")
def create_server(cloud: Cloud, _query: Any, body: Any) -> Answer:
    given = body["server"]
    network = given["networks"][0]["uuid"]
    if network not in cloud.networks or given["security_groups"][0]["name"] not in cloud.groups:
        return 400, {"badRequest": {"message": "Network could not be found.", "code": 400}}, {}
    disks = [one["uuid"] for one in given["block_device_mapping_v2"]]
    for disk in disks:
        if disk not in cloud.volumes or cloud.volumes[disk]["status"] != "available":
            return 400, {"badRequest": {"message": "Volume is not available.", "code": 400}}, {}
        cloud.volumes[disk]["status"] = "in-use"
    address = f"192.168.0.{next(cloud.numbers)}"
    row = {
        "id": new_id(), "name": given["name"], "status": "BUILD", "disks": disks, "looks": 0, "network": network,
        "metadata": given.get("metadata", {}), "addresses": {}, "key_name": given.get("key_name"), "fixed": address,
    }  # fmt: skip
    cloud.servers[row["id"]] = row
    if "adminPass" in given:
        cloud.passwords[given["name"]] = given["adminPass"]
    port = {"id": new_id(), "device_id": row["id"], "network_id": network, "fixed_ips": []}
    cloud.ports[port["id"]] = port
    return ok({"server": {"id": row["id"], "adminPass": given.get("adminPass", "x"), "links": []}}, 202)


@route("GET", rf"{NOVA}/servers/([^/]+)")
def server(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
    row = cloud.servers.get(ref)
    if row is None:
        return missing()
    row["looks"] += 1
    if row["status"] == "DELETING":
        if row["looks"] > 1:
            _gone(cloud, ref)
            return missing()
        return ok({"server": {**row, "status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"}})
    if row["status"] in ("BUILD", "REBOOT") and row["looks"] > cloud.boots_after:
        row["status"] = "ERROR" if row["name"] in cloud.broken or "*" in cloud.broken else "ACTIVE"
        row["addresses"] = {"net": [{"addr": row["fixed"], "version": 4, "OS-EXT-IPS:type": "fixed"}]}
        if row["status"] == "ERROR":
            row["fault"] = {"code": 500, "message": "No valid host was found."}
    return ok({"server": row})


def _gone(cloud: Cloud, ref: str) -> None:
    row = cloud.servers.pop(ref)
    for disk in row["disks"]:
        if disk in cloud.volumes:
            cloud.volumes[disk]["status"] = "available"
    for key in [key for key, port in cloud.ports.items() if port["device_id"] == ref]:
        cloud.ports.pop(key)


@route("DELETE", rf"{NOVA}/servers/([^/]+)")
def delete_server(cloud: Cloud, _query: Any, _body: Any, ref: str) -> Answer:
    if ref not in cloud.servers:
        return missing()
    cloud.servers[ref] |= {"status": "DELETING", "looks": 0}
    return 204, None, {}


@route("POST", rf"{NOVA}/servers/([^/]+)/action")
def act(cloud: Cloud, _query: Any, body: Any, ref: str) -> Answer:
    row = cloud.servers.get(ref)
    if row is None:
        return missing()
    if "os-stop" in body:
        row["status"] = "SHUTOFF"
    elif "os-start" in body:
        row["status"] = "ACTIVE"
    elif "reboot" in body:
        row |= {"status": "REBOOT", "looks": 0}
    elif "changePassword" in body:
        cloud.passwords[row["name"]] = body["changePassword"]["adminPass"]
    return 202, None, {}
