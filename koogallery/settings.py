"""Every setting, typed, in one place, read from the environment (docs/operations.md has one line for each).

With no `DATABASE_URL` and no `REDIS_URL` the embedded Postgres and Valkey of this checkout are used
(`koogallery/kernel/embedded.py`); production names its servers and says `KOOGALLERY_ENV=production`.
"""

import os
import re
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from koogallery.kernel import embedded
from koogallery.kernel.clock import OFFSET_VARIABLE

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
env = environ.Env()

# --- which deployment this is ---------------------------------------------------------------------------------

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

# --- applications ---------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django_prometheus",
    "koogallery.kernel.apps.KernelConfig",
    "accounts",
    "catalog",
    "pricing",
    "orders",
    "provisioning",
    "provisioning.metering",
    "provisioning.compute",
    "supervision",
    "billing",
    "renewals",
    "notifications",
    "support",
    "demo",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "koogallery.kernel.web.admin_site.OperationsAdminConfig",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_structlog",
]

ROOT_URLCONF = "koogallery.urls"
WSGI_APPLICATION = "koogallery.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

MIDDLEWARE = [
    "koogallery.kernel.web.middleware.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "koogallery.kernel.web.middleware.clean_addresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "koogallery.kernel.web.page_cache.PageCacheMiddleware",
    "koogallery.kernel.web.middleware.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "koogallery.kernel.web.request_lines.RequestLines",
    "koogallery.kernel.web.middleware.visitor_zone",
    "koogallery.kernel.web.middleware.RefusalMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "koogallery.kernel.web.context.site",
                "notifications.context.nav",
            ],
        },
    }
]

# --- database, queue, cache, files -------------------------------------------------------------------------------

DATABASE_URL: str = env.str("DATABASE_URL", default="") or embedded.database_url(VAR_DIR)
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {
    "ENGINE": "koogallery.kernel.postgres",
    "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE_SECONDS", default=600),
    "CONN_HEALTH_CHECKS": True,
}
# The reads of the hot path are prepared once a connection (`koogallery.kernel.compiled`).
DATABASE_PREPARED_READS: bool = env.bool("DATABASE_PREPARED_READS", default=True)
# Every query of a web request has a time-out; workers and commands take what they need.
STATEMENT_TIMEOUT = timedelta(milliseconds=env.int("STATEMENT_TIMEOUT_MS", default=0))
if STATEMENT_TIMEOUT:
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
        f"-c statement_timeout={int(STATEMENT_TIMEOUT.total_seconds() * 1000)}"
    )

REDIS_URL: str = env.str("REDIS_URL", default="") or embedded.redis_url(VAR_DIR)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.cache_location(REDIS_URL),
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

# --- search -------------------------------------------------------------------------------------------------------

# What finds products (catalog/search/engine.py): the index of each web process, or plain Postgres
# ("catalog.search.postgres.PostgresEngine").
SEARCH_ENGINE: str = env.str("SEARCH_ENGINE", default="catalog.search.index.engine.IndexEngine")
SEARCH_INDEX_DIR = Path(env.str("SEARCH_INDEX_DIR", default=str(VAR_DIR / "search")))
# Web processes follow the catalogue in a thread. A test, whose data nobody else can see, does before each question.
SEARCH_FOLLOW = "question" if TESTING else "thread"
SEARCH_FOLLOW_WITHIN_SECONDS: float = env.float("SEARCH_FOLLOW_WITHIN_SECONDS", default=4.0)

# --- pages of visitors (koogallery/kernel/web/page_cache.py) -------------------------------------------------------

# How long a page is kept at most; 0: not at all. A change is seen within a second or two in any case.
PAGE_CACHE_SECONDS: float = env.float("PAGE_CACHE_SECONDS", default=0.0 if TESTING else 60.0)
# The memory of each web process for pages, compressed.
PAGE_CACHE_BYTES: int = env.int("PAGE_CACHE_BYTES", default=32 * 2**20)
PAGE_CACHE_KNOWLEDGE = "catalog.knowledge.known"

