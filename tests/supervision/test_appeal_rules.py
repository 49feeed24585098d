"""RULES 1.4 and 1.5 as tables: one row a sentence, with the guide's sentence where it has one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from accounts.actor import Party
from supervision.choices import Action, AppealStatus
from supervision.rules import AppealTerms, CaseTerms, appeal_verdict, case_refusal, working_days_after

BUYER, SELLER, OPERATIONS = Party.BUYER, Party.SELLER, Party.OPERATIONS
SINCE = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
FIVE_DAYS = timedelta(hours=120)
OPENS = SINCE + FIVE_DAYS + SECOND
CLOSES = SINCE + 365 * DAY

SELLERS_TURN = AppealTerms(
    open=True,
    already_open=False,
    waiting_on=SELLER,
    opens_at=OPENS,
    on_acceptance=False,
    seller_rejections=0,
    buyer_rejections=0,
    appeals_close_at=CLOSES - 15 * DAY,
    ban=15 * DAY,
    silence=FIVE_DAYS,
    appeal_after=3,
    appeal_on_acceptance_after=2,
)
BUYERS_TURN = replace(SELLERS_TURN, waiting_on=BUYER)
ACCEPTANCE = replace(BUYERS_TURN, on_acceptance=True)
SAAS = replace(ACCEPTANCE, appeal_on_acceptance_after=3)

ROWS = [
    # (the sentence, terms, by, at, allowed, words of the reason, allowed from)
    (
        "G:687 If a seller has not updated the service flow status for more than five days, you can initiate an appeal",
        SELLERS_TURN, BUYER, OPENS, True, "The seller has not updated", None,
    ),
    ("strictly more: exactly 120 hours are not enough", SELLERS_TURN, BUYER, OPENS - SECOND, False, "more than 5 days", OPENS),
    ("the seller's silence is no ground of his own", SELLERS_TURN, SELLER, OPENS, False, "3 rejections", None),
    ("EU-SaaS: the seller, when the buyer was inactive for more than 5 days", BUYERS_TURN, SELLER, OPENS, True, "The customer has not updated", None),
    ("strictly more for the seller too", BUYERS_TURN, SELLER, OPENS - SECOND, False, "customer does not update", OPENS),
    ("the buyer's own silence is no ground of his", BUYERS_TURN, BUYER, OPENS, False, "3 rejections", None),
    ("operations' silence opens nothing", replace(SELLERS_TURN, waiting_on=OPERATIONS, opens_at=None), BUYER, OPENS, False, "3 rejections", None),
    (
        "G:688 If a seller has rejected your request three times, you can initiate an appeal",
        replace(BUYERS_TURN, seller_rejections=3), BUYER, SINCE, True, "rejected the request 3 times", None,
    ),
    ("two rejections of the request are not enough", replace(BUYERS_TURN, seller_rejections=2), BUYER, SINCE, False, "3 rejections", None),
    ("IN-SaaS: the seller too, when he rejected the request three times", replace(BUYERS_TURN, seller_rejections=3), SELLER, SINCE, True, "rejected the request 3 times", None),
    (
        "G:688 you have rejected a product delivered by a seller three times and are still not satisfied with it",
        replace(SELLERS_TURN, buyer_rejections=3), BUYER, SINCE, True, "rejected the delivery 3 times", None,
    ),
    ("EU-SaaS: the seller, when the buyer rejected the delivery three times", replace(SELLERS_TURN, buyer_rejections=3), SELLER, SINCE, True, "rejected the delivery 3 times", None),
    (
        "G:583, 675 submit an appeal after you have rejected the product twice (licence, professional service)",
        replace(ACCEPTANCE, buyer_rejections=2), BUYER, SINCE, True, "You have rejected the delivery 2 times", None,
    ),
    ("once is not enough there", replace(ACCEPTANCE, buyer_rejections=1), BUYER, SINCE, False, "3 rejections", None),
    ("the acceptance page is the buyer's: two rejections open nothing to the seller", replace(ACCEPTANCE, buyer_rejections=2), SELLER, SINCE, False, "customer does not update", OPENS),
    ("two rejections while the seller delivers again open nothing yet", replace(SELLERS_TURN, buyer_rejections=2), BUYER, SINCE, False, "seller does not update", OPENS),
    ("G:780 SaaS: two rejections are not enough on the acceptance page", replace(SAAS, buyer_rejections=2), BUYER, SINCE, False, "3 rejections", None),
    ("G:780 SaaS: three are", replace(SAAS, buyer_rejections=3), BUYER, SINCE, True, "rejected the delivery 3 times", None),
    (
        "G:691, 782 You cannot initiate appeals within 15 days before the service flow is completed",
        replace(SELLERS_TURN, buyer_rejections=3), BUYER, CLOSES - 15 * DAY, False, "closed 15 days before", None,
    ),
    ("a second before the ban it is allowed", replace(SELLERS_TURN, buyer_rejections=3), BUYER, CLOSES - 15 * DAY - SECOND, True, "3 times", None),
    ("the ban holds for the seller", replace(BUYERS_TURN, buyer_rejections=3), SELLER, CLOSES - 15 * DAY, False, "closed 15 days before", None),
    ("no time is promised that lies within the ban", replace(SELLERS_TURN, opens_at=CLOSES - 15 * DAY), BUYER, CLOSES - 16 * DAY, False, "3 rejections", None),
    ("not twice at once", replace(SELLERS_TURN, already_open=True), BUYER, OPENS, False, "handled already", None),
    ("not after the end", replace(SELLERS_TURN, open=False), BUYER, OPENS, False, "has ended", None),
    ("only the two sides", SELLERS_TURN, OPERATIONS, OPENS, False, "Only the customer and the seller", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("_sentence", "terms", "by", "at", "allowed", "words", "opens"), ROWS, ids=[row[0] for row in ROWS]
)
def test_who_may_appeal_when(_sentence, terms, by, at, allowed, words, opens):
    verdict = appeal_verdict(terms, by, at)
    assert (verdict.allowed, verdict.allowed_from) == (allowed, opens)
    assert words in verdict.reason
    if opens is not None:
        assert appeal_verdict(terms, by, opens).allowed, "the promised time is the right one"


UNDECIDED = CaseTerms(AppealStatus.OPEN, BUYER, {}, frozenset(), False, None)
EFFECT = SINCE + 5 * DAY
DECIDED = replace(UNDECIDED, status=AppealStatus.ANNOUNCED, takes_effect_at=EFFECT)
ASKED = replace(UNDECIDED, asked={SELLER: SINCE + 2 * DAY})
SECOND_LOOK = replace(UNDECIDED, status=AppealStatus.UNDER_REVIEW, reviewed=True)
WITHDRAW, STATE, REVIEW, WAIVE = Action.WITHDRAW_APPEAL, Action.STATEMENT, Action.REVIEW, Action.WAIVE_REVIEW

CASE_ROWS = [
    ("operations decide, but do not withdraw", UNDECIDED, WITHDRAW, OPERATIONS, SINCE, "Only the customer and the seller"),
    ("nor ask for a second look", DECIDED, REVIEW, OPERATIONS, SINCE, "Only the customer and the seller"),
    ("the appellant withdraws", UNDECIDED, WITHDRAW, BUYER, SINCE, None),
    ("also while a decision waits for confirmation", replace(UNDECIDED, status=AppealStatus.AWAITING_CONSENT), WITHDRAW, BUYER, SINCE, None),
    ("the other side does not", UNDECIDED, WITHDRAW, SELLER, SINCE, "Only the side that appealed"),
    ("nobody withdraws from a decision", DECIDED, WITHDRAW, BUYER, SINCE, "decided"),
    ("nor from the second look", SECOND_LOOK, WITHDRAW, BUYER, SINCE, "decided"),
    ("a site may forbid it", replace(UNDECIDED, withdrawable=False), WITHDRAW, BUYER, SINCE, "cannot be withdrawn here"),
    ("the side asked answers", ASKED, STATE, SELLER, SINCE + 2 * DAY - SECOND, None),
    ("not at the deadline", ASKED, STATE, SELLER, SINCE + 2 * DAY, "deadline"),
    ("not the side that was not asked", ASKED, STATE, BUYER, SINCE, "not asked you"),
    ("both may ask for a second look", DECIDED, REVIEW, SELLER, EFFECT - SECOND, None),
    ("not once it is in effect", DECIDED, REVIEW, SELLER, EFFECT, "in effect"),
    ("not before a decision", UNDECIDED, REVIEW, BUYER, SINCE, "not decided yet"),
    ("one second look only", replace(DECIDED, reviewed=True), REVIEW, BUYER, SINCE, "final"),
    ("not who waived it", replace(DECIDED, waived=frozenset({BUYER})), REVIEW, BUYER, SINCE, "waived"),
    ("the other one may still ask", replace(DECIDED, waived=frozenset({BUYER})), REVIEW, SELLER, SINCE, None),
    ("both may waive it", DECIDED, WAIVE, BUYER, SINCE, None),
    ("not when it was asked for", SECOND_LOOK, WAIVE, BUYER, SINCE, "final"),
    ("not twice", replace(DECIDED, waived=frozenset({BUYER})), WAIVE, BUYER, SINCE, "waived"),
    ("nothing after the end", replace(UNDECIDED, status=AppealStatus.DECIDED), WITHDRAW, BUYER, SINCE, "has ended"),
    ("nothing else while frozen", UNDECIDED, Action.DELIVER, SELLER, SINCE, "being handled"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("_sentence", "case", "action", "by", "at", "refusal"), CASE_ROWS, ids=[row[0] for row in CASE_ROWS]
)
def test_what_a_side_may_do_in_an_appeal(_sentence, case, action, by, at, refusal):
    why = case_refusal(case, action, by, at)
    assert (why is None) == (refusal is None)
    assert refusal is None or refusal in why


EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-02 10:00", "2026-03-05 10:00"),
        ("2026-03-04 10:00", "2026-03-09 10:00"),
        ("2026-03-06 23:59", "2026-03-11 23:59"),
        ("2026-03-07 00:00", "2026-03-12 00:00"),
        ("2026-03-08 15:00", "2026-03-12 00:00"),
        ("2026-03-09 00:00", "2026-03-12 00:00"),
    ],
    ids=[
        "Monday",
        "over a weekend",
        "Friday, last minute",
        "Saturday counts from Monday",
        "Sunday too",
        "Monday, 00:00",
    ],
)
def test_three_working_days_of_the_service_level(start, due):
    at = datetime.fromisoformat(start).replace(tzinfo=EAST)
    assert working_days_after(at.astimezone(UTC), 3, EAST) == datetime.fromisoformat(due).replace(tzinfo=EAST)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        pytest.param("2026-12-23T10:00", "2026-12-30T10:00", id="two holidays and a weekend in between"),
        pytest.param("2026-12-25T10:00", "2027-01-01T00:00", id="filed on a holiday: counts from Monday, 00:00"),
    ],
)
def test_public_holidays_are_no_working_days(start, due):
    holidays = {date(2026, 12, 25), date(2026, 12, 29)}
    at = datetime.fromisoformat(start).replace(tzinfo=EAST)
    assert working_days_after(at.astimezone(UTC), 3, EAST, holidays) == datetime.fromisoformat(due).replace(tzinfo=EAST)
