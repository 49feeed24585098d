"""How a worker divides its time between what is due and what waits in the outbox."""

import time

import pytest

from koogallery.kernel import tasks


@pytest.fixture
def turns(monkeypatch):
    """What was worked on, with a clock that goes on by what each turn needs."""
    seen: list[str] = []
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def turn(name: str, seconds: float, left: float):
        """Work for `left` seconds in all."""
        rest = [left]

        def work(most: float) -> None:
            seen.append(name)
            spent = min(most, rest[0])
            rest[0] -= spent
            now[0] += spent + (0.001 if rest[0] else 0)

        return work, seconds

    return turn, seen


@pytest.mark.parametrize(
    ("due", "waiting", "expected"),
    [
        pytest.param(0, 100, ["due"], id="nothing due: the outbox has tasks of its own"),
        pytest.param(7, 0, ["due", "waiting", "due"], id="due for more than a turn, nothing waits"),
        pytest.param(100, 100, ["due", "waiting", "due", "waiting", "due"], id="much of both: by turns, for a shift"),
        pytest.param(5.5, 1.8, ["due", "waiting", "due", "waiting", "due", "waiting", "due"], id="until both are done"),
    ],
)
def test_neither_keeps_the_other_from_its_turn(turns, due, waiting, expected):
    turn, seen = turns
    tasks._shift(turn("due", 5.0, due), turn("waiting", 0.75, waiting))
    assert seen == expected