# Pages of other apps that search engines may list (catalog/views/seo.py).
SITEMAP_PAGES: list[str] = ["/help/", "/learn/", "/sell/"]

CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest task, so that a task is not given to a second worker while it runs.
    "visibility_timeout": 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A worker takes from its queues in turn, so that no crowd of messages to deliver keeps it from what is due.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = [Queue(name) for name in ("celery", "timers", "outbox", "sellers")]
# Threads of the outbox's pools, each with a queue and a worker of its own: one hanging seller holds up no other work.
OUTBOX_POOLS: dict[str, int] = {"sellers": env.int("SELLER_CALLS_AT_ONCE", default=16)}
CELERY_TASK_ROUTES = {
    "koogallery.kernel.tasks.sweep_timers": {"queue": "timers"},
    "koogallery.kernel.tasks.deliver_outbox": {"queue": "outbox"},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "sweep timers": {"task": "koogallery.kernel.tasks.sweep_timers", "schedule": 3.0, "options": {"expires": 3}},
    "deliver outbox": {"task": "koogallery.kernel.tasks.deliver_outbox", "schedule": 3.0, "options": {"expires": 3}},
    "call sellers": {
        "task": "koogallery.kernel.tasks.deliver_pool",
        "args": ["sellers"],
        "schedule": 3.0,
        "options": {"queue": "sellers", "expires": 3},
    },
    "tend search index": {"task": "catalog.tasks.tend_search_index", "schedule": 60.0, "options": {"expires": 60}},
    "purge catalogue feed": {"task": "catalog.tasks.purge_catalogue_feed", "schedule": 86400.0},
    "purge outbox": {"task": "koogallery.kernel.tasks.purge_outbox", "schedule": 86400.0},
    "purge old tries": {"task": "provisioning.tasks.purge_old_tries", "schedule": 86400.0},
}

STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "koogallery.kernel.web.static.RememberingStorage"},
}


def s3_storage(**options: object) -> dict[str, object]:
    """Files in an object store: private, never overwritten, read back through temporary files."""
    common = {"default_acl": "private", "file_overwrite": False, "max_memory_size": 2**20}
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**common, **options}}


if S3_BUCKET := env.str("S3_BUCKET", default=""):
    STORAGES["default"] = s3_storage(
        bucket_name=S3_BUCKET,
        endpoint_url=env.str("S3_ENDPOINT_URL", default=None),
        region_name=env.str("S3_REGION", default=None),
        access_key=env.str("S3_ACCESS_KEY", default=None),
        secret_key=env.str("S3_SECRET_KEY", default=None),
    )
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Source maps are large and for developers only: stored as they are.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (
    "jpg", "jpeg", "png", "gif", "webp", "zip", "gz", "tgz", "bz2", "tbz", "xz", "br", "woff", "woff2", "map"
)  # fmt: skip
FILE_UPLOAD_PERMISSIONS = 0o600
# Forms of up to 1 MiB are received in memory, larger ones in a temporary file (koogallery/kernel/web/uploads.py).
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "koogallery.kernel.web.uploads.BoundedFileUploadHandler",
]
FILE_UPLOAD_TEMP_DIR: str | None = env.str("FILE_UPLOAD_TEMP_DIR", default=None)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend":
    EMAIL_BACKEND = "koogallery.kernel.mail.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="KooGallery <no-reply@koogallery.example>")

# --- people ---------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "accounts.backends.Backend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
# Where nobody receives the mail of a demo, nobody could confirm an address.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION else "optional"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
# How many proxies in front of us write X-Forwarded-For; 0: the header is not believed.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- language and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# What pages print times in, until a person chooses another (the guide prints GMT+08:00).
SITE_TIME_ZONE: str = env.str("SITE_TIME_ZONE", default="Asia/Shanghai")
SITE_CLOUD_NAME: str = env.str("SITE_CLOUD_NAME", default="KooGallery Cloud")
SITE_REQUIREMENTS_EMAIL: str = env.str("SITE_REQUIREMENTS_EMAIL", default="requirements@koogallery.example")
SITE_CURRENCY: str = env.str("SITE_CURRENCY", default="USD")
SITE_COUNTRY: str = env.str("SITE_COUNTRY", default="SG")

