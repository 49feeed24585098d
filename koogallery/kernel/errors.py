"""What a service raises when it refuses: one family, one shape for people and for programs.

The web middleware turns a `DomainError` into a message or a page, the API into `application/problem+json`
(RFC 9457) with the stable `code` of API.md.
"""

from http import HTTPStatus


class DomainError(Exception):
    """A refusal. Subclasses fix `code`, `status` and a default message that a person can act on.

    Attributes:
        code: stable, named in API.md.
        status: the HTTP status for programs.
        message: what is wrong and what to do, for a person.
        errors: the fields concerned, when the refusal is about input.
        extra: further members of the problem document (JSON-able).
    """

    code = "error"
    status: int = HTTPStatus.BAD_REQUEST
    default_message = "The request could not be carried out."

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: dict[str, list[str]] | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.errors = errors or {}
        self.extra = extra or {}
        super().__init__(self.message)


class NotFound(DomainError):
    """Not there, or not yours: which of the two is never told."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    default_message = "There is nothing here, or it is not yours."


class PermissionRefused(DomainError):
    """Your account, but not your role; the message names the role that is needed (RULES 6)."""

    code = "permission_denied"
    status = HTTPStatus.FORBIDDEN
    default_message = "Your role does not allow this."


class InvalidInput(DomainError):
    """Input that breaks a bound or names something unknown."""

    code = "validation_error"
    status = HTTPStatus.BAD_REQUEST
    default_message = "Check the values and try again."


class FieldNotTaken(InvalidInput):
    """A body names something that it may not set."""

    default_message = "The body has fields that are not taken here."


class InvalidTransition(DomainError):
    """The object's state forbids this step, or it is somebody else's turn."""

    code = "invalid_transition"
    status = HTTPStatus.CONFLICT
    default_message = "This step is not possible in the current status."


class IdempotencyConflict(DomainError):
    """The idempotency key was used with another body, or its first request is still running."""

    code = "idempotency_conflict"
    status = HTTPStatus.CONFLICT
    default_message = "This idempotency key was used for a different request."


class Throttled(DomainError):
    """Too many tries; `extra["retry_after"]` gives seconds."""

    code = "throttled"
    status = HTTPStatus.TOO_MANY_REQUESTS
    default_message = "Too many tries. Wait a little and try again."
