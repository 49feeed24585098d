"""Requirements reach operations, questions reach sellers; programs and floods do not."""

import pytest
from django.urls import reverse

from notifications.models import Message
from support.models import Requirement, SalesEnquiry
from tests.factories import ProductFactory, SellerMemberFactory, UserFactory

pytestmark = pytest.mark.django_db

FORM = reverse("support:requirement")
FILLED = {
    "requirements": "A scheduler for ferries", "company": "Contoso", "contact": "Ada Ng", "phone": "+65 5550 0100",
    "email": "ada@contoso.example", "searched": "ferry",
}  # fmt: skip


def test_a_requirement_reaches_operations_with_a_reference(client, timers, mailoutbox):
    operator = UserFactory(is_staff=True)
    answer = client.post(FORM, FILLED)
    sent = Requirement.objects.get()
    assert answer["Location"].endswith(f"/requirements/{sent.reference}/")
    assert sent.reference in client.get(answer["Location"]).content.decode()
    assert (sent.requirements, sent.searched, sent.status) == ("A scheduler for ferries", "ferry", "new")
    timers.run()
    assert Message.objects.get(user=operator).text == "A scheduler for ferries"
    assert [mail.to for mail in mailoutbox] == [[operator.email]]


@pytest.mark.parametrize(
    ("field", "value"),
    [("requirements", ""), ("requirements", "x" * 4001), ("company", ""), ("contact", ""), ("phone", "9" * 41), ("email", "nobody"),
     ("company", "a\u202eb"), ("requirements", "a\x07b")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_sent(client, field, value):
    answer = client.post(FORM, FILLED | {field: value})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    assert "Ada Ng" in answer.content.decode() or field == "contact"
    assert not Requirement.objects.exists()


def test_a_sixth_within_an_hour_is_refused_and_what_was_typed_is_kept(client):
    for _one in range(5):
        assert client.post(FORM, FILLED).status_code == 302
    answer = client.post(FORM, FILLED)
    assert answer.status_code == 429
    assert "A scheduler for ferries" in answer.content.decode()
    assert Requirement.objects.count() == 5


def test_a_program_that_fills_in_the_hidden_field_sends_nothing(client):
    assert client.post(FORM, FILLED | {"website": "https://spam.example"}).status_code == 302
    assert not Requirement.objects.exists()


def test_operations_answer_and_close_in_admin(client):
    client.post(FORM, FILLED)
    sent = Requirement.objects.get()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    url = reverse("admin:support_requirement_changelist")
    for action, status in (("answer", "answered"), ("answer", "answered"), ("close", "closed")):
        client.post(url, {"action": action, "_selected_action": [sent.pk]})
        assert Requirement.objects.get().status == status


def test_a_question_before_buying_reaches_the_sellers_members(client, timers):
    member = SellerMemberFactory()
    product = ProductFactory(seller=member.seller)
    url = reverse("support:contact_sales", args=[product.slug])
    asked = {"contact": "Ada", "company": "Contoso", "email": "ada@contoso.example", "message": "Does it swim?"}
    answer = client.post(url, asked)
    assert answer.status_code == 302
    assert SalesEnquiry.objects.get().seller == member.seller
    assert "Does it swim?" in Message.objects.get(user=member.user).text
    assert client.post(url, asked | {"message": ""}).status_code == 422
    assert client.get(answer["Location"]).status_code == 200


def test_help_has_the_guides_twelve_questions(client, settings):
    settings.SITE_CLOUD_NAME = "Nimbus Cloud"
    page = client.get("/help/").content.decode()
    assert page.count("<h2 id=") == 12
    assert "What Is Nimbus Cloud KooGallery?" in page
    assert "What Do I Do If No Applications or Services Meet My Requirements?" in page


def test_every_article_is_found_and_reads(client):
    listing = client.get("/learn/").content.decode()
    from support.learning import articles

    assert len(articles()) >= 10
    for article in articles():
        assert f"/learn/{article.slug}/" in listing
        assert client.get(f"/learn/{article.slug}/").status_code == 200
    assert "/learn/appeals/" in client.get("/learn/?q=appeal+freezes").content.decode()
    assert "No articles match." in client.get("/learn/?q=zebra").content.decode()
    assert client.get("/learn/none/").status_code == 404


@pytest.mark.parametrize("path", ["/help/", "/learn/", "/sell/"])
def test_visitors_pages_set_no_cookie(client, path):
    assert not client.get(path).cookies