# --- the rules' numbers (RULES.md) --------------------------------------------------------------------------------


def _duration(name: str, **default: float) -> timedelta:
    """A duration from the environment, in seconds."""
    return timedelta(seconds=env.float(name, default=timedelta(**default).total_seconds()))


ORDER_COMPLETES_AFTER_ACCEPTANCE = _duration("ORDER_COMPLETES_AFTER_ACCEPTANCE_SECONDS", hours=3)
# One upgrade raises a quantity to so many times what it was at the most (RULES 7).
UPGRADE_MOST_TIMES: int = env.int("UPGRADE_MOST_TIMES", default=5)
UNPAID_ORDER_LIFETIME = _duration("UNPAID_ORDER_LIFETIME_SECONDS", days=7)
QUOTE_LIFETIME = _duration("QUOTE_LIFETIME_SECONDS", hours=24)
FLOW_LIFETIME = _duration("FLOW_LIFETIME_SECONDS", days=365)
APPEAL_BAN_BEFORE_CLOSE = _duration("APPEAL_BAN_BEFORE_CLOSE_SECONDS", days=15)
SILENCE_BEFORE_APPEAL = _duration("SILENCE_BEFORE_APPEAL_SECONDS", days=5)
# What new templates of service flows begin with (docs/flows.md). Acceptance by silence: 0 days is off.
SELLER_CONFIRMS_WITHIN = _duration("SELLER_CONFIRMS_WITHIN_SECONDS", hours=120)
SELLER_DELIVERS_WITHIN = _duration("SELLER_DELIVERS_WITHIN_SECONDS", hours=120)
APPEAL_STATEMENT_WITHIN = _duration("APPEAL_STATEMENT_WITHIN_SECONDS", hours=48)
SELLER_DELIVERS_AGAIN_WITHIN = _duration("SELLER_DELIVERS_AGAIN_WITHIN_SECONDS", hours=120)
SELLER_REMINDED_AFTER_HOURS: list[int] = env.list("SELLER_REMINDED_AFTER_HOURS", cast=int, default=[72, 96])
BUYER_REMINDED_AFTER_DAYS: list[int] = env.list("BUYER_REMINDED_AFTER_DAYS", cast=int, default=[1, 3, 5, 10])
ACCEPTED_BY_SILENCE_AFTER_DAYS: int = env.int("ACCEPTED_BY_SILENCE_AFTER_DAYS", default=0)
# Appeals: how long both sides may ask for a second look, the service level, and whether the appellant may take it back.
APPEAL_SECOND_LOOK_TIME = _duration("APPEAL_SECOND_LOOK_TIME_SECONDS", days=5)
APPEAL_WORKING_DAYS: int = env.int("APPEAL_WORKING_DAYS", default=3)
# Days on which operations do not work, beside Saturdays and Sundays.
PUBLIC_HOLIDAYS: frozenset[date] = frozenset(map(date.fromisoformat, env.list("PUBLIC_HOLIDAYS", default=[])))
APPEALS_CAN_BE_WITHDRAWN: bool = env.bool("APPEALS_CAN_BE_WITHDRAWN", default=True)
# Requirements and sales enquiries that one person or address may send within an hour.
REQUESTS_PER_HOUR: int = env.int("REQUESTS_PER_HOUR", default=5)
# Service tickets: the service level of an answer, how long one waits for its customer, and what an account may send a day.
TICKET_ANSWER_WITHIN = _duration("TICKET_ANSWER_WITHIN_SECONDS", hours=24)
TICKET_CLOSES_AFTER = _duration("TICKET_CLOSES_AFTER_SECONDS", days=14)
TICKETS_A_DAY: int = env.int("TICKETS_A_DAY", default=20)
TICKET_MESSAGES_A_DAY: int = env.int("TICKET_MESSAGES_A_DAY", default=100)
REMINDER_INTERVAL = _duration("REMINDER_INTERVAL_SECONDS", hours=24)
# Wrong coupon codes that an account may try within an hour.
COUPON_TRIES_PER_HOUR: int = env.int("COUPON_TRIES_PER_HOUR", default=10)
PAYMENT_ASK_AFTER = _duration("PAYMENT_ASK_AFTER_SECONDS", minutes=2)
# How long the sandbox processor's slow test card takes.
SANDBOX_SLOW_SECONDS: float = env.float("SANDBOX_SLOW_SECONDS", default=8.0)
STATEMENT_DUE_AFTER = _duration("STATEMENT_DUE_AFTER_SECONDS", days=15)
STATEMENT_FREEZES_AFTER = _duration("STATEMENT_FREEZES_AFTER_SECONDS", days=15)
# Pay-per-use of accounts that pay by card (RULES 8): charged on the 3rd, or as soon as so much has accrued, in the
# site's currency; after a failed charge their servers run on, are taken out of use, are given up.
USAGE_CHARGE_AT = Decimal(env.str("USAGE_CHARGE_AT", default="100"))
USAGE_GRACE = _duration("USAGE_GRACE_SECONDS", days=15)
USAGE_RETENTION = _duration("USAGE_RETENTION_SECONDS", days=15)
# Our share of sales where a product has none of its own, in per cent (RULES 9).
SERVICE_FEE_PERCENT = Decimal(env.str("SERVICE_FEE_PERCENT", default="15"))
# Refunds of an order by operations that together exceed this, in the site's currency, need a second operator.
REFUND_CONSENT_ABOVE = Decimal(env.str("REFUND_CONSENT_ABOVE", default="500"))
REFUND_CONSENT_LIFETIME = _duration("REFUND_CONSENT_LIFETIME_SECONDS", days=3)
# Unsubscriptions (RULES 4): a refund above this, in the site's currency, is reviewed, and approved by itself after a while.
UNSUBSCRIPTION_REVIEW_ABOVE = Decimal(env.str("UNSUBSCRIPTION_REVIEW_ABOVE", default="7000"))
UNSUBSCRIPTION_REVIEW_TIME = _duration("UNSUBSCRIPTION_REVIEW_TIME_SECONDS", hours=24)
# The 5-day rule: whole refunds so soon after provisioning, so many a calendar year and account. 0 is off.
UNCONDITIONAL_REFUND_WITHIN = _duration("UNCONDITIONAL_REFUND_WITHIN_SECONDS")
UNCONDITIONAL_REFUNDS_A_YEAR: int = env.int("UNCONDITIONAL_REFUNDS_A_YEAR", default=10)
# Invoices: with it, what is completed and paid, also by closed cycle, is invoiced by itself to the default header, and no issuer reviews.
INVOICES_AUTOMATIC: bool = env.bool("INVOICES_AUTOMATIC", default=False)
# What the platform's own document numbers begin with until operations give it another.
INVOICE_PREFIX: str = env.str("INVOICE_PREFIX", default="KG")
PAYMENT_ACTION_LIFETIME = _duration("PAYMENT_ACTION_LIFETIME_SECONDS", hours=1)
ATTACHMENT_MAX_BYTES: int = env.int("ATTACHMENT_MAX_BYTES", default=52_428_800)
ATTACHMENTS_MAX: int = env.int("ATTACHMENTS_MAX", default=10)
# Messages that one side of a service flow may write within 24 hours, and for how long after the flow's end.
FLOW_MESSAGES_A_DAY: int = env.int("FLOW_MESSAGES_A_DAY", default=50)
FLOW_MESSAGES_AFTER_END = _duration("FLOW_MESSAGES_AFTER_END_SECONDS", days=30)
# How often one person may have secrets shown within an hour.
REVEALS_PER_HOUR: int = env.int("REVEALS_PER_HOUR", default=30)
# The production interface of SaaS (RULES 2.3, 2.5): one call, and for how long one is tried again.
SELLER_CALL_SECONDS: float = env.float("SELLER_CALL_SECONDS", default=5.0)
SELLER_ANSWER_MAX_BYTES: int = env.int("SELLER_ANSWER_MAX_BYTES", default=262_144)
INSTANCE_TRIED_FOR = _duration("INSTANCE_TRIED_FOR_SECONDS", hours=3)
INSTANCE_CHANGE_TRIED_FOR = _duration("INSTANCE_CHANGE_TRIED_FOR_SECONDS", hours=1)
# Calls to one seller at a time.
SELLER_LANES: int = env.int("SELLER_LANES", default=4)
# After so many calls in a row without an answer a seller is left alone for a while, longer each time.
SELLER_LINE_BREAKS_AFTER: int = env.int("SELLER_LINE_BREAKS_AFTER", default=3)
SELLER_LINE_RESTS = _duration("SELLER_LINE_RESTS_SECONDS", seconds=30)
SELLER_LINE_RESTS_MOST = _duration("SELLER_LINE_RESTS_MOST_SECONDS", minutes=10)
# More undelivered orders of one product within the window take it off sale.
FAILED_ORDERS_MOST: int = env.int("FAILED_ORDERS_MOST", default=5)
FAILED_ORDERS_WINDOW = _duration("FAILED_ORDERS_WINDOW_SECONDS", days=30)
# Tries of calls to sellers, with what was said; the database keeps them for 30 days whatever stands here.
EXCHANGES_KEPT_FOR = _duration("EXCHANGES_KEPT_FOR_SECONDS", days=180)
# Runs of the debugger likewise, but for the newest of each case.
DEBUG_RUNS_KEPT_FOR = _duration("DEBUG_RUNS_KEPT_FOR_SECONDS", days=180)
# The longest file of any form; one beyond it is not written to the disk.
UPLOAD_FILE_MAX_BYTES: int = env.int("UPLOAD_FILE_MAX_BYTES", default=ATTACHMENT_MAX_BYTES)
# Files that are uploaded in parts before their form is sent: how long they wait for it, how many of one side may.
UPLOAD_LIFETIME = _duration("UPLOAD_LIFETIME_SECONDS", hours=24)
UPLOADS_OPEN_MAX: int = env.int("UPLOADS_OPEN_MAX", default=40)
# A part's length; only the last may be shorter than the least.
UPLOAD_PART_LEAST_BYTES: int = env.int("UPLOAD_PART_LEAST_BYTES", default=2**18)
UPLOAD_PART_MOST_BYTES: int = env.int("UPLOAD_PART_MOST_BYTES", default=2**22)
# Parts received, files completed and, apart from those, files scanned at once by one web process: half of its threads,
# so that neither slow lines nor a slow scanner take the pages' own.
UPLOAD_PARTS_AT_ONCE: int = env.int("UPLOAD_PARTS_AT_ONCE", default=3)
# Who looks for viruses: none, or supervision.files.clamd.ClamdScanner, which asks ClamAV's daemon at CLAMD_ADDRESS
# (tcp://host:port or unix:///path). Without a verdict nothing is taken.
VIRUS_SCANNER: str = env.str("VIRUS_SCANNER", default="")
VIRUS_SCAN_TIMEOUT = _duration("VIRUS_SCAN_TIMEOUT_SECONDS", seconds=60)
CLAMD_ADDRESS: str = env.str("CLAMD_ADDRESS", default="tcp://127.0.0.1:3310")


