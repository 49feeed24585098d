"""A plan under its locks, in one read: a night of renewals asks for thousands of them."""

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Account
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, Param
from orders.choices import OrderStatus
from orders.models import Order, Subscription
from pricing.on_sale import parts_of_specification
from renewals.models import RenewalPlan

_UNPAID = Subquery(
    Order.objects.filter(status=OrderStatus.PENDING_PAYMENT, subject=OuterRef("subscription"))
    .order_by("id")
    .values("pk")[:1]
)


def _plans() -> QuerySet[RenewalPlan]:
    """The subscription's lock comes first, as for every verb on it; its account's owner is looked up by the caller."""
    return (
        RenewalPlan.objects.select_for_update(of=("subscription", "self"))
        .select_related(
            "order",
            "subscription__product__seller",
            "subscription__specification",
            "subscription__line",
            "subscription__account__renewal_settings",
        )
        .defer(*(f"subscription__product__{column}" for column in Product.LONG_COLUMNS), "order__quote")
        .annotate(unpaid=_UNPAID)
    )


_PARTS = parts_of_specification("subscription.specification")
_BY_NUMBER = Compiled(lambda: _plans().filter(pk=Param("pk")), children=_PARTS)
_BY_SUBSCRIPTION = Compiled(lambda: _plans().filter(subscription__public_id=Param("subscription")))
_OWNER = Compiled(
    lambda: (
        Account.objects.select_for_update(of=("self",), no_key=True)
        .select_related("reseller", "renewal_settings")
        .filter(pk=Param("pk"))
    )
)
_CONCERNED = Compiled(lambda: RenewalPlan.objects.filter(pk=Param("pk")).values_list("subscription__account", _UNPAID))


def plan_locked(pk: int) -> tuple[RenewalPlan, int | None]:
    """The plan and its subscription, read afresh under their locks, with what deducting and quoting need.

    Returns:
        The plan, and the number of the subscription's unpaid order or None, which is certain while the account is locked.

    Raises:
        RenewalPlan.DoesNotExist: there is no such plan.
    """
    plan = _BY_NUMBER.get(pk=pk)
    return plan, getattr(plan, "unpaid")  # noqa: B009 (an annotation, of which types know nothing)


def plan_of_subscription(public_id: str) -> RenewalPlan | None:
    """The same by the subscription; None where nothing is planned for it."""
    return _BY_SUBSCRIPTION.first(subscription=public_id)


def owner_locked(pk: int) -> Account:
    """The account with its reseller and settings, under the lock that placing an order takes: before any subscription's."""
    return _OWNER.get(pk=pk)


def concerned(pk: int) -> tuple[int, int | None]:
    """Whose a plan is, and its subscription's unpaid order, by their numbers; read without locks."""
    account, unpaid = _CONCERNED.all(pk=pk)[0]
    return account, unpaid


def subscription_locked(pk: int) -> Subscription:
    """The subscription, read afresh under its lock, with what planning needs."""
    rows = Subscription.objects.select_for_update(of=("self",))
    return rows.select_related("product__seller", "specification", "line__order", "account").get(pk=pk)
