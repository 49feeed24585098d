"""Who checks out, and whether the books are right afterwards: its own process, beside the web server's.

`python -m bench.buyers hire NUMBER` prints JSON: buyers as `bench.shopping.Buyer` has them.
`python -m bench.buyers count WAY` prints the SQL statements of one checkout, by step.
`python -m bench.buyers check SINCE` prints what the database says of the checkouts since then (ISO time).
"""

import json
import random
import sys
from collections import Counter
from datetime import datetime
from typing import Any

import django

SEED = 20_261_124
ITEMS = 50
STATEMENTS_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import Account, Membership, User  # noqa: E402
from accounts.services import create_api_key, open_account  # noqa: E402
from accounts.web import buyer_actor  # noqa: E402
from bench.shopping import WAYS, Answer, Buyer  # noqa: E402
from billing.gateways.sandbox import SandboxGateway  # noqa: E402
from billing.models import Payment, SandboxCharge  # noqa: E402
from billing.services import bind_card  # noqa: E402
from catalog.models import Product  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.books import breaches  # noqa: E402
from koogallery.kernel.models import OutboxMessage  # noqa: E402
from orders.models import Order  # noqa: E402
from orders.ports import sale_refusal  # noqa: E402
from pricing.configuration import default_configuration  # noqa: E402
from pricing.services import facts_of_product  # noqa: E402

COUNTED_BUYER = 1_000_000
EMAIL = "checkout-{}@bench.example"


def items(dice: random.Random) -> list[dict[str, Any]]:
    """What is bought: products of people's deliveries, configured as their pages open."""
    products = Product.objects.published().filter(supervised=True, lowest_price__gt=0).order_by("id")
    sold = [one for one in products[: 10 * ITEMS] if sale_refusal(one) is None]
    return [found for one in dice.sample(sold, min(ITEMS, len(sold))) if (found := _item(one)) is not None]


def _item(product: Product) -> dict[str, Any] | None:
    configuration = default_configuration(facts_of_product(product))
    if configuration is None:
        return None
    wanted = configuration.request
    query = configuration.as_query().urlencode()
    return {
        "path": f"{product.get_absolute_url()}?{query}",
        "continue": f"/purchase/new/{product.slug}/?{query}",
        "body": {
            "specification": wanted.specification,
            "billing_mode": str(wanted.billing_mode),
            "duration": wanted.duration.as_json() if wanted.duration else None,
            "quantity": wanted.quantity,
            "attributes": dict(wanted.attributes),
        },
    }


def hire(number: int, first: int = 0) -> list[dict[str, Any]]:
    """So many buyers, numbered from `first`, each with an account, a card and a session of his own, who are logged in."""
    # What nobody delivered of an earlier measurement would burden this one's worker.
    OutboxMessage.objects.open().update(done_at=clock.now())
    dice = random.Random(SEED)
    bought = items(dice)
    if not bought:
        sys.exit("There is nothing to buy.")
    hired = []
    for at in range(first, first + number):
        user, made = User.objects.get_or_create(email=EMAIL.format(at), defaults={"full_name": f"Buyer {at}"})
        if made:
            user.set_unusable_password()
            user.save()
            open_account(user, f"Checkout {at}")
            actor = buyer_actor(user, Membership.objects.get(user=user))
            bind_card(Account.objects.of_user(user).get(), SandboxGateway().enter_card("success"), by=actor)
        user.api_keys.all().delete()
        _key, secret = create_api_key(user, name="bench", account=Account.objects.of_user(user).get())
        dice.shuffle(bought)
        cookies = {settings.SESSION_COOKIE_NAME: _session(user)}
        hired.append({"cookies": cookies, "key": secret, "items": list(bought)})
    return hired


def _session(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def statements(way: str) -> dict[str, dict[str, int]]:
    """SQL statements of one checkout by step: all, and those of them that only begin and end transactions."""
    # Not one of those who are measured: hiring again takes the keys away that they were given.
    buyer = Buyer(**hire(1, COUNTED_BUYER)[0])
    for _first in ("what a process reads once in its life is no statement of a checkout", "counted"):
        found = dict(_counted(buyer, way))
    return found


def _counted(buyer: Buyer, way: str) -> Any:
    # Pages' cookies are sent by the script itself.
    client = Client(headers={"host": "127.0.0.1"})
    script = WAYS[way](buyer, buyer.items[0])
    ask = next(script)
    while True:
        client.cookies.clear()
        kind = ask.headers.pop("Content-Type", "")
        with CaptureQueriesContext(connection) as captured:
            reply = client.generic(ask.method, ask.path, ask.body, content_type=kind, headers=ask.headers)
        texts = [one["sql"] for one in captured.captured_queries]
        yield (
            ask.step,
            {
                "all": len(texts),
                "transactions": sum(text.startswith(STATEMENTS_OF_TRANSACTIONS) for text in texts),
            },
        )
        headers = [(name.lower(), value) for name, value in reply.items()]
        headers += [("set-cookie", morsel.OutputString()) for morsel in reply.cookies.values()]
        try:
            ask = script.send(Answer(reply.status_code, headers, reply.content))
        except StopIteration:
            return


def check(since: datetime) -> dict[str, Any]:
    """What the database says of the buyers' checkouts since then, and every breach of the books."""
    orders = Order.objects.filter(account__name__startswith="Checkout ", created_at__gte=since)
    paid = orders.exclude(paid_at=None)
    payments = Payment.objects.filter(allocations__order__in=paid, allocations__counted_at__isnull=False)
    charges = SandboxCharge.objects.filter(key__in=payments.values("public_id"), outcome="succeeded")
    each = Counter(paid.annotate(payments=Count("allocations")).values_list("payments", flat=True))
    return {
        "orders": orders.count(),
        "paid": paid.count(),
        "charges": charges.count(),
        "charged_once": each[1],
        "undelivered": OutboxMessage.objects.open().count(),
        "breaches": [str(one) for one in breaches()],
    }


def main(arguments: list[str]) -> None:
    """One of the three."""
    match arguments:
        case ["hire", number]:
            print(json.dumps(hire(int(number))))
        case ["count", way]:
            print(json.dumps(statements(way)))
        case ["check", since]:
            print(json.dumps(check(datetime.fromisoformat(since))))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