def _periods(name: str) -> dict[str, timedelta]:
    """Periods of delivery methods and customer levels: "premium=2592000,saas/premium=86400", in seconds."""
    return {of: timedelta(seconds=float(seconds)) for of, seconds in env.dict(name, default={}).items()}


# How long an expired app stays usable, then its data is kept: the narrowest of "method/level", "method", "level" counts.
GRACE_PERIODS = {
    "default": _duration("GRACE_PERIOD_SECONDS", days=15),
    "saas": _duration("GRACE_PERIOD_SAAS_SECONDS"),
    **_periods("GRACE_PERIODS_SECONDS"),
}
RETENTION_PERIODS = {
    "default": _duration("RETENTION_PERIOD_SECONDS", days=15),
    **_periods("RETENTION_PERIODS_SECONDS"),
}

# --- who answers the doors to the right (orders/ports.py) --------------------------------------------------

_SERVERS = ["provisioning.compute.fulfilment.Servers"]
_SUPERVISED = ["supervision.fulfilment.Supervised"]
_SAAS = ["provisioning.saas.fulfilment.Saas"]
FULFILMENT = {
    ("license", True): _SUPERVISED,
    ("professional_service", True): _SUPERVISED,
    ("saas", True): [*_SAAS, *_SUPERVISED],
    ("saas", False): _SAAS,
    ("image", False): _SERVERS,
    ("ecs", False): _SERVERS,
}
MONEY = "billing.keeper.BillingMoney"
APPLICATIONS = "provisioning.keeper.Applications"
# What must hold before a product is released: callables of a product, which say why not.
RELEASE_CHECKS = ["provisioning.saas.debugger.release_refusal"]
USAGE = "provisioning.metering.keeper.Meters"
DEPLOYMENTS = "provisioning.compute.keeper.Deployments"
# Who makes servers: the simulated cloud, or provisioning.compute.providers.openstack.OpenStackCloud.
COMPUTE_PROVIDER: str = env.str("COMPUTE_PROVIDER", default="provisioning.compute.providers.simulated.SimulatedCloud")
# Servers that an account may have, until operations give it a quota of its own (RULES 8).
COMPUTE_SERVERS_PER_ACCOUNT: int = env.int("COMPUTE_SERVERS_PER_ACCOUNT", default=2_048)
# How soon the cloud is asked again about what is not ready; the wait doubles up to two minutes.
COMPUTE_LOOK_AGAIN = _duration("COMPUTE_LOOK_AGAIN_SECONDS", seconds=5)
# A step whose message was lost is taken again after that.
COMPUTE_STEP_LOST_AFTER = _duration("COMPUTE_STEP_LOST_AFTER_SECONDS", minutes=10)
# A server that is not up by then, or did not come up so many times, ends its order with a full refund.
COMPUTE_BUILD_WITHIN = _duration("COMPUTE_BUILD_WITHIN_SECONDS", hours=1)
# How long an order that waits for payment keeps, sealed, the password of its servers.
COMPUTE_PASSWORD_KEPT_FOR = _duration("COMPUTE_PASSWORD_KEPT_FOR_SECONDS", hours=1)
COMPUTE_ATTEMPTS: int = env.int("COMPUTE_ATTEMPTS", default=3)
# How often a region's cloud is searched for what nobody wants.
COMPUTE_RECONCILE_EVERY = _duration("COMPUTE_RECONCILE_EVERY_SECONDS", minutes=15)
# An OpenStack-compatible cloud (docs/servers.md): the service account, and names there that differ from ours.
OPENSTACK_AUTH_URL: str = env.str("OPENSTACK_AUTH_URL", default="")
OPENSTACK_USERNAME: str = env.str("OPENSTACK_USERNAME", default="")
OPENSTACK_PASSWORD: str = env.str("OPENSTACK_PASSWORD", default="")
OPENSTACK_PROJECT: str = env.str("OPENSTACK_PROJECT", default="")
OPENSTACK_USER_DOMAIN: str = env.str("OPENSTACK_USER_DOMAIN", default="Default")
OPENSTACK_PROJECT_DOMAIN: str = env.str("OPENSTACK_PROJECT_DOMAIN", default="Default")
OPENSTACK_EXTERNAL_NETWORK: str = env.str("OPENSTACK_EXTERNAL_NETWORK", default="external")
OPENSTACK_TIMEOUT_SECONDS: float = env.float("OPENSTACK_TIMEOUT_SECONDS", default=30.0)
OPENSTACK_REGIONS: dict[str, str] = env.dict("OPENSTACK_REGIONS", default={})
OPENSTACK_FLAVORS: dict[str, str] = env.dict("OPENSTACK_FLAVORS", default={})
OPENSTACK_VOLUME_TYPES: dict[str, str] = env.dict("OPENSTACK_VOLUME_TYPES", default={})
# The simulated cloud: what goes wrong is drawn by the seed; per cent of servers that never come up, and of answers that
# are lost although the call was carried out; servers that a region holds.
SIMULATOR_SEED: str = env.str("SIMULATOR_SEED", default="koogallery")
SIMULATOR_FAILURES_PERCENT: float = env.float("SIMULATOR_FAILURES_PERCENT", default=2.0)
SIMULATOR_LOST_ANSWERS_PERCENT: float = env.float("SIMULATOR_LOST_ANSWERS_PERCENT", default=2.0)
SIMULATOR_SERVERS: int = env.int("SIMULATOR_SERVERS", default=100_000)
# Who acts when something becomes due; the kernel, which fires it, knows no app.
TIMER_ACTOR = "accounts.actor:Actor.timer"
_SANDBOX = "billing.gateways.sandbox.SandboxGateway"
_STRIPE = "billing.gateways.stripe.StripeGateway"
PAYMENT_GATEWAY: str = env.str("PAYMENT_GATEWAY", default="" if PRODUCTION else _SANDBOX)
# The sandbox takes test cards for money; a production installation that wants that (a staging one) has to say so.
SANDBOX_PAYMENTS_ALLOWED: bool = env.bool("SANDBOX_PAYMENTS_ALLOWED", default=not PRODUCTION)

