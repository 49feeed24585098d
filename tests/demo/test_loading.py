"""`manage.py load_demo` loads everything or nothing."""

import pytest
from django.core.management import call_command

from accounts.models import User
from catalog.models import Product
from demo.management.commands.load_demo import Command
from orders.models import Order


def test_an_interrupted_load_leaves_nothing(db, monkeypatch):
    def interrupted(self: Command, what: str, done: int, of: int) -> None:
        if what == "orders":
            assert Order.objects.exists()
            raise KeyboardInterrupt

    monkeypatch.setattr(Command, "progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("load_demo")
    assert [kind.objects.count() for kind in (User, Product, Order)] == [0, 0, 0]
