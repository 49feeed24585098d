"""The cloud's HTTP side."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Each puts its calls into the table.
from tests.provisioning.compute.openstack import identity, network, servers  # noqa: F401
from tests.provisioning.compute.openstack.cloud import Cloud
from tests.provisioning.compute.openstack.routing import ROUTES


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
