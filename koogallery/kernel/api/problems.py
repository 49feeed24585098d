"""Every refusal as `application/problem+json` (RFC 9457) with the stable `code` of API.md."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django_fsm import TransitionNotAllowed
from rest_framework import exceptions
from rest_framework.response import Response

from koogallery.kernel.errors import DomainError, InvalidTransition

CONTENT_TYPE = "application/problem+json"
TYPE = "about:blank"

CODES = {
    HTTPStatus.BAD_REQUEST: "validation_error",
    HTTPStatus.UNAUTHORIZED: "not_authenticated",
    HTTPStatus.FORBIDDEN: "permission_denied",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.NOT_ACCEPTABLE: "not_acceptable",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: dict[str, list[str]] | None = None,
    extra: dict[str, object] | None = None,
) -> dict[str, Any]:
    """The members of a problem document."""
    body: dict[str, Any] = {
        "type": TYPE,
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return body | (extra or {})


def _flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested errors as `{field: [texts]}`, nested fields joined by dots."""
    if isinstance(detail, dict):
        flat: dict[str, list[str]] = {}
        for name, inner in detail.items():
            where = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            for field, texts in _flatten(inner, where).items():
                flat.setdefault(field, []).extend(texts)
        return flat
    if isinstance(detail, list):
        if all(not isinstance(one, dict | list) for one in detail):
            return {path: [str(one) for one in detail]}
        merged: dict[str, list[str]] = {}
        for number, one in enumerate(detail):
            merged |= _flatten(one, f"{path}.{number}" if path else str(number))
        return merged
    return {path: [str(detail)]}


def _whole_addresses(extra: dict[str, object], request: Any) -> dict[str, object]:
    """Addresses of ours with their host, so that a program can hand them on as they are."""
    return {
        name: request.build_absolute_uri(value) if name.endswith("_url") and isinstance(value, str) else value
        for name, value in extra.items()
    }


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets a fault of ours become a 500."""
    headers: dict[str, str] = {}
    if isinstance(error, TransitionNotAllowed):
        error = InvalidTransition()
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        if "retry_after" in error.extra:
            headers["Retry-After"] = str(error.extra["retry_after"])
        extra = _whole_addresses(error.extra, context["request"])
        body = problem(error.status, error.code, error.message, errors=error.errors, extra=extra)
    elif isinstance(error, exceptions.ValidationError):
        errors = _flatten(error.detail)
        first = next((texts[0] for texts in errors.values() if texts), "Check the values and try again.")
        named = {field or "body": texts for field, texts in errors.items()}
        body = problem(400, "validation_error", first, errors=named)
    elif isinstance(error, exceptions.APIException):
        status = error.status_code
        if isinstance(error, exceptions.Throttled) and (wait := getattr(error, "wait", None)) is not None:
            headers["Retry-After"] = str(int(wait) + 1)
        if auth := getattr(error, "auth_header", ""):
            headers["WWW-Authenticate"] = auth
        body = problem(status, CODES.get(HTTPStatus(status), "error"), str(error.detail))
    elif isinstance(error, RequestDataTooBig):
        body = problem(413, "payload_too_large", "The body is too large.")
    elif isinstance(error, SuspiciousOperation):
        body = problem(400, "validation_error", "The request cannot be read.")
    else:
        return None
    # Loaded late: rest_framework.views itself loads this module by its settings.
    from rest_framework.views import set_rollback

    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def json_problem(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    """The same for what never reaches DRF: unknown addresses, faults of ours."""
    extra: dict[str, object] = {"reference": getattr(request, "request_id", "")} if status >= 500 else {}
    return JsonResponse(problem(status, code, detail, extra=extra), status=status, content_type=CONTENT_TYPE)
