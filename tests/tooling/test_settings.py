"""Production refuses what is unsafe; documents and the production shape name what settings read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SAFE = {
    "KOOGALLERY_ENV": "production",
    "SECRET_KEY": "a-long-random-key-of-a-test-0123456789abcdef",
    "SECRETS_KEYS": "c2VjcmV0cy1vZi1hLXRlc3QtMzItYnl0ZXMtbG9uZy4=",
    "ALLOWED_HOSTS": "marketplace.example",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PAYMENT_GATEWAY": "billing.gateways.stripe.StripeGateway",
    "STRIPE_SECRET_KEY": "sk_of_a_test",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_a_test",
}
SANDBOX = "billing.gateways.sandbox.SandboxGateway"
READ = r'(?:env\.(?:str|bool|int|float|list|dict|email_url)|duration|periods)\(\s*"([A-Z0-9_]+)"'


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    names = {name: value for name, value in (SAFE | changes).items() if value is not None}
    environment = {"PATH": os.environ["PATH"], **names}
    command = [sys.executable, "-c", "import koogallery.settings"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("change", [{}, {"PAYMENT_GATEWAY": SANDBOX, "SANDBOX_PAYMENTS_ALLOWED": "on"}])
def test_production_starts_with_safe_settings(change):
    done = start(**change)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 50}, "SECRET_KEY"),
        ({"SECRETS_KEYS": ""}, "SECRETS_KEYS"),
        ({"SECRETS_KEYS": "short"}, "SECRETS_KEYS"),
        ({"DEBUG": "true"}, "DEBUG"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"KOOGALLERY_CLOCK_OFFSET_SECONDS": "3600"}, "clock"),
        ({"KOOGALLERY_ENV": "staging"}, "KOOGALLERY_ENV"),
        ({"PAYMENT_GATEWAY": ""}, "PAYMENT_GATEWAY"),
        ({"PAYMENT_GATEWAY": SANDBOX}, "sandbox"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY"),
    ],
)
def test_production_refuses_what_is_unsafe(change, sentence):
    done = start(**change)
    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]


def names_read() -> set[str]:
    return set(re.findall(READ, "".join(one.read_text() for one in (ROOT / "koogallery/settings").glob("*.py"))))


def test_every_setting_has_a_line_in_the_operations_page():
    table = (ROOT / "docs/operations.md").read_text().split("## Settings")[1]
    first_column = "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    assert names_read() == set(re.findall(r"`([A-Z][A-Z0-9_]+)`", first_column))


def test_the_production_shape_names_settings_that_exist():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert set(compose["services"]) == {"postgres", "valkey", "web", "worker", "caller", "beat"}
    assert set(compose["services"]["web"]["environment"]) <= names_read()
    example = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert set(example) - {"POSTGRES_PASSWORD"} <= names_read()


def test_embedded_and_production_databases_sort_alike():
    from koogallery.kernel.embedded import INITDB_FLAGS

    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    flags = compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert flags == INITDB_FLAGS
