"""A request's body is given up as soon as the request is answered.

Requests of the REST framework, and whatever raised and caught an error, form cycles that only the garbage collector
frees, and that is in no hurry (`koogallery/wsgi.py`). What the web server keeps of a body, its buffers and the
connection's end of it, would wait as long: 20 MB and more after some hundred parts of files.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Readable(Protocol):
    """What a web server gives as `wsgi.input`."""

    def read(self, size: int = ..., /) -> bytes: ...
    def readline(self, size: int = ..., /) -> bytes: ...
    def readlines(self, hint: int = ..., /) -> list[bytes]: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Body:
    """The server's body until it is given up; empty afterwards."""

    __slots__ = ("_body",)

    def __init__(self, body: Readable) -> None:
        self._body: Readable | None = body

    def give_up(self) -> None:
        """Let the server forget it, however long this object lives."""
        self._body = None

    def read(self, *size: int) -> bytes:
        return self._body.read(*size) if self._body is not None else b""

    def readline(self, *size: int) -> bytes:
        return self._body.readline(*size) if self._body is not None else b""

    def readlines(self, *hint: int) -> list[bytes]:
        return self._body.readlines(*hint) if self._body is not None else []

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body) if self._body is not None else iter(())


def giving_up_bodies(application: "WSGIApplication") -> "WSGIApplication":
    """The application, which reads a body before it answers, never while its answer is streamed."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"] = Body(environ["wsgi.input"])
        try:
            return application(environ, start_response)
        finally:
            body.give_up()

    return answer
