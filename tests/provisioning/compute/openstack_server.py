"""A small OpenStack on loopback: Keystone, Nova, Neutron, Cinder and Glance, as much of them as servers need.

Its state is in memory. `cloud.fail_next("POST", "/servers")` makes the next such call answer 500 after having done what it was
asked; `before=True` before. Servers boot while they are looked at: `boots_after` looks; names in `broken` never come up.
"""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

PROJECT = "p1"


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


def _id() -> str:
    return uuid4().hex


class Handler(BaseHTTPRequestHandler):
    """Routes calls to `Routes`."""

    protocol_version = "HTTP/1.1"
    cloud: Cloud

    def log_message(self, *_args: Any) -> None:
        """Quiet."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        body = json.loads(raw) if raw else {}
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        cloud = self.cloud
        with cloud.lock:
            cloud.calls.append(f"{self.command} {parts.path}")
            status, answer, headers = self._answer(parts.path, query, body)
        data = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def _answer(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any, dict[str, str]]:
        cloud = self.cloud
        if refused := next((one for one in cloud.refusals if one[0] == self.command and path.endswith(one[1])), None):
            cloud.refusals.remove(refused)
            return refused[2], {"forbidden": {"message": "Quota exceeded", "code": refused[2]}}, {}
        fault = next((one for one in cloud.faults if one[0] == self.command and path.endswith(one[1])), None)
        if fault:
            cloud.faults.remove(fault)
            if fault[2]:
                return 500, {"error": {"message": "before"}}, {}
        if path not in ("/", "/identity/v3", "/identity/v3/") and path != "/identity/v3/auth/tokens":
            discovery = path.rstrip("/") in (
                "/compute/v2.1",
                "/network",
                "/image",
                "/volume/v3",
                "/network/v2.0",
                "/image/v2",
            )
            if not discovery and self.headers.get("X-Auth-Token") != "token-1":
                return 401, {"error": {"message": "log in", "code": 401}}, {}
        for method, pattern, act in ROUTES:
            if method == self.command and (found := re.fullmatch(pattern, path.rstrip("/") or "/")):
                answer = act(cloud, query, body, *found.groups())
                if fault:
                    return 500, {"error": {"message": "after"}}, {}
                return answer
        return 404, {"itemNotFound": {"message": f"no {self.command} {path}", "code": 404}}, {}


Answer = tuple[int, Any, dict[str, str]]
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = []


def route(method: str, pattern: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    def decorate(act: Callable[..., Answer]) -> Callable[..., Answer]:
        ROUTES.append((method, pattern, act))
        return act

    return decorate


def ok(answer: Any, status: int = 200, **headers: str) -> Answer:
    return status, answer, headers


def missing() -> Answer:
    return 404, {"itemNotFound": {"message": "There is no such thing.", "code": 404}}, {}


def like(rows: Any, query: dict[str, str], *fields: str) -> list[dict[str, Any]]:
    return [row for row in rows if all(str(row.get(one)) == query[one] for one in fields if one in query)]


# --- Keystone -----------------------------------------------------------------------------------------------------


@route("GET", r"/|/identity/v3")
def keystone(cloud: Cloud, *_: Any) -> Answer:
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{cloud.url}/identity/v3/"}]}
    return ok({"version": version})


@route("POST", r"/identity/v3/auth/tokens")
def token(cloud: Cloud, _query: Any, body: Any) -> Answer:
    user = body["auth"]["identity"]["password"]["user"]
    if (user["name"], user["password"]) != (cloud.username, cloud.password):
        return 401, {"error": {"message": "wrong password", "code": 401}}, {}
    paths = {
        "identity": "/identity/v3", "compute": "/compute/v2.1", "network": "/network", "image": "/image",
        "block-storage": "/volume/v3", "volumev3": "/volume/v3",
    }  # fmt: skip
    catalog = [
        {
            "type": kind, "name": kind, "id": kind,
            "endpoints": [{"interface": "public", "region": region, "region_id": region, "url": cloud.url + path, "id": _id()}
                          for region in ("eu-dublin", "RegionOne")],
        }
        for kind, path in paths.items()
    ]  # fmt: skip
    found = {
        "methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
        "project": {"id": PROJECT, "name": "koogallery", "domain": {"id": "default", "name": "Default"}},
        "user": {"id": "u1", "name": user["name"], "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "member"}], "catalog": catalog,
    }  # fmt: skip
    return 201, {"token": found}, {"X-Subject-Token": "token-1"}


# --- versions -------------------------------------------------------------------------------------------------------


@route("GET", r"/compute/v2\.1")
def nova(cloud: Cloud, *_: Any) -> Answer:
    links = [{"rel": "self", "href": f"{cloud.url}/compute/v2.1/"}]
    return ok({"version": {"id": "v2.1", "status": "CURRENT", "version": "2.79", "min_version": "2.1", "links": links}})


@route("GET", r"/volume/v3")
def cinder(cloud: Cloud, *_: Any) -> Answer:
    links = [{"rel": "self", "href": f"{cloud.url}/volume/v3/"}]
    return ok(
        {"versions": [{"id": "v3.0", "status": "CURRENT", "version": "3.59", "min_version": "3.0", "links": links}]}
    )


@route("GET", r"/network|/network/v2\.0")
def neutron(cloud: Cloud, *_: Any) -> Answer:
    links = [{"rel": "self", "href": f"{cloud.url}/network/v2.0/"}]
    return ok({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


@route("GET", r"/image|/image/v2")
def glance(cloud: Cloud, *_: Any) -> Answer:
    links = [{"rel": "self", "href": f"{cloud.url}/image/v2/"}]
    return ok({"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]})


# --- Glance ---------------------------------------------------------------------------------------------------------


@route("GET", r"/image/v2/images")
def images(cloud: Cloud, query: dict[str, str], *_: Any) -> Answer:
    rows = [{"id": f"image-{name}", "name": name, "status": "active"} for name in cloud.images]
    return ok({"images": like(rows, query, "name")})


@route("GET", r"/image/v2/images/(.+)")
def image(*_: Any) -> Answer:
    return missing()


# --- Neutron --------------------------------------------------------------------------------------------------------

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
    row = {"id": _id(), "status": "ACTIVE", **body["network"]}
    cloud.networks[row["id"]] = row
    return ok({"network": row}, 201)


@route("POST", rf"{NET}/subnets")
def create_subnet(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": _id(), **body["subnet"]}
    cloud.subnets[row["id"]] = row
    return ok({"subnet": row}, 201)


@route("POST", rf"{NET}/routers")
def create_router(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": _id(), **body["router"]}
    cloud.routers[row["id"]] = row
    return ok({"router": row}, 201)


@route("PUT", rf"{NET}/routers/([^/]+)/add_router_interface")
def add_interface(cloud: Cloud, _query: Any, body: Any, ref: str) -> Answer:
    subnet = cloud.subnets[body["subnet_id"]]
    port = {
        "id": _id(),
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
    row = {"id": _id(), **body["security_group"]}
    cloud.groups[row["id"]] = row
    return ok({"security_group": row}, 201)


@route("POST", rf"{NET}/security-group-rules")
def create_rule(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": _id(), "protocol": None, "port_range_min": None, "port_range_max": None, **body["security_group_rule"]}
    cloud.rules[row["id"]] = row
    return ok({"security_group_rule": row}, 201)


@route("POST", rf"{NET}/floatingips")
def create_address(cloud: Cloud, _query: Any, body: Any) -> Answer:
    row = {"id": _id(), "floating_ip_address": f"203.0.113.{next(cloud.numbers)}", **body["floatingip"]}
    cloud.addresses[row["id"]] = row
    return ok({"floatingip": row}, 201)


# --- Cinder ---------------------------------------------------------------------------------------------------------


@route("GET", r"/volume/v3/volumes(?:/detail)?")
def volumes(cloud: Cloud, query: dict[str, str], *_: Any) -> Answer:
    return ok({"volumes": like(cloud.volumes.values(), query, "name")})


@route("POST", r"/volume/v3/volumes")
def create_volume(cloud: Cloud, _query: Any, body: Any) -> Answer:
    given = body["volume"]
    row = {"id": _id(), "name": given["name"], "size": given["size"], "status": "creating", "attachments": []}
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
    row = {"id": _id(), "members": [], **body["server_group"]}
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
        "id": _id(), "name": given["name"], "status": "BUILD", "disks": disks, "looks": 0, "network": network,
        "metadata": given.get("metadata", {}), "addresses": {}, "key_name": given.get("key_name"), "fixed": address,
    }  # fmt: skip
    cloud.servers[row["id"]] = row
    if "adminPass" in given:
        cloud.passwords[given["name"]] = given["adminPass"]
    port = {"id": _id(), "device_id": row["id"], "network_id": network, "fixed_ips": []}
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


@contextmanager
def running() -> Iterator[Cloud]:
    """The cloud at `cloud.url` while the block runs."""
    cloud = Cloud()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"cloud": cloud}))
    cloud.url = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        listener.shutdown()
        listener.server_close()
