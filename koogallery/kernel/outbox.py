"""What leaves a transaction: events, written with the change that they tell of, delivered after it.

    @dataclass(frozen=True, slots=True)
    class OrderPaid(Event):
        order_number: str

        @property
        def subject(self) -> str:
            return f"order:{self.order_number}"

    publish(OrderPaid(order.number), at=at)                       # in the service's transaction

    @subscribe(OrderPaid, name="notifications.order_paid")        # in the subscriber's consumers.py
    def tell_seller(event: OrderPaid, at: datetime) -> None: ...

Delivered at least once, in order for each (subscriber, subject), in parallel across subjects (`delivery.py`). The order
is that of publishing, for publishers that hold one lock while they publish about one subject, as services do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Protocol, Self, TypeVar, get_origin, get_type_hints

from django.db import connection, transaction

from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.stored import insert
from koogallery.kernel.waking import wake_worker

EventType = TypeVar("EventType", bound="Event")


class NotInTransaction(RuntimeError):
    """An event was published outside the transaction that makes it true."""


class UnreadableEvent(Exception):
    """A stored event whose class is gone, or lacks a field that its class needs."""


_event_types: dict[str, "type[Event]"] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Subclasses are frozen dataclasses with JSON-able fields and a subject.

    Fields: str, int, float, bool, None, and lists, tuples and dicts of them; ids and facts of the moment, no objects.
    The class's name is stored, so renaming one needs an alias while old messages are open.
    """

    event_name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # `slots=True` makes the class anew, so the same definition comes by twice; two definitions are a mistake.
        known = _event_types.get(cls.__name__)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"There are two events named {cls.__name__}: {known.__module__} and {cls.__module__}.")
        cls.event_name = cls.__name__
        _event_types[cls.__name__] = cls

    @property
    def subject(self) -> str:
        """What it happened to, such as "order:CS260101ABCDEFGH"; events of one subject are delivered in order."""
        raise NotImplementedError(f"{type(self).__name__} does not say its subject.")

    def payload(self) -> dict[str, Any]:
        """The fields for storing.

        Raises:
            TypeError: a field is not JSON-able.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in values.items():
            if not _is_jsonable(value):
                raise TypeError(f"{type(self).__name__}.{name} is not JSON-able: {type(value).__name__}.")
        return values

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Read a stored event. Unknown fields are left out, missing ones take their default: versions may differ.

        Raises:
            UnreadableEvent: a field without default is missing.
        """
        hints = get_type_hints(cls)
        values = {}
        for field in fields(cls):
            if field.name in payload:
                value = payload[field.name]
                is_tuple = get_origin(hints[field.name]) is tuple and isinstance(value, list)
                values[field.name] = tuple(value) if is_tuple else value
            elif field.default is MISSING and field.default_factory is MISSING:
                raise UnreadableEvent(f"A stored {cls.__name__} has no {field.name}.")
        return cls(**values)


def _is_jsonable(value: object) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    if value is None or type(value) in (str, int, bool):
        return True
    if isinstance(value, list | tuple):
        return all(map(_is_jsonable, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_is_jsonable, value.values()))
    return False


def event_types() -> dict[str, type[Event]]:
    """Every event class by its stored name."""
    return dict(_event_types)


def read_event(name: str, payload: dict[str, Any]) -> Event:
    """The event of a stored message.

    Raises:
        UnreadableEvent: no such class, or a field is missing.
    """
    if name not in _event_types:
        raise UnreadableEvent(f"There is no event named {name}.")
    return _event_types[name].from_payload(payload)


