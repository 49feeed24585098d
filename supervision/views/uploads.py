"""Uploads in parts for the forms of both portals: JSON for `static/js/upload.js`, refusals as problem documents."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actor import Actor
from accounts.permissions import Permission
from accounts.web import BuyerRequest, SellerRequest, buyer_required, seller_required
from koogallery.kernel import clock
from koogallery.kernel.api.problems import CONTENT_TYPE, problem
from koogallery.kernel.errors import DomainError, InvalidInput
from supervision.errors import UploadsBusy
from supervision.models import Upload
from supervision.services import uploads as services

OFFSET = "Upload-Offset"
LONGEST_BODY = 4_096
WAIT_SECONDS = 0.1
LONGEST_NAME = 1_000


_at_work = BoundedSemaphore(settings.UPLOAD_PARTS_AT_ONCE)


def as_json(upload: Upload) -> dict[str, Any]:
    """An upload as programs and our own pages see it."""
    return {
        "id": upload.public_id,
        "name": upload.name,
        "size": upload.size,
        "received": upload.received,
        "status": upload.status,
        "expires_at": upload.expires_at.isoformat(),
    }


def found(public_id: str, by: Actor) -> Upload:
    """An upload of `by` that has not expired.

    Raises:
        Http404: gone, or somebody else's.
    """
    upload = Upload.objects.for_owner(by).filter(public_id=public_id, expires_at__gt=clock.now()).first()
    if upload is None:
        raise Http404
    return upload


def receive(request: HttpRequest, upload: Upload, by: Actor) -> Upload:
    """The part in the request's body goes to `Upload-Offset`.

    Raises:
        InvalidInput: no offset, or no length. UploadsBusy: the same part again in a moment.
    """
    offset, length = request.headers.get(OFFSET, ""), request.META.get("CONTENT_LENGTH") or ""
    if not all(one.isascii() and one.isdigit() and len(one) < 16 for one in (offset, length)):
        raise InvalidInput(f"A part comes with its Content-Length and with {OFFSET}: where in the file it belongs.")
    with _in_turn():
        return services.receive_part(upload, offset=int(offset), length=int(length), body=request, by=by)


def complete(upload: Upload, by: Actor) -> Upload:
    """Check and store the whole file.

    Raises:
        UploadsBusy: the same again in a moment.
    """
    with _in_turn():
        return services.complete_upload(upload, by=by)


@contextmanager
def _in_turn() -> Iterator[None]:
    """A part comes as slowly as its line, a scan takes its time: other threads of this process stay free for pages."""
    if not _at_work.acquire(timeout=WAIT_SECONDS):
        raise UploadsBusy(extra={"retry_after": 1})
    try:
        yield
    finally:
        _at_work.release()


Answer = Callable[..., HttpResponseBase]


def _json_refusals(view: Answer) -> Answer:
    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            body = problem(error.status, error.code, error.message, errors=error.errors, extra=error.extra)
            answer = JsonResponse(body, status=int(error.status), content_type=CONTENT_TYPE)
            if "retry_after" in error.extra:
                answer["Retry-After"] = str(error.extra["retry_after"])
            return answer

    return answering


def _announced(request: HttpRequest) -> tuple[str, int]:
    try:
        short = int(request.META.get("CONTENT_LENGTH") or 0) <= LONGEST_BODY
        body: Any = json.loads(request.body) if short else None
        name, size = body["name"], body["size"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidInput("Give the file's name and its size in bytes.") from None
    if not isinstance(name, str) or isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise InvalidInput("Give the file's name and its size in bytes.")
    # The end has the extension; the rest is cut anyway.
    return name[-LONGEST_NAME:], size


def _all(request: HttpRequest, by: Actor) -> HttpResponse:
    if request.method == "POST":
        name, size = _announced(request)
        return JsonResponse(as_json(services.start_upload(name=name, size=size, by=by)), status=201)
    return JsonResponse({"results": [as_json(one) for one in Upload.objects.for_owner(by).open(clock.now())]})


def _one(request: HttpRequest, public_id: str, by: Actor) -> HttpResponse:
    upload = found(public_id, by)
    if request.method == "DELETE":
        services.cancel_upload(upload, by=by)
        return HttpResponse(status=204)
    if request.method == "PATCH":
        upload = receive(request, upload, by)
    return JsonResponse(as_json(upload))


def _complete(public_id: str, by: Actor) -> HttpResponse:
    return JsonResponse(as_json(complete(found(public_id, by), by)))


@require_http_methods(["GET", "POST"])
@buyer_required(Permission.SUPERVISE)
@_json_refusals
def buyer_uploads(request: BuyerRequest) -> HttpResponseBase:
    """`/my/uploads/`: announce a file; the open uploads."""
    return _all(request, request.actor)


@require_http_methods(["GET", "PATCH", "DELETE"])
@buyer_required(Permission.SUPERVISE)
@_json_refusals
def buyer_upload(request: BuyerRequest, public_id: str) -> HttpResponseBase:
    """`/my/uploads/<id>/`: how far it is, its next part, take it back."""
    return _one(request, public_id, request.actor)


@require_POST
@buyer_required(Permission.SUPERVISE)
@_json_refusals
def buyer_complete(request: BuyerRequest, public_id: str) -> HttpResponseBase:
    """`/my/uploads/<id>/complete/`: all parts are there."""
    return _complete(public_id, request.actor)


@require_http_methods(["GET", "POST"])
@seller_required
@_json_refusals
def seller_uploads(request: SellerRequest) -> HttpResponseBase:
    """`/seller/uploads/`."""
    return _all(request, request.actor)


@require_http_methods(["GET", "PATCH", "DELETE"])
@seller_required
@_json_refusals
def seller_upload(request: SellerRequest, public_id: str) -> HttpResponseBase:
    """`/seller/uploads/<id>/`."""
    return _one(request, public_id, request.actor)


@require_POST
@seller_required
@_json_refusals
def seller_complete(request: SellerRequest, public_id: str) -> HttpResponseBase:
    """`/seller/uploads/<id>/complete/`."""
    return _complete(public_id, request.actor)
