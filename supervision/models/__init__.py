"""Service flows with their records, requests, deliveries, files and appeals (guide, chapter 4)."""

from supervision.models.appeals import Appeal, AppealQuerySet, Ruling, StatementRequest
from supervision.models.flows import PlatformReview, ServiceFlow, ServiceFlowQuerySet
from supervision.models.records import Attachment, FlowRecord
from supervision.models.requests import Delivery, LicenseKey, NoteTemplate, RequestRevision, RequirementTemplate
from supervision.models.templates import FlowTemplate
from supervision.models.uploads import StorageDay, Upload, UploadPart, UploadQuerySet

__all__ = [
    "Appeal",
    "AppealQuerySet",
    "Attachment",
    "Delivery",
    "FlowRecord",
    "FlowTemplate",
    "LicenseKey",
    "NoteTemplate",
    "PlatformReview",
    "RequestRevision",
    "RequirementTemplate",
    "Ruling",
    "ServiceFlow",
    "ServiceFlowQuerySet",
    "StatementRequest",
    "StorageDay",
    "Upload",
    "UploadPart",
    "UploadQuerySet",
]
