"""A small HTTP load generator: keep-alive connections in one thread, closed loop and open loop.

It asks for gzip as a browser does and reads every answer to its end, with or without Content-Length. It leaves a core
to the server: `ceiling()` says how many answers it could take in a second if the server cost nothing.
"""

import contextlib
import gc
import gzip
import math
import multiprocessing
import re
import selectors
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from types import MappingProxyType

TIMEOUT_SECONDS = 30.0
# An open loop opens connections as they are needed, up to so many; then requests wait here, and their time counts.
MOST_CONNECTIONS = 256
CEILING_BODY = 10_000
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
# The lengths of an answer that are not a number of bytes.
UNKNOWN, UNTIL_LAST_CHUNK, UNTIL_CLOSED = -1, -2, -3


@dataclass(slots=True)
class Measured:
    """What a run saw.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: seconds of each answer; a request without an answer counts with the time that was waited for it.
        failed: how many of them were no success (2xx or 304).
        processor: seconds of processor time that the generator itself used.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    processor: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` (0 to 1) of the answers stayed within (nearest rank)."""
        return 1000 * percentile(self.latencies, share)

    def add(self, other: "Measured") -> None:
        """Take in another run of the same."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.failed += other.failed
        self.processor += other.processor

    def note(self, status: int, began: float) -> None:
        """Write down an answer; status 0: none came."""
        self.latencies.append(time.perf_counter() - began)
        self.failed += not (200 <= status < 300 or status == 304)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` (0 to 1) of them do not exceed; not a number when there are none."""
    if not values:
        return math.nan
    # Rounded first: 0.07 * 100 is a little more than 7 in binary.
    rank = math.ceil(round(share * len(values), 9))
    return sorted(values)[min(len(values), max(1, rank)) - 1]


class Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.began = 0.0
        self._received = b""
        self._wanted = UNKNOWN
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(
        self,
        path: str,
        began: float,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
    ) -> None:
        """Ask for a path; `began` is when the answer was due to be asked for."""
        self.began = began
        self._received = b""
        self._wanted = UNKNOWN
        request = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept-Encoding: gzip\r\n"
        request += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if method != "GET":
            request += f"Content-Length: {len(body)}\r\n"
        self.socket.sendall(request.encode() + b"\r\n" + body)

    def receive(self) -> int | None:
        """Take in what has come; the status when the answer is complete.

        Raises:
            ConnectionError: the server closed the connection in the middle.
        """
        part = self.socket.recv(65_536)
        if not part:
            if self._wanted == UNTIL_CLOSED:
                return int(self._received[9:12])
            raise ConnectionError("The server closed the connection.")
        self._received = self._received + part if self._received else part
        if self._wanted == UNKNOWN and not self._read_head():
            return None
        if self._wanted == UNTIL_LAST_CHUNK:
            complete = self._received.endswith(b"\r\n0\r\n\r\n")
        else:
            complete = 0 <= self._wanted <= len(self._received)
        return int(self._received[9:12]) if complete else None

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._received[:end]
        if length := _LENGTH.search(head):
            self._wanted = end + 4 + int(length[1])
        elif head[9:12] in (b"204", b"304"):
            self._wanted = end + 4
        else:
            self._wanted = UNTIL_LAST_CHUNK if _CHUNKED.search(head) else UNTIL_CLOSED
        return True

    def answer(self) -> tuple[list[tuple[str, str]], bytes]:
        """Headers, their names in lower case, and body of the complete answer, unpacked."""
        head, _, body = self._received.partition(b"\r\n\r\n")
        lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        headers = [(name.lower(), value.strip()) for name, _colon, value in lines]
        if self._wanted == UNTIL_LAST_CHUNK:
            body = _joined(body)
        return headers, gzip.decompress(body) if ("content-encoding", "gzip") in headers else body

    @property
    def can_be_used_again(self) -> bool:
        """Whether the answer that came left the connection open."""
        return self._wanted != UNTIL_CLOSED

    def close(self) -> None:
        self.socket.close()


def _joined(chunks: bytes) -> bytes:
    """A chunked body without its chunks' lengths."""
    parts, at = [], 0
    while length := int(chunks[at : (start := chunks.index(b"\r\n", at))].split(b";")[0], 16):
        parts.append(chunks[start + 2 : start + 2 + length])
        at = start + length + 4
    return b"".join(parts)


def _answered(connection: Connection) -> int | None:
    """The status of a complete answer, 0 when the connection broke, None when more must come."""
    try:
        return connection.receive()
    except (ConnectionError, TimeoutError):
        return 0


@contextlib.contextmanager
def measuring(measured: Measured) -> Iterator[float]:
    """Time a run, without pauses of our own garbage collector; yields when it started."""
    gc.collect()
    gc.disable()
    started, processor = time.perf_counter(), time.process_time()
    try:
        yield started
    finally:
        measured.seconds = time.perf_counter() - started
        measured.processor = time.process_time() - processor
        gc.enable()


