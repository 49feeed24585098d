"""`Idempotency-Key`: the same key and body answers the same response again (API.md).

`atomic`: the key, the effect and the stored answer are one transaction, for what creates or acts.
`claimed`: the key is claimed first and completed last, for what pays, whose three transactions cannot be one; a claim
whose process died is taken over after a minute, which is safe because a payment has a key of its own.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal, TypeVar, cast

from django.core.files.base import File
from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from koogallery.kernel import clock
from koogallery.kernel.api.problems import CONTENT_TYPE, handle
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.db import retry_on_serialization
from koogallery.kernel.errors import IdempotencyConflict, InvalidInput
from koogallery.kernel.models import IdempotencyKey
from koogallery.kernel.web.uploads import UnkeptFile

LONGEST_KEY = 255
WAIT_SECONDS = 3.0
POLL_SECONDS = 0.05
TAKEN_OVER_AFTER = timedelta(minutes=1)
KEPT_FOR = timedelta(days=7)

_BY_KEY = Compiled(lambda: IdempotencyKey.objects.filter(scope=Param("scope"), key=Param("key")))

# Where a request keeps what was read of its body.
_READ = "_idempotency_fingerprint"

Method = TypeVar("Method", bound=Callable[..., Response])


def idempotent(mode: Literal["atomic", "claimed"] = "atomic") -> Callable[[Method], Method]:
    """Decorates a view's method that creates, acts or pays. The view has `idempotency_scope(request)`."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def wrapped(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
            key = request.headers.get("Idempotency-Key")

            def run() -> Response:
                return method(view, request, *args, **kwargs)

            if key is None:
                return _in_transaction(run) if mode == "atomic" else run()
            if not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
                raise InvalidInput(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.")
            claim = _Claim(view.idempotency_scope(request), key, _fingerprint(request))  # type: ignore[attr-defined]
            return claim.atomically(run) if mode == "atomic" else claim.around(run, view, request)

        return cast(Method, wrapped)

    return decorate


@retry_on_serialization
def _in_transaction(run: Callable[[], Response]) -> Response:
    with transaction.atomic():
        return run()


def note_body(request: Request) -> None:
    """For a method that stores its files before it comes to `idempotent`: looks at them while they can be read."""
    if "Idempotency-Key" in request.headers:
        _fingerprint(request)


def _fingerprint(request: Request) -> str:
    """Method, address and body, files by name and content; worked out once a request."""
    if (known := getattr(request, _READ, None)) is not None:
        return str(known)
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    data = request.data
    for name in sorted(data):
        values = data.getlist(name) if hasattr(data, "getlist") else [data[name]]
        for value in values:
            shown = f"{value.name}:{_content(value)}" if hasattr(value, "chunks") else repr(value)
            digest.update(f"{name}={shown}\n".encode())
    setattr(request, _READ, digest.hexdigest())
    return digest.hexdigest()


def _content(file: "File[Any]") -> str:
    """The digest of a file; of one that was not kept, which the request is refused for, its size."""
    if isinstance(file, UnkeptFile):
        return str(file.size)
    digest = hashlib.sha256()
    for block in file.chunks():
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


class _Claim:
    def __init__(self, scope: str, key: str, fingerprint: str) -> None:
        self.scope, self.key, self.fingerprint = scope, key, fingerprint

    def _existing(self) -> IdempotencyKey | None:
        return _BY_KEY.first(scope=self.scope, key=self.key)

    def _replay(self, row: IdempotencyKey) -> Response | None:
        """The stored answer, or None while the first request is running.

        Raises:
            IdempotencyConflict: the key was used for a different request.
        """
        if row.fingerprint != self.fingerprint:
            raise IdempotencyConflict
        if row.status is None:
            return None
        refused = row.status >= HTTPStatus.BAD_REQUEST
        return Response(
            row.body,
            status=row.status,
            headers={"Idempotency-Replayed": "true"},
            content_type=CONTENT_TYPE if refused else None,
        )

    def _wait(self) -> Response:
        """Another request with this key is running: its answer, or a conflict that says when to ask again."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            row = self._existing()
            if row is not None and (answer := self._replay(row)) is not None:
                return answer
            time.sleep(POLL_SECONDS)
        raise IdempotencyConflict("The first request with this key is still running.", extra={"retry_after": 1})

    def atomically(self, run: Callable[[], Response]) -> Response:
        """Key, effect and answer in one transaction; a refusal changes nothing and leaves the key free."""
        if (row := self._existing()) is not None:
            return self._replay(row) or self._wait()
        try:
            return retry_on_serialization(self._once)(run)
        except IntegrityError as lost:
            # Somebody else inserted this key first; anything else is a fault of ours.
            if (row := self._existing()) is None:
                raise lost
            return self._replay(row) or self._wait()

    def _once(self, run: Callable[[], Response]) -> Response:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(scope=self.scope, key=self.key, fingerprint=self.fingerprint)
            response = run()
            self._store(row, response)
        return response

    def around(self, run: Callable[[], Response], view: APIView, request: Request) -> Response:
        """Claim, run, complete; what is refused is stored too, since a declined card may have been asked."""
        row = self._claimed()
        if isinstance(row, Response):
            return row
        try:
            response = run()
        except Exception as error:
            answer = handle(error, {"view": view, "request": request})
            if answer is None or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                row.delete()
                raise
            self._store(row, answer)
            raise
        self._store(row, response)
        return response

    def _claimed(self) -> IdempotencyKey | Response:
        try:
            with transaction.atomic():
                return IdempotencyKey.objects.create(scope=self.scope, key=self.key, fingerprint=self.fingerprint)
        except IntegrityError:
            row = self._existing()
            if row is None:
                return self._claimed()
            answer = self._replay(row)
            if answer is not None:
                return answer
            stale = clock.machine_now() - TAKEN_OVER_AFTER
            taken = IdempotencyKey.objects.filter(pk=row.pk, status=None, created_at__lt=stale)
            if taken.update(created_at=clock.machine_now()):
                return row
            return self._wait()

    @staticmethod
    def _store(row: IdempotencyKey, response: Response) -> None:
        row.status, row.body = response.status_code, response.data
        row.save(update_fields=["status", "body"])


def purge_old_keys() -> int:
    """Forget keys after a week. Returns how many."""
    count, _each = IdempotencyKey.objects.filter(created_at__lt=clock.machine_now() - KEPT_FOR).delete()
    return count
