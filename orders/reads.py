"""What every checkout reads of an order, compiled once (see `koogallery.kernel.compiled`)."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef
from django.db.models.functions import JSONObject

from catalog.models import Attribute, Product
from koogallery.kernel.compiled import Children, Compiled, OneOf, Param
from orders.models import Order, OrderLine, Subscription

_LONG = [f"product__{column}" for column in Product.LONG_COLUMNS]

LOCKED = Compiled(
    lambda: (
        Order.objects.select_for_update(of=("self",))
        .select_related("account", "seller", "product")
        .defer(*_LONG)
        .filter(pk=Param("pk"))
    )
)
LOCKED_ALONE = Compiled(lambda: Order.objects.select_for_update().filter(pk=Param("pk")))
# A company of due rows has orders of other timers already, so it waits for none: it is undone, and each fires alone.
SEVERAL_LOCKED_ALONE = Compiled(
    lambda: Order.objects.select_for_update(nowait=True).filter(OneOf(F("pk"), Param("pks"))).order_by("pk")
)
OF_ACCOUNT = Compiled(
    lambda: (
        Order.objects.select_related("seller", "product")
        .defer(*_LONG)
        .filter(number=Param("number"), account=Param("account"))
    )
)
"""An order by its number, for the account whose it is."""

_ATTRIBUTES = Compiled(lambda: Attribute.objects.filter(OneOf(F("specification_id"), Param("parents"))))
_SUBSCRIPTIONS = Compiled(lambda: Subscription.objects.filter(OneOf(F("line_id"), Param("parents"))))

LINES = Children(
    "lines",
    of="order",
    rows=Compiled(
        lambda: OrderLine.objects.select_related("specification").filter(OneOf(F("order_id"), Param("parents"))),
        children=[
            Children("subscriptions", of="line", rows=_SUBSCRIPTIONS),
            Children("attributes", of="specification", rows=_ATTRIBUTES, parent="specification"),
        ],
    ),
)
"""Lines with what lists and the API print of them, as `OrderQuerySet.with_lines` prefetches them."""


def first_line(order: Order) -> OrderLine | None:
    """The order's first line with what `chosen_attributes` names the attributes by, in one query."""
    of_specification = Attribute.objects.filter(specification=OuterRef("specification"))
    names = JSONObject(code="code", name="name", choices="choices")
    line = order.lines.select_related("specification").annotate(named=ArraySubquery(of_specification.values(one=names)))
    found = line.first()
    if found is not None and found.specification is not None:
        known = found.specification.attributes.all()
        known._result_cache, known._prefetch_done = [Attribute(**one) for one in found.named], True
        found.specification._prefetched_objects_cache = {"attributes": known}
    return found
