"""Refusals of service flows, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidTransition
from orders.errors import FlowFrozen

__all__ = [
    "AppealNotAllowed",
    "AttachmentRefused",
    "FlowFrozen",
    "RequestAttachmentRequired",
    "TooManyReminders",
]


class AppealNotAllowed(InvalidTransition):
    """`extra["allowed_from"]` is when the same appeal would be allowed, if ever."""

    code = "appeal_not_allowed"
    default_message = "An appeal is not allowed now."


class TooManyReminders(DomainError):
    code = "too_many_reminders"
    status = 429
    default_message = "A reminder was sent a short time ago."


class RequestAttachmentRequired(DomainError):
    code = "request_attachment_required"
    status = 400
    default_message = "Attach a file: this kind of service needs a completed requirement template."


class AttachmentRefused(DomainError):
    code = "attachment_refused"
    status = 400
    default_message = "This file can't be uploaded."


class ScannerDown(AttachmentRefused):
    """No verdict of the virus scanner: nothing is taken unscanned."""

    status = 503
    default_message = "Files can't be checked for viruses now. Try again in a few minutes."


class StorageUnavailable(AttachmentRefused):
    """The place for files is full or does not answer."""

    status = 503
    reason = "can't be stored now: there is no room. Nothing was changed. Try again later."
    default_message = "The file can't be stored now: there is no room. Nothing was changed. Try again later."


class TooManyUploads(DomainError):
    code = "too_many_uploads"
    status = 429
    default_message = "Too many uploads are open. Attach or remove some of them first."


class UploadsBusy(DomainError):
    """As many parts as may are being received or files checked: the other threads of this process are for pages."""

    code = "uploads_busy"
    status = 503
    default_message = "Many files are being uploaded. Try this step again in a moment."


class UploadConflict(DomainError):
    """`extra["received"]` is where the upload goes on."""

    code = "upload_offset"
    status = 409
    default_message = "The upload goes on at another place."