class Handler(Protocol):
    """What a subscriber does; called with the event and the business time at which it happened."""

    def __call__(self, event: Any, at: datetime, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber of one kind of event.

    Attributes:
        name: stored with messages; unique.
        event: the class, exactly.
        handle: what to do; idempotent, because a message may come twice.
        outside: True: it runs outside any transaction under a lease, and opens its own for intent and outcome
            (a call to a gateway, an e-mail). False: inside the transaction that marks the message as delivered.
        tries: failures after which the message is stuck and waits for a person; with back-off 12 take about 3 hours.
        lease: for `outside`: after this the process is taken for dead and the message is carried out again. Longer
            than all time-outs of the handler together.
        pool: whose threads carry it out (`pool.py`), for calls to others who may be slow; empty: the common workers.
        wanted: which events of the class are stored for it at all, by their own fields; None: every one.
    """

    name: str
    event: type[Event]
    handle: Handler
    outside: bool = False
    tries: int = 12
    lease: timedelta = timedelta(minutes=2)
    pool: str = ""
    wanted: Callable[[Any], bool] | None = None

    def wants(self, event: Event) -> bool:
        return type(event) is self.event and (self.wanted is None or self.wanted(event))


_subscriptions: dict[str, Subscription] = {}


def subscribe(
    event: type[EventType],
    *,
    name: str,
    outside: bool = False,
    tries: int = 12,
    lease: timedelta = timedelta(minutes=2),
    pool: str = "",
    wanted: Callable[[EventType], bool] | None = None,
) -> Callable[[Callable[[EventType, datetime], Any]], Callable[[EventType, datetime], Any]]:
    """Deliver events of this class to the decorated function (see `Subscription` for the arguments)."""

    def decorate(handle: Callable[[EventType, datetime], Any]) -> Callable[[EventType, datetime], Any]:
        if name in _subscriptions:
            raise ValueError(f"There are two subscribers named {name}.")
        _subscriptions[name] = Subscription(
            name, event, handle, outside=outside, tries=tries, lease=lease, pool=pool, wanted=wanted
        )
        return handle

    return decorate


def subscriptions() -> dict[str, Subscription]:
    """Every subscriber by name."""
    return dict(_subscriptions)


def publish(event: Event, *, at: datetime) -> None:
    """Store the event for each of its subscribers, as part of the caller's transaction.

    Args:
        event: what happened.
        at: when, in business time (aware).

    Raises:
        NotInTransaction: there is no transaction to be part of.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{type(event).__name__} must be published in the transaction that makes it true.")
    if at.tzinfo is None:
        raise ValueError("An event needs an aware time.")
    payload, subject = event.payload(), event.subject
    told = [subscription for subscription in _subscriptions.values() if subscription.wants(event)]
    messages = [
        OutboxMessage(event=event.event_name, payload=payload, subject=subject, subscriber=one.name, at=at)
        for one in told
    ]
    if messages:
        if (gathered := _gathered.get()) is None:
            insert(messages)
        else:
            gathered.add(messages)
        for pool in {one.pool for one in told}:
            _wake_after_commit(pool)


class _Mark:
    """A hook that does nothing, told from others by its identity."""

    def __call__(self) -> None:
        """Called after the commit."""


class _Gathered:
    """Messages of one block that were published and not rolled back.

    Those of a savepoint within the block have a mark among the transaction's hooks. Django forgets the hooks of a
    savepoint that is rolled back, with those of all savepoints in it, and no others.
    """

    def __init__(self) -> None:
        self._depth = len(connection.savepoint_ids)
        self._messages: list[tuple[OutboxMessage, _Mark | None]] = []

    def add(self, messages: Sequence[OutboxMessage]) -> None:
        mark = None
        if len(connection.savepoint_ids) > self._depth:
            transaction.on_commit(mark := _Mark())
        self._messages += [(message, mark) for message in messages]

    def kept(self) -> list[OutboxMessage]:
        standing = {id(entry[1]) for entry in connection.run_on_commit}
        return [message for message, mark in self._messages if mark is None or id(mark) in standing]


_gathered: ContextVar[_Gathered | None] = ContextVar("koogallery_outbox_gathered", default=None)


@contextmanager
def gathering() -> Iterator[None]:
    """Within the block messages are only gathered; at its end they are stored together, in the same order.

    The whole block belongs to one transaction. A block that breaks off stores nothing, and a savepoint in it that is
    rolled back takes what was published in it along.
    """
    gathered = _Gathered()
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    insert(gathered.kept())


_waking: ContextVar[bool] = ContextVar("koogallery_outbox_waking", default=True)


@contextmanager
def delivering_here() -> Iterator[None]:
    """Within the block no worker is woken: this process delivers what it publishes by itself."""
    token = _waking.set(False)
    try:
        yield
    finally:
        _waking.reset(token)


@cache
def _wake(pool: str) -> Callable[[], None]:
    return lambda: wake_worker(pool)


def _wake_after_commit(pool: str) -> None:
    """Wake a worker of the pool after the commit, once a transaction."""
    wake = _wake(pool)
    if _waking.get() and not any(entry[1] is wake for entry in connection.run_on_commit):
        transaction.on_commit(wake, robust=True)
