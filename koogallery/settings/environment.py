"""Where settings are read from, which deployment this is, and what production refuses to start with."""

import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from koogallery.kernel import embedded
from koogallery.kernel.clock import OFFSET_VARIABLE

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = BASE_DIR / "var"
env = environ.Env()


def duration(name: str, **default: float) -> timedelta:
    """A duration from the environment, in seconds."""
    return timedelta(seconds=env.float(name, default=timedelta(**default).total_seconds()))


# "embedded": bin/up, a demo or a small installation on one machine; "production": everything is named.
KOOGALLERY_ENV: str = env.str("KOOGALLERY_ENV", default="embedded")
PRODUCTION = KOOGALLERY_ENV == "production"
TESTING = "pytest" in sys.modules
DEBUG: bool = env.bool("DEBUG", default=False)
SECRET_KEY: str = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else embedded.secret_key(VAR_DIR))
# Keys of encrypted columns (koogallery/kernel/secrets.py), newest first: 32 random bytes each, in urlsafe base64.
SECRETS_KEYS: list[str] = env.list("SECRETS_KEYS", default=[]) or (
    [] if PRODUCTION else [embedded.secrets_key(VAR_DIR)]
)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL: str = env.str("SITE_URL", default="http://127.0.0.1:8000")
# The demo's people have a public password, so the demo never loads where this is off.
DEMO_ALLOWED = not PRODUCTION

if KOOGALLERY_ENV not in ("embedded", "production"):
    raise ImproperlyConfigured("KOOGALLERY_ENV is either embedded or production.")
if PRODUCTION:
    if len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 8 or SECRET_KEY.startswith("change-me"):
        raise ImproperlyConfigured("Production needs a SECRET_KEY of its own: 32 random characters or more.")
    if not SECRETS_KEYS or not all(re.fullmatch(r"[A-Za-z0-9_-]{43}=", key) for key in SECRETS_KEYS):
        raise ImproperlyConfigured("Production needs SECRETS_KEYS: 32 random bytes in urlsafe base64, newest first.")
    if DEBUG:
        raise ImproperlyConfigured("Production refuses to run with DEBUG.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("Production needs ALLOWED_HOSTS: the names that it is reached by, without *.")
    if env.bool("OUTGOING_LOOPBACK_ALLOWED", default=False):
        raise ImproperlyConfigured("Production refuses OUTGOING_LOOPBACK_ALLOWED: sellers could reach this machine.")
    if os.environ.get(OFFSET_VARIABLE, "0") not in ("", "0"):
        raise ImproperlyConfigured(f"Production refuses a clock that is set ahead ({OFFSET_VARIABLE}).")
