"""What application information may say, without a database (RULES 2.1: its parts and their lengths)."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from koogallery.kernel.text import clean_text
from orders.ports import ApplicationGiven

LONGEST_NAME = 128
LONGEST_PASSWORD = 128
LONGEST_URL = 512
LONGEST_MEMO = 1024

_is_url = URLValidator(schemes=["http", "https"])


def url_refusal(text: str) -> str | None:
    """Why `text` is no address that a buyer may be sent to, or None."""
    if len(text) > LONGEST_URL:
        return f"Enter at most {LONGEST_URL} characters; there are {len(text)}."
    # Browsers read a backslash as a slash, so that the host would be another one than it looks.
    if "\\" in text or any(one.isspace() or not one.isprintable() for one in text):
        return "Enter an address without blanks and backslashes."
    try:
        parts = urlsplit(text)
        # Reading a port beyond 65535 raises ValueError.
        whole = parts.port != 0
        _is_url(text)
    except (ValueError, ValidationError):
        whole = False
    if not whole:
        return "Enter a full address that begins with https:// or http://."
    if "@" in parts.netloc:
        return "Enter the address without a username or password: they have their own fields."
    return None


def cleaned_application(given: ApplicationGiven) -> tuple[ApplicationGiven, dict[str, list[str]]]:
    """The texts made clean, and what is wrong with them by field.

    The Frontend URL is what nobody can do without; an app may have no management page, and one that people enter by
    an invitation no password. A password stays as it was typed.
    """
    errors: dict[str, list[str]] = {}
    urls = {"frontend_url": given.frontend_url.strip(), "management_url": given.management_url.strip()}
    for field, text in urls.items():
        if text and (why := url_refusal(text)):
            errors[field] = [why]
    if not urls["frontend_url"]:
        errors["frontend_url"] = ["Enter the Frontend URL, where the customer uses the application."]
    username = _clean("username", given.username, LONGEST_NAME, errors)
    if len(username) <= LONGEST_NAME and ("\n" in username or "\t" in username):
        errors["username"] = ["Enter the username on one line."]
    if given.password and not username:
        errors["username"] = ["Enter the username that the password belongs to."]
    if len(given.password) > LONGEST_PASSWORD:
        errors["password"] = [f"Enter at most {LONGEST_PASSWORD} characters; there are {len(given.password)}."]
    elif not given.password.isprintable():
        errors["password"] = ["The password has characters that nobody can type. Enter it again."]
    memo = _clean("memo", given.memo, LONGEST_MEMO, errors)
    return ApplicationGiven(username, given.password, urls["frontend_url"], urls["management_url"], memo), errors


def _clean(field: str, text: str, longest: int, errors: dict[str, list[str]]) -> str:
    """The text as `clean_text` leaves it; what is wrong with it goes into `errors`, and the text stays as it was."""
    try:
        text = clean_text(text)
    except ValueError as refused:
        errors[field] = [str(refused)]
    if len(text) > longest:
        errors[field] = [f"Enter at most {longest} characters; there are {len(text)}."]
    return text
