"""Acceptance criteria: pinned with the request, answered by each delivery, named by a rejection, shown to all."""

import pytest
from django.db import IntegrityError, transaction

from accounts.actor import Party
from catalog.models import AcceptanceCriteria
from catalog.services import set_criteria
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import FieldNotTaken, InvalidInput
from supervision import services
from supervision.choices import FlowStatus
from supervision.evidence import criteria_lines, with_evidence
from supervision.models import Delivery, FlowRecord, ServiceFlow
from supervision.services import Answer
from tests.factories import ProductFactory, an_operator
from tests.supervision.conftest import assert_books_are_right
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db

LINES = ["Row counts agree.", "The way back was shown."]


def with_criteria(deal, lines=LINES, **traits):
    """A service whose product has criteria, with a confirmed request."""
    one = deal(service=True, **traits)
    set_criteria(one.flow.order.product, lines, by=an_operator())
    services.submit_request(one.flow, description="Move our data.", by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    return one


def read(one) -> ServiceFlow:
    return with_evidence(ServiceFlow.objects.all()).get(pk=one.flow.pk)


def test_a_change_is_a_new_version_and_the_same_again_is_none():
    product, operator = ProductFactory(), an_operator()
    first = set_criteria(product, LINES, by=operator)
    assert set_criteria(product, LINES, by=operator) == first
    second = set_criteria(product, LINES[:1], by=operator)
    assert (first.version, second.version) == (1, 2)
    assert set_criteria(product, [], by=operator) is None
    assert AcceptanceCriteria.in_force(product.pk) is None
    assert AcceptanceCriteria.objects.count() == 3


@pytest.mark.parametrize(
    "lines",
    [[""], ["x" * 301], ["a\x00"], ["same", "same"], [str(n) for n in range(21)]],
    ids=["empty", "301 characters", "NUL", "twice", "21 lines"],
)
def test_bad_criteria_are_refused(lines):
    with pytest.raises(InvalidInput):
        set_criteria(ProductFactory(), lines, by=an_operator())
    assert not AcceptanceCriteria.objects.exists()


def test_only_supervised_products_have_criteria():
    with pytest.raises(InvalidInput, match="service supervision"):
        set_criteria(ProductFactory(saas=True), LINES, by=an_operator())


@pytest.mark.parametrize("change", [{"lines": ["Other."]}, None], ids=["changed", "deleted"])
def test_criteria_once_written_stay(change):
    set_criteria(ProductFactory(), LINES, by=an_operator())
    with pytest.raises(IntegrityError), transaction.atomic():
        AcceptanceCriteria.objects.update(**change) if change else AcceptanceCriteria.objects.all()._raw_delete(
            "default"
        )


def test_a_request_is_pinned_when_it_is_submitted(deal):
    one = with_criteria(deal)
    set_criteria(one.flow.order.product, ["Something harder."], by=an_operator())
    assert one.now().criteria.lines == LINES
    assert one.flow.requests.get().criteria.lines == LINES


def test_a_request_that_is_submitted_again_is_pinned_anew(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="Move our data.", by=one.buyer)
    assert one.now().criteria is None
    set_criteria(one.flow.order.product, LINES, by=an_operator())
    services.reject_request(one.flow, reason="Which data?", by=one.seller)
    services.submit_request(one.flow, description="All.", by=one.buyer)
    assert one.now().criteria.lines == LINES


def test_a_licence_is_pinned_when_its_flow_opens(deal, monkeypatch):
    product = ProductFactory()
    set_criteria(product, LINES, by=an_operator())
    assert deal(product=product).flow.criteria.lines == LINES


def test_a_delivery_without_an_answer_to_each_line_is_refused(deal):
    one = with_criteria(deal)
    with pytest.raises(InvalidInput) as refused:
        services.deliver(one.flow, note="Done.", answers={1: Answer("They do.")}, by=one.seller)
    assert list(refused.value.errors) == ["answer_2"]
    assert "The way back was shown." in refused.value.errors["answer_2"][0]
    with pytest.raises(FieldNotTaken):
        services.deliver(one.flow, answers={n: Answer("Yes.") for n in (1, 2, 3)}, by=one.seller)
    assert (one.now().status, Delivery.objects.count()) == (FlowStatus.AWAITING_DELIVERY, 0)


def test_each_line_is_answered_with_a_text_or_a_file(deal):
    one = with_criteria(deal)
    answers = {1: Answer("They do."), 2: Answer(file=a_file("protocol.pdf"))}
    services.deliver(one.flow, files=[a_file("other.pdf")], answers=answers, by=one.seller)
    first, second = criteria_lines(read(one), Party.BUYER)
    assert (first.answer, first.file) == ("They do.", None)
    assert (second.answer, second.file.name) == ("", "protocol.pdf")
    assert one.flow.attachments.count() == 2
    assert_books_are_right(one)


def test_a_rejection_names_the_lines_that_failed(deal):
    one = with_criteria(deal)
    answers = {n: Answer("Yes.") for n in (1, 2)}
    services.deliver(one.flow, answers=answers, by=one.seller)
    with pytest.raises(InvalidInput, match="Select"):
        services.reject_delivery(one.flow, reason="No.", by=one.buyer)
    with pytest.raises(InvalidInput, match="no criterion 3"):
        services.reject_delivery(one.flow, reason="No.", failed=[3], by=one.buyer)
    services.reject_delivery(one.flow, reason="Nobody showed us.", failed=[2], by=one.buyer)
    services.deliver(one.flow, answers=answers | {2: Answer("Now shown.")}, by=one.seller)

    assert FlowRecord.objects.get(action="reject").failed_criteria == ["The way back was shown."]
    assert [(line.answer, line.failed_in) for line in criteria_lines(read(one), Party.SELLER)] == [
        ("Yes.", []),
        ("Now shown.", [1]),
    ]


def test_lines_of_a_product_without_criteria_cannot_be_named(deal):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller)
    with pytest.raises(InvalidInput, match="no criterion 1"):
        services.reject_delivery(one.flow, reason="No.", failed=[1], by=one.buyer)


