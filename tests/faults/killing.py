"""A web process that is killed (SIGKILL) at a chosen step of a payment.

Settings of that process: everything as in production code, but the gateway and the keeper of money pull the plug
where `KILL_AT` says. Nothing of ours is replaced: both are subclasses that call the real thing.
"""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from accounts.actor import Actor
from billing.gateways import GatewayAnswer
from billing.gateways.sandbox import SandboxGateway
from billing.keeper import BillingMoney
from koogallery.kernel.money import Money
from orders.models import Order

KILL_AT = os.environ.get("KILL_AT", "")
# How long the process stands still "during" the call, so that it is killed from outside.
STANDS_SECONDS = 60.0


def die() -> None:
    """As a crash of the machine would: no handler runs, no connection is closed."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(STANDS_SECONDS)


class KillingGateway(SandboxGateway):
    """The sandbox, before or after whose charge the process dies."""

    def charge(self, key: str, card: str, amount: Money, return_to: str) -> GatewayAnswer:
        if KILL_AT == "before the call":
            die()
        answer = super().charge(key, card, amount, return_to)
        if KILL_AT == "after the call":
            die()
        return answer


class KillingMoney(BillingMoney):
    """Holds the money of an order, and dies before the transaction commits."""

    def hold(self, order: Order, *, by: Actor, at: datetime) -> None:
        super().hold(order, by=by, at=at)
        if KILL_AT == "before the commit":
            die()


def dying_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Dies when all is committed and the answer has not left yet."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if KILL_AT == "before the answer" and request.path.endswith("/pay/") and request.method == "POST":
            die()
        return response

    return middleware
