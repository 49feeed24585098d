"""What the web server keeps of a request's body is free when the request is answered, not when garbage is collected."""

import gc
import io
import json
import weakref
from collections.abc import Callable, Iterator

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from koogallery.kernel.web.bodies import Body, giving_up_bodies

pytestmark = pytest.mark.django_db


class ServersBody(io.BytesIO):
    """Stands for the server's own, which keeps buffers and the connection's end of the body."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def answered(application: Callable) -> tuple[int, weakref.ref]:
    """A request of the REST framework, answered and closed: its status and whether its body lives on."""
    body = ServersBody(json.dumps({"name": "plan.png", "size": 5}).encode())
    kept = weakref.ref(body)
    request = RequestFactory().post("/api/v1/uploads/", content_type="application/json")
    environ = request.environ | {"wsgi.input": body, "CONTENT_LENGTH": str(len(body.getvalue()))}
    del request, body
    told: list[str] = []
    answer = application(environ, lambda status, _headers: told.append(status))
    b"".join(answer)
    answer.close()
    del environ
    return int(told[0].split()[0]), kept


def test_the_servers_body_is_free_when_the_request_is_answered(no_collector: None) -> None:
    plain = WSGIHandler()
    status, kept = answered(plain)
    assert status in (401, 403)
    assert kept() is not None, "a cycle keeps the request; else this test would show nothing"

    status, kept = answered(giving_up_bodies(plain))
    assert status in (401, 403)
    assert kept() is None


def test_a_body_is_read_as_the_servers_own_and_empty_once_it_is_given_up() -> None:
    body = Body(io.BytesIO(b"one\ntwo\nthree\nfour"))
    assert (body.read(2), body.readline(), next(iter(body)), body.readlines()) == (
        b"on", b"e\n", b"two\n", [b"three\n", b"four"],
    )  # fmt: skip
    assert Body(io.BytesIO(b"all")).read() == b"all"
    body.give_up()
    assert (body.read(), body.read(5), body.readline(), list(body), body.readlines()) == (b"", b"", b"", [], [])
