"""Encrypts everything anew with the newest key of SECRETS_KEYS, while the marketplace runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from koogallery.kernel.secrets import EncryptedTextField, Secret, SecretUnreadable

BATCH = 200

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Rotation:
    """What a run did to one column."""

    column: str
    seen: int = 0
    changed: int = 0
    unreadable: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every column of every table that holds tokens."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.attname


def has_newest_key(secret: Secret) -> bool:
    """Whether a token opens with the newest key alone."""
    try:
        Fernet(settings.SECRETS_KEYS[0]).decrypt(secret.token.encode())
    except InvalidToken:
        return False
    return True


def rotate_keys(progress: Progress | None = None) -> list[Rotation]:
    """Bring every token under the newest key, in short transactions; what is under it already is left alone.

    A row that somebody writes meanwhile keeps what he wrote, which is under the newest key by itself. A run that was
    broken off is simply started again.
    """
    done = []
    for model, column in encrypted_columns():
        rotation = Rotation(f"{model._meta.db_table}.{column}")
        total, after = model._base_manager.count(), 0
        while True:
            rows = list(model._base_manager.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH])
            if not rows:
                break
            after = rows[-1]
            _rotate(model, column, rows, rotation)
            if progress:
                progress(rotation.column, rotation.seen, total)
        done.append(rotation)
    return done


def _rotate(model: type[models.Model], column: str, rows: list[int], rotation: Rotation) -> None:
    with transaction.atomic():
        locked = model._base_manager.select_for_update(of=("self",)).filter(pk__in=rows).order_by("pk").only(column)
        for row in locked:
            rotation.seen += 1
            secret: Secret | None = getattr(row, column)
            if not secret or has_newest_key(secret):
                continue
            try:
                anew = secret.with_newest_key()
            except SecretUnreadable:
                rotation.unreadable += 1
                continue
            model._base_manager.filter(pk=row.pk).update(**{column: anew})
            rotation.changed += 1