def test_the_books_tell_a_delivery_with_a_line_that_is_not_answered(deal):
    one = with_criteria(deal)
    entry = FlowRecord.objects.filter(flow=one.flow).first()
    with transaction.atomic():
        Delivery.objects.create(flow=one.flow, round=1, record=entry, criteria=one.now().criteria, answers=[])
        found = [str(breach) for breach in breaches()]
        transaction.set_rollback(True)
    assert any("criteria_are_answered" in one for one in found)
    assert any("revisions_and_rounds_are_whole" in one for one in found)


def test_the_product_page_shows_them_before_purchase(client, deal):
    one = deal()
    set_criteria(one.flow.order.product, ["<b>Two</b> tenants run."], by=an_operator())
    page = client.get(one.flow.order.product.get_absolute_url())
    assert b"&lt;b&gt;Two&lt;/b&gt; tenants run." in page.content
    body = client.get(f"/api/v1/products/{one.flow.order.product.slug}/").json()
    assert body["acceptance_criteria"] == ["<b>Two</b> tenants run."]


def test_operators_enter_them_in_admin(client):
    from tests.factories import UserFactory

    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    product = ProductFactory()
    form = {"product": product.pk, "lines": "Row counts agree.\r\n\r\nThe way back was shown.\r\n"}
    assert client.post("/admin/catalog/acceptancecriteria/add/", form).status_code == 302
    assert AcceptanceCriteria.in_force(product.pk).lines == LINES
    assert client.post("/admin/catalog/acceptancecriteria/add/", form).status_code == 302
    assert AcceptanceCriteria.objects.count() == 1
    bad = client.post("/admin/catalog/acceptancecriteria/add/", form | {"lines": "x" * 301})
    assert b"1 to 300 characters" in bad.content