def throughput(port: int, paths: Sequence[str], *, connections: int, seconds: float) -> Measured:
    """As many requests as the server takes over so many connections (closed loop).

    What is under way at the end is waited for and counted, so that it burdens nobody who is measured next.

    Raises:
        ConnectionError: nobody listens.
    """
    measured, asked = Measured(), cycle(paths)
    with selectors.DefaultSelector() as waiting, measuring(measured) as started:
        end = started + seconds

        def ask(connection: Connection | None) -> None:
            if connection is None:
                connection = Connection(port)
                waiting.register(connection.socket, selectors.EVENT_READ, connection)
            # Should the other side just have closed it, reading says so next.
            with contextlib.suppress(ConnectionError):
                connection.send(next(asked), time.perf_counter())

        for _one in range(connections):
            ask(None)
        while waiting.get_map():
            events = waiting.select(TIMEOUT_SECONDS)
            if not events:
                break
            for key, _events in events:
                connection: Connection = key.data
                status = _answered(connection)
                if status is None:
                    continue
                measured.note(status, connection.began)
                goes_on, is_open = time.perf_counter() < end, status and connection.can_be_used_again
                if goes_on and is_open:
                    ask(connection)
                    continue
                waiting.unregister(connection.socket)
                connection.close()
                if goes_on:
                    ask(None)
        _give_up(waiting, measured)
    return measured


def open_loop(port: int, paths: Sequence[str], *, rate: float, seconds: float) -> Measured:
    """Requests at fixed times, whatever the server does; each latency counts from the time that it was due.

    Raises:
        ConnectionError: nobody listens.
    """
    measured, asked = Measured(), cycle(paths)
    idle: list[Connection] = []
    total, sent = round(rate * seconds), 0
    # select() waits to the microsecond, epoll only to the millisecond.
    with selectors.SelectSelector() as waiting, measuring(measured) as started:
        while sent < total or waiting.get_map():
            due, now = started + sent / rate, time.perf_counter()
            under_way = len(waiting.get_map())
            if sent < total and now >= due and (idle or under_way < MOST_CONNECTIONS):
                connection = idle.pop() if idle else Connection(port)
                waiting.register(connection.socket, selectors.EVENT_READ, connection)
                with contextlib.suppress(ConnectionError):
                    connection.send(next(asked), due)
                sent += 1
                continue
            patience = max(0.0, due - now) if sent < total and now < due else TIMEOUT_SECONDS
            if not under_way:
                time.sleep(patience)
                continue
            events = waiting.select(patience)
            if not events and patience == TIMEOUT_SECONDS:
                break
            for key, _events in events:
                connection = key.data
                status = _answered(connection)
                if status is None:
                    continue
                measured.note(status, connection.began)
                waiting.unregister(connection.socket)
                if status and connection.can_be_used_again:
                    idle.append(connection)
                else:
                    connection.close()
        _give_up(waiting, measured)
    for connection in idle:
        connection.close()
    return measured


def _give_up(waiting: selectors.BaseSelector, measured: Measured) -> None:
    """Count what never came."""
    for key in list(waiting.get_map().values()):
        measured.note(0, key.data.began)
        waiting.unregister(key.fileobj)
        key.data.close()


def each_on_each(port: int, paths: Sequence[str], *, connections: int) -> None:
    """Ask for every path over every connection, one after the other: so each worker of the server has seen each path.

    Raises:
        ConnectionError: nobody listens, or the server closed a connection.
    """
    for _one in range(connections):
        connection = Connection(port)
        for path in paths:
            connection.send(path, time.perf_counter())
            while connection.receive() is None:
                continue
            if not connection.can_be_used_again:
                connection.close()
                connection = Connection(port)
        connection.close()


def ceiling(connections: int, seconds: float) -> Measured:
    """What the generator itself can do: throughput against a server, on another core, that only sends bytes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=connections)
    server = multiprocessing.get_context("fork").Process(target=_only_send, args=(listener,), daemon=True)
    server.start()
    try:
        return throughput(listener.getsockname()[1], ["/"], connections=connections, seconds=seconds)
    finally:
        server.terminate()
        server.join()
        listener.close()


def _only_send(listener: socket.socket) -> None:
    # Whoever started us may have handlers of its own, which a fork inherits.
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_DFL)
    body = b"x" * CEILING_BODY
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        while True:
            for key, _events in waiting.select():
                if key.fileobj is listener:
                    waiting.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                visitor = key.fileobj
                assert isinstance(visitor, socket.socket)
                if visitor.recv(4096):
                    visitor.sendall(answer)
                else:
                    waiting.unregister(visitor)
                    visitor.close()
