"""Secrets at rest: texts that are encrypted in the database and shown only where code asks for them by name.

The keys are `SECRETS_KEYS`, newest first: the first encrypts, each of them decrypts, so that a key is changed by
putting a new one in front and encrypting anew. What a row holds in Python is a `Secret`, which prints as dots: a log,
the admin, a template, a serializer or an export that prints the row can show nothing else.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField

DOTS = "••••••••"


class SecretUnreadable(Exception):
    """No key of SECRETS_KEYS opens it: a key was taken away before everything was encrypted anew."""


@lru_cache(maxsize=8)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _fernet() -> MultiFernet:
    return _keys(tuple(settings.SECRETS_KEYS))


class Secret:
    """An encrypted text. `reveal()` is the only way to it."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    @classmethod
    def of(cls, text: str) -> "Secret":
        """Encrypt a text with the newest key; the same text gives another token each time."""
        return cls(_fernet().encrypt(text.encode()).decode() if text else "")

    def reveal(self) -> str:
        """The text.

        Raises:
            SecretUnreadable: it was encrypted with a key that is not among the settings' any more.
        """
        if not self.token:
            return ""
        try:
            return _fernet().decrypt(self.token.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable from None

    def with_newest_key(self) -> "Secret":
        """The same text under the newest key.

        Raises:
            SecretUnreadable: no key opens it.
        """
        if not self.token:
            return self
        try:
            return Secret(_fernet().rotate(self.token.encode()).decode())
        except InvalidToken:
            raise SecretUnreadable from None

    def __bool__(self) -> bool:
        return bool(self.token)

    def __str__(self) -> str:
        return DOTS if self.token else ""

    def __repr__(self) -> str:
        return f"<Secret {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


class EncryptedTextField(TextField):
    """A text column that holds only tokens. Set a `Secret`, or a plain text, which is encrypted on the way in.

    It cannot be searched: the same text has a different token in each row.
    """

    def from_db_value(self, value: str | None, *_: Any) -> Secret | None:
        return None if value is None else Secret(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Secret) else Secret.of(str(value))

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return value.token if isinstance(value, Secret) else Secret.of(str(value)).token

    def value_to_string(self, obj: models.Model) -> str:
        """For dumps of the database: the token, never the text."""
        value = self.value_from_object(obj)
        return value.token if isinstance(value, Secret) else Secret.of(str(value)).token
