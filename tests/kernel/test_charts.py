"""Charts: heights in proportion, a round axis, labels that have room."""

from decimal import Decimal
from itertools import pairwise

import pytest

from koogallery.kernel.web.charts import BOTTOM, HEIGHT, PHONE_LETTER, TOP, bar_chart

ROOM = HEIGHT - TOP - BOTTOM


def test_bars_are_as_high_as_their_values():
    chart = bar_chart(
        [("Jan", Decimal("100")), ("Feb", Decimal("25")), ("Mar", Decimal("-5"))], title="Spend", unit="USD"
    )
    assert [float(one.height) for one in chart.bars] == [ROOM, ROOM / 4, 0]
    assert [one.value for one in chart.bars] == ["Jan: 100 USD", "Feb: 25 USD", "Mar: -5 USD"]
    assert [one.text for one in chart.lines] == ["0", "25", "50", "75", "100"]


@pytest.mark.parametrize(("most", "axis"), [("0", "1"), ("0.03", "0.04"), ("7", "10"), ("1234.56", "2000")])
def test_the_axis_ends_with_a_round_number(most, axis):
    assert bar_chart([("x", Decimal(most))], title="", unit="USD").lines[-1].text == axis


def test_many_bars_have_few_labels():
    chart = bar_chart([(str(day), Decimal(1)) for day in range(31)], title="", unit="s")
    assert sum(bool(one.label) for one in chart.bars) == 16


def test_on_phones_labels_have_room_and_numbers_are_short():
    months = [(f"2026-{month:02}", Decimal(90_000)) for month in range(1, 13)]
    chart = bar_chart(months, title="", unit="USD")
    kept = [float(one.middle) for one in chart.bars if one.label and not one.is_minor]
    assert all(right - left > len("2026-01") * PHONE_LETTER for left, right in pairwise(kept))
    assert (len(kept), [one.text for one in chart.lines]) == (6, ["0", "25K", "50K", "75K", "100K"])
