"""Fields and pages of answers."""

from collections import OrderedDict
from typing import Any

from django.core import signing
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

SALT = "koogallery.api.cursor"
DEFAULT_SIZE, LARGEST_SIZE = 20, 100


@extend_schema_serializer(component_name="Money")
class MoneySerializer(serializers.Serializer[Any]):
    """`{"amount": "5.00", "currency": "USD"}`; give it a `Money`."""

    amount = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)

    def to_representation(self, instance: Any) -> dict[str, str]:
        return instance.as_json()


class NewestFirst(BasePagination):
    """Keyset pages, newest first: `{"count", "next", "previous", "results"}`; fast on any page of any length."""

    column = "created_at"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        size = request.query_params.get("page_size", "")
        self.size = (
            min(int(size), LARGEST_SIZE) if size.isascii() and size.isdigit() and size.strip("0") else DEFAULT_SIZE
        )
        self.count = queryset.order_by().count()
        rows, forward, anchored = queryset, True, False
        if token := request.query_params.get("cursor"):
            at, pk, forward = self._read(token)
            anchored = True
            beyond = "lt" if forward else "gt"
            rows = rows.filter(Q(**{f"{self.column}__{beyond}": at}) | Q(**{self.column: at, f"pk__{beyond}": pk}))
        order = (f"-{self.column}", "-pk") if forward else (self.column, "pk")
        found = list(rows.order_by(*order)[: self.size + 1])
        more = len(found) > self.size
        found = found[: self.size]
        if not forward:
            found.reverse()
        self.next = self._token(found[-1], True) if found and (more or not forward) else None
        self.previous = self._token(found[0], False) if found and anchored and (forward or more) else None
        return found

    def _token(self, row: Any, forward: bool) -> str:
        return signing.dumps([getattr(row, self.column).isoformat(), row.pk, forward], salt=SALT)

    def _read(self, token: str) -> tuple[Any, int, bool]:
        try:
            at, pk, forward = signing.loads(token, salt=SALT)
            return parse_datetime(at), int(pk), bool(forward)
        except (signing.BadSignature, ValueError, TypeError) as forged:
            raise NotFound("There is no such page.") from forged

    def _link(self, token: str | None) -> str | None:
        return replace_query_param(self.request.build_absolute_uri(), "cursor", token) if token else None

    def get_paginated_response(self, data: Any) -> Response:
        body = OrderedDict(
            count=self.count, next=self._link(self.next), previous=self._link(self.previous), results=data
        )
        return Response(body)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {"count": {"type": "integer"}, "next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "maximum": LARGEST_SIZE},
            },
        ]
