"""A small object store on the loopback that speaks as much of S3 as django-storages asks of one."""

import contextlib
import threading
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MODIFIED = "Wed, 01 Jan 2020 00:00:00 GMT"


def unchunked(body: bytes) -> bytes:
    """The content of a body in `aws-chunked` encoding."""
    content = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        length = int(head.partition(b";")[0], 16)
        if not length:
            break
        content, body = content + body[:length], body[length + 2 :]
    return content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").removeprefix("/")

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = unchunked(body)
        if self.server.full:
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        self.server.objects[self._key] = body
        self._answer(200, ETag=f'"{md5(body).hexdigest()}"')

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if not self._key:
            self._list(query.get("prefix", [""])[0])
        elif self._key not in self.server.objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            content = self.server.objects[self._key]
            self._answer(200, content, ETag=f'"{md5(content).hexdigest()}"', Last_Modified=MODIFIED)

    def do_HEAD(self) -> None:
        content = self.server.objects.get(self._key)
        if content is None:
            self._answer(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{md5(content).hexdigest()}"')
            self.send_header("Last-Modified", MODIFIED)
            self.end_headers()

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key, None)
        self._answer(204)

    def _list(self, prefix: str) -> None:
        keys = [key for key in sorted(self.server.objects) if key.startswith(prefix)]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.server.objects[key])}</Size></Contents>" for key in keys
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        self._answer(200, body.encode(), Content_Type="application/xml")


@contextlib.contextmanager
def object_store() -> Iterator[tuple[Any, dict[str, Any]]]:
    """The server (`objects`, `full`), and the storage's settings that name it."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.objects, server.full = {}, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = {
        "bucket_name": "bucket",
        "endpoint_url": f"http://127.0.0.1:{server.server_port}",
        "region_name": "here",
        "access_key": "a",
        "secret_key": "b",
    }
    try:
        yield server, options
    finally:
        server.shutdown()
        server.server_close()
