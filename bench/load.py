"""A small HTTP load generator: keep-alive connections in one thread, closed loop and open loop."""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

TIMEOUT_SECONDS = 30.0


@dataclass(slots=True)
class Measured:
    """What a run saw: seconds of each answer, and how many were no success (2xx or 304)."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` (0 to 1) of the answers stayed within (nearest rank)."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


class Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.began = 0.0
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._wanted = -1

    def send(self, path: str, began: float) -> None:
        """Ask for a path; `began` is when the answer was due to be asked for."""
        self.began = began
        self._received.clear()
        self._wanted = -1
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept-Encoding: gzip\r\n\r\n"
        self.socket.sendall(request.encode())

    def receive(self) -> int | None:
        """Take in what has come; the status when the answer is complete.

        Raises:
            ConnectionError: the server closed the connection in the middle.
        """
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("The server closed the connection.")
        self._received += part
        if self._wanted < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self._received[:end]).lower()
            at = head.find(b"content-length:")
            if at < 0:
                raise ConnectionError("An answer without Content-Length.")
            self._wanted = end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._received) < self._wanted:
            return None
        return int(self._received[9:12])

    def close(self) -> None:
        self.socket.close()


def throughput(port: int, paths: Sequence[str], *, connections: int, seconds: float) -> Measured:
    """As many requests as the server takes over so many connections (closed loop)."""
    measured, asked = Measured(), cycle(paths)
    with selectors.DefaultSelector() as waiting:
        started = time.perf_counter()
        for _one in range(connections):
            connection = Connection(port)
            waiting.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(asked), time.perf_counter())
        while time.perf_counter() - started < seconds:
            for key, _events in waiting.select(TIMEOUT_SECONDS):
                connection = key.data
                status = connection.receive()
                if status is None:
                    continue
                _note(measured, status, connection.began)
                connection.send(next(asked), time.perf_counter())
        measured.seconds = time.perf_counter() - started
        for key in list(waiting.get_map().values()):
            key.data.close()
    return measured


def open_loop(port: int, paths: Sequence[str], *, rate: float, seconds: float) -> Measured:
    """Requests at fixed times, whatever the server does; each latency counts from the time that it was due."""
    measured, asked = Measured(), cycle(paths)
    idle: list[Connection] = []
    with selectors.DefaultSelector() as waiting:
        started = time.perf_counter()
        total, sent = int(rate * seconds), 0
        while len(measured.latencies) < total:
            now = time.perf_counter()
            due = started + sent / rate
            if sent < total and now >= due:
                connection = idle.pop() if idle else Connection(port)
                connection.send(next(asked), due)
                waiting.register(connection.socket, selectors.EVENT_READ, connection)
                sent += 1
                continue
            for key, _events in waiting.select(max(0.0, due - now) if sent < total else TIMEOUT_SECONDS):
                connection = key.data
                status = connection.receive()
                if status is not None:
                    _note(measured, status, connection.began)
                    waiting.unregister(connection.socket)
                    idle.append(connection)
        measured.seconds = time.perf_counter() - started
        for connection in idle:
            connection.close()
    return measured


def _note(measured: Measured, status: int, began: float) -> None:
    measured.latencies.append(time.perf_counter() - began)
    measured.failed += not (200 <= status < 300 or status == 304)
