"""A server on loopback that answers as it is told, byte by byte: the other end of our outgoing requests."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, bytes], None]


@dataclass
class Hostile:
    """Where it listens, and what reached it."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/saasproduce", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def raw(answer: bytes) -> Behaviour:
    """Answer these bytes."""
    return lambda sock, _request: sock.sendall(answer)


def http(body: bytes, status: str = "200 OK", **headers: str) -> Behaviour:
    """Answer so, as HTTP."""
    lines = {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return raw(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def drip(data: bytes, pause: float = 0.05) -> Behaviour:
    """A byte at a time, for ever if it takes that long."""

    def behave(sock: socket.socket, _request: bytes) -> None:
        for at in range(len(data)):
            sock.sendall(data[at : at + 1])
            time.sleep(pause)

    return behave


def silence(seconds: float = 5.0) -> Behaviour:
    """Nothing at all."""
    return lambda _sock, _request: time.sleep(seconds)


def flood(head: bytes, chunk: bytes = b"x" * 65536, most: int = 2000) -> Behaviour:
    """A body without an end."""

    def behave(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(head)
        for _ in range(most):
            sock.sendall(chunk)

    return behave


@contextmanager
def hostile(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Listen, and behave so towards everybody who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        here, ended = Hostile(listener.getsockname()[1]), threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with suppress(OSError):
                    sock, _address = listener.accept()
                    threading.Thread(target=talk, args=(sock,), daemon=True).start()

        def talk(sock: socket.socket) -> None:
            with suppress(OSError), sock:
                sock.settimeout(5)
                talking = tls.wrap_socket(sock, server_side=True) if tls else sock
                with talking:
                    here.requests.append(_read(talking))
                    behave(talking, here.requests[-1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield here
        finally:
            ended.set()
            thread.join(2)


def _read(sock: socket.socket) -> bytes:
    """A whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := sock.recv(65536)):
            return data
        data += more
    head, _end, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body
