"""Makes one try of a call: outside any transaction, between the row that asks for it and the row that tells of it."""

import time
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from catalog.choices import AttributeKind
from koogallery.kernel import clock, outgoing
from koogallery.kernel.money import Money
from orders.models import Order, OrderLine
from orders.terms import first_term
from pricing.rules import Duration
from provisioning.saas import outcomes
from provisioning.saas.answers import Verdict, no_answer, read_answer
from provisioning.saas.calls import spread
from provisioning.saas.keys import access_keys_of
from provisioning.saas.messages import ORDER_LINE_DIGITS, Told, request_for, url_for
from provisioning.saas.models import Call, CallStatus, ProductInterface, SellerLine
from provisioning.saas.words import Activity, Scene, Version

CHARGING = {"yearly": "period", "monthly": "period", "one_time": "one_time", "pay_per_use": "on_demand"}


def make_call(public_id: str, *, at: datetime) -> None:
    """Make the next try of a call and write down what came of it; again does no harm.

    Args:
        at: since when it was due, in business time.
    """
    call = _calls().get(public_id=public_id)
    if call.status != CallStatus.WAITING or Call.objects.waiting().filter(instance=call.instance_id, pk__lt=call.pk):
        return
    now = at if clock.stands() else max(at, clock.now())
    rests_until = _rests_until(call, now)
    if rests_until is not None:
        Call.objects.waiting().filter(pk=call.pk).update(next_try_at=spread(rests_until))
        return
    request, verdict, seconds = _talk(call)
    outcomes.record_outcome(call.pk, request, verdict, seconds=seconds, at=now)


def _calls() -> QuerySet[Call]:
    return Call.objects.select_related(
        "instance__subscription__account", "order__account", "order__placed_by", "product", "seller"
    )


def _rests_until(call: Call, now: datetime) -> datetime | None:
    """Until when the seller is left alone, or None. Of those who come when that is over, one goes and looks."""
    line = SellerLine.objects.filter(seller=call.seller_id).first()
    if line is None or line.rests_until is None:
        return None
    # A time further ahead was written by a clock that stood ahead (`run_timers --at`): it counts as come.
    if now < line.rests_until <= now + settings.SELLER_LINE_RESTS_MOST:
        return line.rests_until
    # Long enough for the one call that looks; its outcome writes the line anew.
    looking = SellerLine.objects.filter(pk=line.pk, rests_until=line.rests_until)
    mine = looking.update(rests_until=now + settings.SELLER_LINE_RESTS)
    return None if mine else now + settings.SELLER_LINE_RESTS


@sensitive_variables()
def _talk(call: Call) -> tuple[str, Verdict, float]:
    """Sign, send, read. Returns the request as people may read it, the verdict, and how long it took."""
    interface = ProductInterface.objects.filter(product=call.product_id).first()
    keys = list(access_keys_of(call.seller_id))
    if interface is None or not keys:
        return "", no_answer("The product has no production interface, or you have no access key."), 0.0
    # A seller who changes over may not know the newest key yet: when it is refused, the one before has its turn.
    key = keys[call.refused_keys % len(keys)]
    told = told_for(call, interface)
    url = url_for(interface.version, Activity(call.activity), interface.url, interface.urls)
    return converse(interface.version, url, told, keys, key)


@sensitive_variables()
def converse(version: str, url: str, told: Told, keys: list[str], key: str) -> tuple[str, Verdict, float]:
    """One signed request and its answer, read. Raises nothing: whatever happens there is a verdict."""
    request = request_for(version, url, told, access_key=key, at=clock.machine_now())
    began = time.monotonic()
    try:
        answer = outgoing.fetch(
            request.method,
            request.url,
            headers=request.headers,
            body=request.body,
            seconds=settings.SELLER_CALL_SECONDS,
            most_bytes=settings.SELLER_ANSWER_MAX_BYTES,
        )
    except outgoing.OutgoingFailed as failed:
        return request.shown, no_answer(str(failed)), time.monotonic() - began
    return request.shown, read_answer(version, told, answer, access_keys=keys), answer.seconds


def line_id(order_number: str, position: int) -> str:
    """How the protocol names a line of an order."""
    return f"{order_number}-{position + 1:0{ORDER_LINE_DIGITS}d}"


def product_id(line: OrderLine) -> str:
    """What was bought, as one name: a specification in a billing mode."""
    return f"{line.specification_id}-{line.billing_mode}"


def how_many(line: OrderLine) -> int:
    """What the protocol calls amount and linearValue: the quantity that the buyer configured (10 users), else the pieces."""
    attributes = line.specification.attributes.filter(kind=AttributeKind.QUANTITY) if line.specification else ()
    counted = next((line.attributes[one.code] for one in attributes if one.code in line.attributes), None)
    return line.quantity if counted is None else int(counted) * line.quantity


def expiry_told(order: Order, line: OrderLine) -> datetime | None:
    """The expiry of an order's term: its app's own, or before the term has begun as if it began at payment."""
    app = line.subscriptions.first()
    if app is not None and app.expires_at is not None:
        return app.expires_at
    if not line.duration_value or order.paid_at is None:
        return None
    return first_term(order.paid_at, Duration(line.duration_value, line.duration_unit)).expires_at


def told_for(call: Call, interface: ProductInterface) -> Told:
    """What a call tells, from the order that it is for."""
    order, app = call.order, call.instance.subscription
    line = order.lines.select_related("specification").get()
    person = order.placed_by
    expires_at = call.expires_at
    if call.activity == Activity.CREATE and interface.version == Version.V1:
        expires_at = expires_at or expiry_told(order, line)
    return Told(
        activity=Activity(call.activity),
        order_id=order.number,
        order_line_id=line_id(order.number, line.position),
        business_id=call.business_id,
        instance_id=call.instance.instance_id,
        customer_id=app.account.public_id,
        customer_name=app.account.name,
        user_id=f"{app.account.public_id}-{person.pk}" if person else "",
        user_name=person.get_full_name() if person else "",
        email=person.email if person else "",
        product_id=product_id(line),
        sku_code=line.specification.code if line.specification else "",
        charging=CHARGING[line.billing_mode],
        period=(line.duration_unit, line.duration_value) if line.duration_value else None,
        amount=how_many(line),
        order_amount=Money(line.amount, line.currency).digits(),
        expires_at=expires_at,
        extend=tuple((name, str(value)) for name, value in line.attributes.items()),
        scene=Scene(call.scene) if call.scene else Scene.RENEWAL,
        ended_early=call.ended_early,
    )
