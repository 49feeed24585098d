"""What is accepted is what was shown: by page and by REST."""

import pytest

from accounts.models import Account, User
from catalog.models import Agreement
from koogallery.kernel import clock
from orders.errors import AgreementsChanged
from orders.models import AcceptedAgreement, Order, PurchaseDraft
from orders.services import Placement, place_order
from pricing.services import quote_purchase
from pricing.values import Duration, QuoteRequest
from tests.api.conftest import body_for, buyer_api
from tests.factories import AgreementFactory, a_buyer, a_specification


@pytest.fixture
def terms(db):
    return AgreementFactory(version="1", text="You pay.")


def superseded(terms: Agreement) -> Agreement:
    Agreement.objects.filter(pk=terms.pk).update(superseded_at=clock.now())
    return AgreementFactory(code=terms.code, version="2", text="You pay twice.")


def wanted(specification) -> QuoteRequest:
    return QuoteRequest(specification.pk, "monthly", Duration(1, "month"))


def test_a_quote_is_bound_to_the_agreements_that_it_was_shown_with(terms):
    by, specification = a_buyer(), a_specification()
    account, request = Account.objects.get(pk=by.account_id), wanted(specification)
    quote = quote_purchase(request, account=account)
    assert [(one.id, one.version) for one in quote.agreements or ()] == [(terms.pk, "1")]
    superseded(terms)
    with pytest.raises(AgreementsChanged):
        place_order(Placement(request, agreements_accepted=True, quote=quote.token), account=account, by=by)
    assert not Order.objects.exists()
    # Without a quote whoever orders accepts what is in force.
    place_order(Placement(request, agreements_accepted=True), account=account, by=by)
    assert AcceptedAgreement.objects.get().text == "You pay twice."


def test_an_agreement_that_was_added_is_asked_for_too(terms):
    by, specification = a_buyer(), a_specification()
    account, request = Account.objects.get(pk=by.account_id), wanted(specification)
    quote = quote_purchase(request, account=account)
    AgreementFactory(product=specification.product)
    with pytest.raises(AgreementsChanged):
        place_order(Placement(request, agreements_accepted=True, quote=quote.token), account=account, by=by)


def test_rest_names_the_agreements_and_refuses_an_order_under_old_ones(terms):
    api, specification = buyer_api(), a_specification()
    body = body_for(specification)
    quote = api.post("quotes/", body).json()
    assert quote["agreements"] == [
        {"id": terms.pk, "title": terms.title, "version": "1", "url": f"/agreements/{terms.pk}/"}
    ]
    superseded(terms)
    order = body | {"agreements_accepted": True, "quote": quote["quote"]}
    answer = api.post("orders/", order)
    assert (answer.status_code, answer.json()["code"]) == (409, "agreements_not_accepted")
    again = api.post("quotes/", body).json()
    assert api.post("orders/", order | {"quote": again["quote"]}).status_code == 201
    assert AcceptedAgreement.objects.get().version == "2"


def test_confirm_asks_again_when_a_text_was_superseded(terms, client):
    by, specification = a_buyer(), a_specification()
    client.force_login(User.objects.get(pk=by.user_id))
    slug = specification.product.slug
    confirm = client.get(f"/purchase/new/{slug}/?specification={specification.pk}&billing_mode=monthly&duration=1").url
    page = client.get(confirm)
    form = {
        "quote": page.context["quote"].token,
        "agreements": "on",
        "agreements_shown": page.context["agreements_shown"],
    }
    new = superseded(terms)
    answer = client.post(confirm, form)
    assert answer.status_code == 422
    assert "new version" in answer.content.decode()
    assert answer.context["agreements_shown"] == str(new.pk)
    answer = client.post(confirm, form | {"agreements_shown": answer.context["agreements_shown"]})
    assert answer.status_code == 302
    assert PurchaseDraft.objects.get().order.agreements.get().text == "You pay twice."


@pytest.mark.parametrize("shown", ["", "x", "1,,-1", "9" * 5000, "٣"])
def test_other_ids_are_not_what_was_shown(terms, client, shown):
    by, specification = a_buyer(), a_specification()
    client.force_login(User.objects.get(pk=by.user_id))
    slug = specification.product.slug
    confirm = client.get(f"/purchase/new/{slug}/?specification={specification.pk}&billing_mode=monthly&duration=1").url
    token = client.get(confirm).context["quote"].token
    form = {"quote": token, "agreements": "on", "agreements_shown": shown}
    assert client.post(confirm, form).status_code == 422
