"""Keys of secrets are changed without a stop: a new one in front, everything encrypted anew, the old one gone."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from koogallery.kernel.rotating import encrypted_columns, rotate_keys
from provisioning.models import AccessKey
from provisioning.saas.keys import access_keys_of, create_access_key
from tests.factories import a_seller

pytestmark = pytest.mark.django_db


def tokens() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM provisioning_accesskey ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_every_encrypted_column_is_known():
    known = {f"{model.__name__}.{column}" for model, column in encrypted_columns()}
    assert {"AccessKey.secret", "ApplicationPassword.password", "LicenseKey.key"} <= known


def test_everything_comes_under_the_newest_key_and_the_old_one_can_go(settings):
    old, new = settings.SECRETS_KEYS[0], Fernet.generate_key().decode()
    sellers = [a_seller() for _ in range(3)]
    for by in sellers:
        create_access_key(_seller(by), by=by, secret=f"secret of {by.seller_id}")
    before = tokens()
    settings.SECRETS_KEYS = [new, old]
    create_access_key(_seller(sellers[0]), by=sellers[0], secret="made meanwhile")
    newest = tokens()[-1]
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    assert "provisioning_accesskey.secret: 4 seen, 3 encrypted anew, 0 unreadable" in out.getvalue()
    assert tokens()[-1] == newest, "what is under the newest key is left alone"
    assert not set(before) & set(tokens())
    assert not any(one.changed for one in rotate_keys()), "again changes nothing"
    settings.SECRETS_KEYS = [new]
    assert access_keys_of(sellers[0].seller_id) == ["made meanwhile", f"secret of {sellers[0].seller_id}"]


def test_a_key_that_was_taken_away_too_early_is_told(settings):
    by = a_seller()
    create_access_key(_seller(by), by=by)
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="put the key back"):
        call_command("rotate_keys", stdout=io.StringIO())
    assert AccessKey.objects.count() == 1


def _seller(by):
    from accounts.models import Seller

    return Seller.objects.get(pk=by.seller_id)
