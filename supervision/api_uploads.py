"""REST: files uploaded in parts, for both sides (docs/uploads.md). An action names finished ones in `attachments`."""

from typing import Any, Protocol

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView, SellerAPIView
from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import StrictIntegerField, StrictSerializer
from supervision.choices import UploadStatus
from supervision.models import Upload
from supervision.services import uploads as services
from supervision.views.uploads import LONGEST_NAME, OFFSET, as_json, complete, found, receive


class UploadInput(StrictSerializer):
    """Announces a file."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    size = StrictIntegerField(min_value=0)


class UploadSerializer(serializers.Serializer[Any]):
    """An upload; `received` is where the next part belongs."""

    id = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    received = serializers.IntegerField()
    status = serializers.ChoiceField(UploadStatus.choices)
    expires_at = serializers.DateTimeField()


class UploadList(serializers.Serializer[Any]):
    """The open uploads: at most `UPLOADS_OPEN_MAX`."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = UploadSerializer(many=True)


class _Has(Protocol):
    actor: Actor


def _listed(view: _Has) -> Response:
    require(view.actor, Permission.SUPERVISE)
    rows = [as_json(one) for one in Upload.objects.for_owner(view.actor).open(clock.now())]
    return Response({"count": len(rows), "next": None, "previous": None, "results": rows})


def _started(view: _Has, request: Request) -> Response:
    given = UploadInput(data=request.data)
    given.is_valid(raise_exception=True)
    upload = services.start_upload(**given.validated_data, by=view.actor)
    return Response(as_json(upload), status=201)


def _found(view: _Has, public_id: str) -> Upload:
    require(view.actor, Permission.SUPERVISE)
    return found(public_id, view.actor)


def _received(view: _Has, request: Request, public_id: str) -> Response:
    # The body is read as it comes; no parser of the framework is asked.
    return Response(as_json(receive(request._request, _found(view, public_id), view.actor)))


def _cancelled(view: _Has, public_id: str) -> Response:
    services.cancel_upload(_found(view, public_id), by=view.actor)
    return Response(status=204)


def _completed(view: _Has, public_id: str) -> Response:
    return Response(as_json(complete(_found(view, public_id), view.actor)))


PART: dict[str, Any] = {
    "parameters": [OpenApiParameter(OFFSET, OpenApiTypes.INT, OpenApiParameter.HEADER, required=True)],
    "request": {"application/octet-stream": {"type": "string", "format": "binary"}},
    "responses": UploadSerializer,
}


class BuyerUploads(BuyerAPIView):
    """Files on their way, of the key's person in this account."""

    @extend_schema(operation_id="uploads_list", responses=UploadList)
    def get(self, request: Request) -> Response:
        return _listed(self)

    @extend_schema(operation_id="uploads_create", request=UploadInput, responses={201: UploadSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        return _started(self, request)


class BuyerUpload(BuyerAPIView):
    """One of them."""

    @extend_schema(operation_id="uploads_retrieve", responses=UploadSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(as_json(_found(self, public_id)))

    @extend_schema(operation_id="uploads_part", **PART)
    def patch(self, request: Request, public_id: str) -> Response:
        return _received(self, request, public_id)

    @extend_schema(operation_id="uploads_cancel", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        return _cancelled(self, public_id)


class BuyerUploadComplete(BuyerAPIView):
    """All parts are there."""

    @extend_schema(operation_id="uploads_complete", request=None, responses=UploadSerializer)
    def post(self, request: Request, public_id: str) -> Response:
        return _completed(self, public_id)


class SellerUploads(SellerAPIView):
    """Files on their way, of the key's person for this seller."""

    @extend_schema(operation_id="seller_uploads_list", responses=UploadList)
    def get(self, request: Request) -> Response:
        return _listed(self)

    @extend_schema(operation_id="seller_uploads_create", request=UploadInput, responses={201: UploadSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        return _started(self, request)


class SellerUpload(SellerAPIView):
    """One of them."""

    @extend_schema(operation_id="seller_uploads_retrieve", responses=UploadSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(as_json(_found(self, public_id)))

    @extend_schema(operation_id="seller_uploads_part", **PART)
    def patch(self, request: Request, public_id: str) -> Response:
        return _received(self, request, public_id)

    @extend_schema(operation_id="seller_uploads_cancel", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        return _cancelled(self, public_id)


class SellerUploadComplete(SellerAPIView):
    """All parts are there."""

    @extend_schema(operation_id="seller_uploads_complete", request=None, responses=UploadSerializer)
    def post(self, request: Request, public_id: str) -> Response:
        return _completed(self, public_id)
