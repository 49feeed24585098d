"""Kernel tests see only the timers and subscribers that they declare themselves."""

import pytest

from koogallery.kernel import outbox, timers


@pytest.fixture(autouse=True)
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty registries of timers and subscribers, whatever the apps have registered."""
    monkeypatch.setattr(timers, "_timers", {})
    monkeypatch.setattr(outbox, "_subscriptions", {})