# Stripe, where PAYMENT_GATEWAY is billing.gateways.stripe.StripeGateway (docs/payments.md).
STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET: str = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE: str = env.str("STRIPE_API_BASE", default="")
STRIPE_TIMEOUT_SECONDS: float = env.float("STRIPE_TIMEOUT_SECONDS", default=10.0)

if PRODUCTION:
    if not PAYMENT_GATEWAY:
        raise ImproperlyConfigured(f"Production needs PAYMENT_GATEWAY: the card processor, such as {_STRIPE}.")
    if PAYMENT_GATEWAY == _SANDBOX and not SANDBOX_PAYMENTS_ALLOWED:
        raise ImproperlyConfigured(
            "Production refuses the sandbox as PAYMENT_GATEWAY: anybody could pay with a test card."
            " SANDBOX_PAYMENTS_ALLOWED=on allows it where nothing is really sold."
        )
    if PAYMENT_GATEWAY == _STRIPE and not (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET):
        raise ImproperlyConfigured("Stripe as PAYMENT_GATEWAY needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.")

# --- requests to addresses that others chose (koogallery/kernel/outgoing.py) ---------------------------------

# Opens this machine's own addresses, also without TLS: the demo's seller runs there.
OUTGOING_LOOPBACK_ALLOWED: bool = env.bool("OUTGOING_LOOPBACK_ALLOWED", default=not PRODUCTION)
# More certificate authorities than the system's, as a PEM file.
OUTGOING_CA_FILE: str = env.str("OUTGOING_CA_FILE", default="")

# --- REST -----------------------------------------------------------------------------------------------------

API_REQUESTS_PER_MINUTE_PER_KEY: int = env.int("API_REQUESTS_PER_MINUTE_PER_KEY", default=6_000)
API_REQUESTS_PER_MINUTE_PER_ADDRESS: int = env.int("API_REQUESTS_PER_MINUTE_PER_ADDRESS", default=60_000)
REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "koogallery.kernel.api.input.StrictJSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [
        "koogallery.kernel.api.throttles.AddressThrottle",
        "koogallery.kernel.api.throttles.KeyThrottle",
    ],
    "DEFAULT_PAGINATION_CLASS": "koogallery.kernel.api.output.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "koogallery.kernel.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "KooGallery",
    "DESCRIPTION": "An open-source marketplace for cloud software. Errors are RFC 9457 problem documents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": r"/api/v1/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
}

# --- content security (UX 9) -----------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# --- logs -----------------------------------------------------------------------------------------------------

LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "koogallery.kernel.logs.formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django.request": {"level": "ERROR"}, "celery": {"level": "INFO"}},
}
