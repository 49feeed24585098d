"""What is logged of every request."""

from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars, clear_contextvars

from koogallery.kernel.web.address import client_address

log = structlog.get_logger(__name__)


class RequestLines(RequestMiddleware):
    """One line for each request when it is answered; a fault of ours has its own, with the trace.

    What is logged meanwhile carries the request's id (`request_ids`), the address it came from, and who acts for which
    account or seller once that is known (`acting`). It never makes a session be read only to log whose it is.
    """

    def prepare(self, request: HttpRequest) -> None:
        bind_contextvars(ip=client_address(request))

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        if hasattr(request, "_raised_exception") or isinstance(response, StreamingHttpResponse):
            super().handle_response(request, response)
            return
        level = self._log_level_for_status_code(response.status_code)
        log.log(level, "request_finished", code=response.status_code, request=self.format_request(request))
        clear_contextvars()

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bound by `acting`."""


def acting(**ids: Any) -> None:
    """Who acts in this request: `user_id` with `account_id` or `seller_id`, in every line from now on."""
    bind_contextvars(**ids)
