"""REST: service tickets and their messages (API.md)."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from koogallery.kernel.api.output import NewestFirst
from supervision.views.pages import download
from support.tickets import services
from support.tickets.models import Ticket, TicketFile, TicketKind
from support.tickets.services import LONGEST_SUBJECT, LONGEST_TEXT
from support.tickets.views import with_thread

FILES = "attachments"


class FileSerializer(serializers.Serializer[Any]):
    """A file of a message."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    size = serializers.IntegerField()
    content_type = serializers.CharField()


class TicketMessageSerializer(serializers.Serializer[Any]):
    """Something that was written."""

    at = serializers.DateTimeField()
    by = serializers.CharField()
    role = serializers.CharField(source="party")
    text = serializers.CharField()
    attachments = FileSerializer(many=True, source="files.all")


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket; its messages newest first."""

    number = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    subject = serializers.CharField()
    order = serializers.SerializerMethodField()
    invoice = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    answer_due_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    messages = serializers.SerializerMethodField()

    def get_order(self, ticket: Ticket) -> str | None:
        return ticket.order.number if ticket.order else None

    def get_invoice(self, ticket: Ticket) -> str | None:
        return ticket.invoice.number if ticket.invoice else None

    def get_messages(self, ticket: Ticket) -> list[dict[str, Any]]:
        shown = [one for one in ticket.messages.all() if not one.internal]
        return list(TicketMessageSerializer(reversed(shown), many=True).data)


class FilesSerializer(StrictSerializer):
    """A body that may come as multipart with files, repeated under `attachments`."""

    attachments = serializers.ListField(child=serializers.FileField(), required=False)


class TicketInput(FilesSerializer):
    """What is asked; `order` goes along, `invoice` is what an `invoice_return` returns."""

    kind = serializers.ChoiceField(choices=TicketKind.values)
    subject = CleanCharField(max_length=LONGEST_SUBJECT)
    text = CleanCharField(max_length=LONGEST_TEXT)
    order = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=20)
    invoice = CleanCharField(required=False, allow_null=True, allow_blank=True, max_length=40)


class TicketMessageInput(FilesSerializer):
    """A message."""

    text = CleanCharField(max_length=LONGEST_TEXT)


def _files(request: Request) -> list[UploadedFile]:
    return list(request.FILES.getlist(FILES))


def _plain(request: Request) -> Any:
    """The body without its files, which the service checks."""
    data: Any = request.data
    return {name: value for name, value in data.items() if name != FILES} if hasattr(data, "items") else data


def _object(ticket: Ticket) -> dict[str, Any]:
    return TicketSerializer(with_thread(Ticket.objects.filter(pk=ticket.pk)).get()).data


def _own(view: BuyerAPIView, number: str) -> Ticket:
    found = with_thread(Ticket.objects.for_account(view.account)).filter(number=number).first()
    if found is None:
        raise Http404
    return found


class TicketList(BuyerAPIView):
    """The account's tickets, newest first; opening one."""

    @extend_schema(operation_id="tickets_list", responses=TicketSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        found = pages.paginate_queryset(with_thread(Ticket.objects.for_account(self.account)), request, self)
        return pages.get_paginated_response(TicketSerializer(found, many=True).data)

    @extend_schema(operation_id="tickets_create", request=TicketInput, responses={201: TicketSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        require(self.actor, Permission.ASK)
        given = TicketInput(data=_plain(request))
        given.is_valid(raise_exception=True)
        data = given.validated_data
        new = services.NewTicket(
            kind=data["kind"],
            subject=data["subject"],
            text=data["text"],
            order=data.get("order") or "",
            invoice=data.get("invoice") or "",
            files=_files(request),
        )
        return Response(_object(services.open_ticket(new, account=self.account, by=self.actor)), status=201)


class TicketDetail(BuyerAPIView):
    """One ticket with its thread."""

    @extend_schema(operation_id="tickets_retrieve", responses=TicketSerializer)
    def get(self, request: Request, number: str) -> Response:
        return Response(TicketSerializer(_own(self, number)).data)


class TicketMessages(BuyerAPIView):
    """Write on a ticket."""

    @extend_schema(operation_id="tickets_write", request=TicketMessageInput, responses={201: TicketSerializer})
    @idempotent()
    def post(self, request: Request, number: str) -> Response:
        ticket = _own(self, number)
        require(self.actor, Permission.ASK)
        given = TicketMessageInput(data=_plain(request))
        given.is_valid(raise_exception=True)
        services.reply(ticket, text=given.validated_data["text"], files=_files(request), by=self.actor)
        return Response(_object(ticket), status=201)


class TicketClose(BuyerAPIView):
    """Close a ticket."""

    @extend_schema(operation_id="tickets_close", request=None, responses={200: TicketSerializer})
    @idempotent()
    def post(self, request: Request, number: str) -> Response:
        ticket = _own(self, number)
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(_object(services.close_ticket(ticket, by=self.actor)))


class TicketDownload(BuyerAPIView):
    """A file of a ticket."""

    @extend_schema(operation_id="tickets_file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: str, key: str) -> FileResponse:
        rows = TicketFile.objects.filter(message__ticket__account=self.account, message__internal=False)
        found = rows.filter(message__ticket__number=number, public_id=key).first()
        if found is None:
            raise Http404
        return download(found)
