"""The doors to the right: who delivers what was bought, who keeps the money, what a buyer logs in with, what he used.

`orders`, `supervision` and `provisioning` call these and import nobody on their right or beside them; settings
say who answers (`FULFILMENT`, `MONEY`, `APPLICATIONS`, `USAGE`, `DEPLOYMENTS`). All methods run in the caller's transaction, under the order's lock; what
must happen outside the database is only recorded there and carried out through the outbox.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Product
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Text
from orders.choices import OrderStatus
from orders.deployments import DeploymentWish
from orders.errors import FlowFrozen
from orders.models import Order, Subscription
from pricing.values import MeteredPrice, Quote, QuoteRequest

SUPERVISION = gettext_lazy("View service supervision")


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """What an order's list entry says of its delivery.

    Attributes:
        service_flow: the flow's public id, or None without supervision.
        status_label: the short label of where delivery stands.
        waiting_on: the party whose turn it is (`accounts.actor.Party` value), or None.
        url: the buyer's page of the delivery, or empty; `url_label` is what leads there.
    """

    service_flow: str | None
    status_label: str
    waiting_on: str | None
    url: str
    url_label: Text = SUPERVISION


@dataclass(frozen=True, slots=True)
class DeliveryStep:
    """One step of how a product is delivered, as a visitor reads it before he buys.

    Attributes:
        title: what happens; `who`: by whom ("You", "Seller").
        within: by when, in words, or empty.
        notes: what it needs and what silence brings, in sentences.
    """

    title: str
    who: str
    within: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """How a product is delivered: its steps in order, and the rules that hold for all of it, in sentences."""

    steps: tuple[DeliveryStep, ...] = ()
    rules: tuple[str, ...] = ()


class Fulfilment(Protocol):
    """One deliverer. It reports through `orders.services.delivery_done` and `delivery_failed`."""

    name: str

    def refusal(self, product: Product) -> str | None:
        """Why `product` cannot be delivered now, in words for a buyer, or None."""

    def with_terms(self, products: QuerySet[Product]) -> QuerySet[Product]:
        """Products with what `terms` reads of them, in the same query."""

    def terms(self, product: Product) -> DeliveryTerms:
        """How `product` is delivered by this deliverer, step by step, for its page; one query without `with_terms`."""

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order is paid: begin."""

    def renew(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """A renewal is paid; the subscription has its new expiry."""

    def upgrade(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """An upgrade is paid."""

    def freeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Retention begins: the app must not be usable, its data is kept."""

    def unfreeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Renewed in retention."""

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Closed for good: delete."""

    def abort(self, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
        """Another deliverer failed for good, or operations ended the order."""

    def is_frozen(self, order: Order) -> bool:
        """Whether a dispute on the order is being decided, so that nobody may touch it or its money."""

    def summaries(self, orders: Iterable[Order]) -> Mapping[int, DeliverySummary]:
        """For lists: order id -> summary, in one query however many orders."""


class MoneyKeeper(Protocol):
    """Keeps what buyers pay until the order is completed, and gives it back when it is not."""

    def owing_refusal(self, account: Account, *, by_use: bool, at: datetime) -> DomainError | None:
        """Why `account` may not use what is charged afterwards (`by_use`) or by itself (Quickly Enable), not raised."""

    def pay_by_itself(self, order: Order, *, by: Actor, at: datetime) -> None:
        """Deduct an order's amount from what the account pays with, in transactions of its own (guide 3.4: "fees will be
        automatically deducted"). Call it outside any.

        Raises:
            DomainError: it was not paid; the order waits for payment.
        """

    def bill_reseller(self, order: Order, *, by: Actor, at: datetime) -> None:
        """A reseller's customer submitted the order: his reseller owes it, which pays it (`mark_paid`)."""

    def hold(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order was paid, maybe with a coupon alone: what the buyer paid is held for it, its coupon is spent."""

    def release(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order is completed: what is held becomes payable to the seller."""

    def refund(self, order: Order, amount: Money, *, reason: str, by: Actor, at: datetime) -> None:
        """Give `amount` of what is held back to where it came from. It reports by `orders.services.refund_finished`.

        Raises:
            koogallery.kernel.errors.InvalidTransition: more than is held.
        """

    def needs_consent(self, order: Order, amount: Money) -> bool:
        """Whether a second operator must confirm that operations give `amount` back."""

    def refundable(self, order: Order) -> Money:
        """How much of the order's payment can still go back."""

    def ended(self, order: Order, *, by: Actor, at: datetime) -> None:
        """The order ended in whole and its refund is decided: what a bank took back of it is settled."""

    def refunds_under_way(self, order: Order) -> bool:
        """Whether something of what paid the order is still on its way back to the buyer."""

    def return_coupon(self, order: Order, *, cash_only: bool = False, by: Actor, at: datetime) -> None:
        """The order will not be paid, or was refunded in whole: what it took of a coupon is free again.

        Args:
            cash_only: a discount coupon stays used (RULES 4: unsubscriptions return cash coupons).
        """


@dataclass(frozen=True, slots=True)
class ApplicationGiven:
    """What a buyer logs in to his app with, as it was given (guide 3.3: Application Information)."""

    username: str = ""
    password: str = field(default="", repr=False)
    frontend_url: str = ""
    management_url: str = ""
    # What else a seller's server has to say (RULES 2.1); some say passwords there.
    memo: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return any((self.username.strip(), self.password, self.frontend_url.strip(), self.management_url.strip()))


@dataclass(frozen=True, slots=True)
class ApplicationInformation:
    """A version of an app's information without its password and memo, which only `ApplicationKeeper.reveal` tells.

    Attributes:
        password_changed: whether the password is another one than the version's before.
        handed_over: whether it has reached the buyer.
    """

    version: int
    username: str
    has_password: bool
    password_changed: bool
    frontend_url: str
    management_url: str
    given_at: datetime
    handed_over: bool
    has_memo: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a buyer logs in with, in plain words: for the answer that shows it, and nothing else."""

    username: str
    password: str = field(repr=False)
    memo: str = field(default="", repr=False)


class ApplicationKeeper(Protocol):
    """Keeps what buyers log in to their apps with, encrypted, in versions. It knows no flow: who delivers says when
    the buyer may see what was given."""

    def kept_for(self, product: Product) -> bool:
        """Whether buyers of `product` log in to something."""

    def taken_for(self, order: Order) -> bool:
        """Whether the seller gives an order's application information by hand, with his delivery.

        No query where the order came with `made_by_machine` (see `machine_made`).
        """

    def machine_made(self, order: OuterRef) -> Exists:
        """Inside a query for something with an order: whether a machine makes what it bought."""

    def checked(self, given: ApplicationGiven) -> ApplicationGiven:
        """The texts made clean.

        Raises:
            koogallery.kernel.errors.InvalidInput: names each field, as `application_frontend_url`.
        """

    def give(self, order: Order, given: ApplicationGiven, *, by: Actor, at: datetime) -> int:
        """Keep another version for the order's subscriptions, not handed over yet; returns its number."""

    def hand_over(self, order: Order, *, at: datetime) -> None:
        """What was given last reaches the buyer; again changes nothing."""

    def versions(self, order: Order) -> Mapping[int, ApplicationInformation]:
        """All that was given for an order, by version, in one query."""

    def shown(self, subscriptions: Iterable[Subscription]) -> Mapping[int, ApplicationInformation]:
        """Subscription id -> what its buyer sees, in one query however many."""

    def reveal(self, subscription: Subscription, *, by: Actor, at: datetime) -> Credentials:
        """Show the buyer the password of what he sees, which is recorded.

        Raises:
            koogallery.kernel.errors.NotFound: there is none for him. Throttled: too many secrets in an hour.
        """


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """How long a subscription ran within a calendar month (GMT+08:00), charged by one order line.

    Attributes:
        month: its first day.
        seconds: what is recorded of it by now, corrections included.
    """

    subscription_id: int
    line_id: int
    month: date
    seconds: int
    price: MeteredPrice


@dataclass(frozen=True, slots=True)
class Use:
    """All that an account ever used up to a cut; `last_record` is the newest usage record that is in it."""

    months: tuple[MonthOfUse, ...]
    last_record: int


class UsageKeeper(Protocol):
    """Measures what pay-per-use subscriptions use, and knows what an hour of it was confirmed to cost."""

    def used(self, account_id: int, currency: str, *, until: datetime, at: datetime) -> Use:
        """What an account used in hours before `until`, for ever; these are recorded first. In the caller's transaction."""

    def accrued(self, since: date) -> Mapping[tuple[int, str], Decimal]:
        """(account, currency) -> what the use of the months from `since` on costs, exact and before tax."""

    def first_used(self, known: AbstractSet[tuple[int, str]]) -> Mapping[tuple[int, str], date]:
        """(account, currency) -> the first month of use, of all that ever used anything but those that are `known`."""

    def by_hour(self, account_id: int, currency: str, *, since: date) -> list[tuple[datetime, Decimal]]:
        """What the account's use from a month on costs hour by hour, exact and before tax, in order."""

    def stop(self, subscription: Subscription, *, at: datetime) -> None:
        """It does not run from `at` on, whatever its cloud says later of before."""


class DeploymentKeeper(Protocol):
    """Knows what servers an image can be deployed on, and keeps what a buyer chose until his order is paid."""

    def checked(
        self, wish: DeploymentWish, *, request: QuoteRequest, product: Product, account: Account
    ) -> DeploymentWish:
        """The wish with what it leaves open filled in by defaults.

        Raises:
            koogallery.kernel.errors.InvalidInput: names each field, as `deployment.password`.
        """

    def keep(self, order: Order, wish: DeploymentWish, *, quote: Quote, by: Actor, at: datetime) -> None:
        """The order is placed: keep how its servers are to be, the password sealed."""

    def with_server_names(self, rows: QuerySet[Any], subscription: str = "pk") -> QuerySet[Any]:
        """Rows with `server_name`, in the same query: what the server is called that their subscription (the field, or
        path, of that name) is, or whose image it is; empty for any other."""


@cache
def _load(path: str) -> object:
    return import_string(path)()


def deliverers(delivery_method: str, *, supervised: bool) -> list[Fulfilment]:
    """Who delivers such a product, in the order in which they start; empty when nobody does yet."""
    paths: list[str] = settings.FULFILMENT.get((delivery_method, supervised), [])
    return [_load(path) for path in paths]  # type: ignore[misc]


def deliverers_of(order: Order) -> list[Fulfilment]:
    """The deliverers of an order, by the product as it was bought."""
    return deliverers(order.product.delivery_method, supervised=order.product.supervised)


def is_deployed(product: Product) -> bool:
    """Whether a product becomes servers, so that its order says how they are to be."""
    answering = deliverers(product.delivery_method, supervised=product.supervised)
    return any(getattr(one, "deploys", False) for one in answering)


def all_deliverers() -> list[Fulfilment]:
    """Every deliverer that the settings name, once."""
    paths = dict.fromkeys(path for listed in settings.FULFILMENT.values() for path in listed)
    return [_load(path) for path in paths]  # type: ignore[misc]


def is_frozen(order: Order) -> bool:
    """Whether an appeal on the delivery of an order is being decided; only one in processing, not accepted yet, can be."""
    return (
        order.status == OrderStatus.PROCESSING
        and order.accepted_at is None
        and any(one.is_frozen(order) for one in deliverers_of(order))
    )


def refuse_frozen(order: Order) -> None:
    """Every verb that moves an order, its delivery, its apps or its money asks this first, under the order's lock.

    Raises:
        FlowFrozen: an appeal on its delivery is being decided.
    """
    if is_frozen(order):
        raise FlowFrozen


def delivery_refusal(product: Product) -> str | None:
    """Why `product` cannot be bought because nobody can deliver it now, in words for a buyer, or None."""
    answering = deliverers(product.delivery_method, supervised=product.supervised)
    if not answering:
        return "Not available for purchase yet: this marketplace does not deliver this kind of product so far."
    return next((refusal for one in answering if (refusal := one.refusal(product))), None)


def with_delivery_terms(products: QuerySet[Product]) -> QuerySet[Product]:
    """Products with what `delivery_terms` reads of them, in the same query."""
    for one in all_deliverers():
        products = one.with_terms(products)
    return products


def delivery_terms(product: Product) -> DeliveryTerms:
    """How `product` is delivered, step by step, before it is bought; no query for one `with_delivery_terms`."""
    answering = deliverers(product.delivery_method, supervised=product.supervised)
    terms = [one.terms(product) for one in answering]
    return DeliveryTerms(
        tuple(step for one in terms for step in one.steps), tuple(rule for one in terms for rule in one.rules)
    )


def sale_refusal(product: Product) -> str | None:
    """Why `product` cannot be bought at all, in words for a buyer, or None."""
    if not product.is_on_sale:
        return "Not available for purchase: the seller has taken this product off sale."
    return delivery_refusal(product)


def delivery_summaries(orders: Iterable[Order]) -> dict[int, DeliverySummary]:
    """Order id -> what its list entry says of the delivery; one query a deliverer that any of them has.

    Needs `product` of the orders.
    """
    parts: dict[str, tuple[Fulfilment, list[Order]]] = {}
    for order in orders:
        for one in deliverers_of(order):
            parts.setdefault(one.name, (one, []))[1].append(order)
    found: dict[int, DeliverySummary] = {}
    for one, theirs in parts.values():
        found.update(one.summaries(theirs))
    return found


def money() -> MoneyKeeper:
    """Whoever keeps the money."""
    return _load(settings.MONEY)  # type: ignore[return-value]


def usage() -> UsageKeeper:
    """Whoever measures what is used."""
    return _load(settings.USAGE)  # type: ignore[return-value]


def deployments() -> DeploymentKeeper:
    """Whoever deploys images."""
    return _load(settings.DEPLOYMENTS)  # type: ignore[return-value]


def applications() -> ApplicationKeeper:
    """Whoever keeps what buyers log in with."""
    return _load(settings.APPLICATIONS)  # type: ignore[return-value]
