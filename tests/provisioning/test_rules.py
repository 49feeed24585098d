"""What application information may say."""

import pytest

from orders.ports import ApplicationGiven
from provisioning.rules import cleaned_application, url_refusal

LONG = "https://a.example/" + "x" * 495


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://app.example", True),
        ("http://app.example:8080/path?a=b#c", True),
        ("https://10.0.0.7/login", True),
        ("HTTPS://APP.EXAMPLE/", True),
        ("https://приложение.example/", True),
        (LONG[:512], True),
        (LONG, False),
        ("app.example", False),
        ("//app.example", False),
        ("/login", False),
        ("ftp://app.example/", False),
        ("javascript:alert(1)", False),
        ("javascript://app.example/%0aalert(1)", False),
        ("data:text/html,<script>", False),
        ("https://", False),
        ("https://user:pass@app.example/", False),
        ("https://user@app.example/", False),
        ("https://app.example\\@evil.example/", False),
        ("https://app.example/a b", False),
        ("https://app.example/\nSet-Cookie: a", False),
        ("https://app.example/\u202egpj", False),
        ("https://app.example:99999/", False),
        ("https://[::1", False),
    ],
)
def test_addresses(url, fine):
    assert (url_refusal(url) is None) is fine, url_refusal(url)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"frontend_url": "https://a.example"}, set()),
        ({"username": "a", "frontend_url": "https://a.example"}, set()),
        ({"username": "a", "password": "p", "frontend_url": " https://a.example "}, set()),
        ({"username": "a", "password": "p"}, {"frontend_url"}),
        ({"password": "p", "frontend_url": "https://a.example"}, {"username"}),
        ({"username": "a", "management_url": "javascript:1", "frontend_url": "x"}, {"management_url", "frontend_url"}),
        ({"username": "a" * 129, "frontend_url": "https://a.example"}, {"username"}),
        ({"username": "a\nb", "frontend_url": "https://a.example"}, {"username"}),
        ({"username": "a\x00", "frontend_url": "https://a.example"}, {"username"}),
        ({"username": "a", "password": "p" * 129, "frontend_url": "https://a.example"}, {"password"}),
        ({"username": "a", "password": "p\x1b", "frontend_url": "https://a.example"}, {"password"}),
    ],
)
def test_fields(given, wrong):
    cleaned, errors = cleaned_application(ApplicationGiven(**given))
    assert set(errors) == wrong
    assert cleaned.frontend_url == given.get("frontend_url", "").strip()


def test_a_password_stays_as_it_was_typed_and_prints_nowhere():
    cleaned, _errors = cleaned_application(ApplicationGiven("a", "  two  blanks ", "https://a.example"))
    assert cleaned.password == "  two  blanks "
    assert "blanks" not in repr(cleaned)
