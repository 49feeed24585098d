"""Programs that upload files in parts, and what the web server's memory and its pages do meanwhile."""

import http.client
import json
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from bench.place import memory_of

MIB = 1 << 20
BUSY_SECONDS = 0.3


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!L", len(data)) + kind + data + struct.pack("!L", zlib.crc32(kind + data))


def png(size: int = 1) -> bytes:
    """A grey square; larger ones carry their bytes in a text chunk."""
    head = png_chunk(b"IHDR", struct.pack("!LLBBBBB", 1, 1, 8, 0, 0, 0, 0))
    end = png_chunk(b"IDAT", zlib.compress(b"\0\0")) + png_chunk(b"IEND")
    room = size - len(b"\x89PNG\r\n\x1a\n" + head + end) - 12
    text = png_chunk(b"tEXt", b"Comment\0".ljust(room, b".")) if room > 8 else b""
    return b"\x89PNG\r\n\x1a\n" + head + text + end


@dataclass(frozen=True, slots=True)
class Program:
    """A program with a buyer's key."""

    port: int
    secret: str

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """One call on a connection of its own: the status and what was said."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Authorization": f"Token {self.secret}", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        with closing(connection):
            told: Any = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, f"/api/v1/{path}", told, sent)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}

    def in_parts(self, content: bytes, *, pause: float = 0.0) -> str:
        """Upload in parts of 1 MiB, waiting for its turn; the finished upload's id.

        `pause`: seconds between eighths of a part, as on a slow line.
        """
        status, upload = self.ask("POST", "uploads/", {"name": "plan.png", "size": len(content)})
        assert status == 201, upload
        path = f"uploads/{upload['id']}/"
        while upload["received"] < len(content):
            at = upload["received"]
            part = content[at : at + MIB]
            body = slowly(part, pause) if pause else part
            length = {"Content_Length": str(len(part)), "Upload_Offset": str(at)}
            try:
                status, answer = self.ask("PATCH", path, body, Content_Type="application/octet-stream", **length)
            except (BrokenPipeError, ConnectionResetError):
                # A busy server answers and closes without reading the part.
                status, upload = self.ask("GET", path)
                time.sleep(BUSY_SECONDS)
                continue
            if answer.get("code") == "uploads_busy":
                time.sleep(BUSY_SECONDS)
                continue
            assert status == 200, answer
            upload = answer
        status, answer = self.ask("POST", f"{path}complete/")
        while answer.get("code") == "uploads_busy":
            time.sleep(BUSY_SECONDS)
            status, answer = self.ask("POST", f"{path}complete/")
        assert (status, answer.get("status")) == (200, "ready"), answer
        return str(upload["id"])


def slowly(part: bytes, pause: float) -> Iterator[bytes]:
    """As a slow line brings it."""
    for start in range(0, len(part), MIB // 8):
        yield part[start : start + MIB // 8]
        time.sleep(pause)


def visit(port: int, page: str) -> float:
    """Load a page on a connection of its own; the seconds that it took."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request("GET", page)
        answer = connection.getresponse()
        answer.read()
    assert answer.status == 200
    return time.monotonic() - began


@dataclass
class Watch:
    """The server's memory, and how long a page takes, while something happens."""

    port: int
    group: int
    page: str
    before: int = 0
    peak: int = 0
    waits: list[float] = field(default_factory=list)

    def __enter__(self) -> "Watch":
        # In every thread of every process, as with the uploads.
        with ThreadPoolExecutor(12) as visitors:
            list(visitors.map(lambda _: self._load(), range(72)))
        self.waits.clear()
        self.before = self.peak = memory_of(self.group)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._weigh, self._visit)]
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()

    def _weigh(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, memory_of(self.group))

    def _visit(self) -> None:
        while not self._over.wait(0.05):
            self._load()

    def _load(self) -> None:
        self.waits.append(visit(self.port, self.page))

    @property
    def growth(self) -> int:
        """Bytes at most beyond what there was before."""
        return max(0, self.peak - self.before)

    def slowest_of(self, hundred: int) -> float:
        """Seconds that so many of a hundred pages took at most."""
        return sorted(self.waits)[int(len(self.waits) * hundred / 100)]

    def __str__(self) -> str:
        return (
            f"memory {self.before / MIB:.0f} MB before, {self.peak / MIB:.0f} MB at most (+{self.growth / MIB:.1f}); "
            f"{len(self.waits)} pages, 50th and 95th percentile {self.slowest_of(50) * 1000:.0f} and "
            f"{self.slowest_of(95) * 1000:.0f} ms, slowest {max(self.waits) * 1000:.0f} ms"
        )
