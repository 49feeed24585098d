"""Keystone, Glance, and what each service says of its versions."""

from typing import Any

from tests.provisioning.compute.openstack.cloud import Cloud
from tests.provisioning.compute.openstack.routing import Answer, like, missing, new_id, ok, route

PROJECT = "p1"

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
            "endpoints": [{"interface": "public", "region": region, "region_id": region, "url": cloud.url + path, "id": new_id()}
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
