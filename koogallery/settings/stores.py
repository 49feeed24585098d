"""What keeps and carries things: database, cache, queue, search, files, mail."""

from datetime import timedelta
from pathlib import Path

from kombu import Queue

from koogallery.kernel import embedded
from koogallery.settings.environment import BASE_DIR, TESTING, VAR_DIR, env

# --- database and cache ---------------------------------------------------------------------------------------

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

# --- queue ----------------------------------------------------------------------------------------------------

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

# --- search ---------------------------------------------------------------------------------------------------

# What finds products (catalog/search/engine.py): the index of each web process, or plain Postgres
# ("catalog.search.postgres.PostgresEngine").
SEARCH_ENGINE: str = env.str("SEARCH_ENGINE", default="catalog.search.index.engine.IndexEngine")
SEARCH_INDEX_DIR = Path(env.str("SEARCH_INDEX_DIR", default=str(VAR_DIR / "search")))
# Web processes follow the catalogue in a thread. A test, whose data nobody else can see, does before each question.
SEARCH_FOLLOW = "question" if TESTING else "thread"
SEARCH_FOLLOW_WITHIN_SECONDS: float = env.float("SEARCH_FOLLOW_WITHIN_SECONDS", default=4.0)

# --- pages of visitors (koogallery/kernel/web/page_cache.py) --------------------------------------------------

# How long a page is kept at most; 0: not at all. A change is seen within a second or two in any case.
PAGE_CACHE_SECONDS: float = env.float("PAGE_CACHE_SECONDS", default=0.0 if TESTING else 60.0)
# The memory of each web process for pages, compressed.
PAGE_CACHE_BYTES: int = env.int("PAGE_CACHE_BYTES", default=32 * 2**20)
PAGE_CACHE_KNOWLEDGE = "catalog.knowledge.known"

# --- files ----------------------------------------------------------------------------------------------------

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

# --- mail -----------------------------------------------------------------------------------------------------

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend":
    EMAIL_BACKEND = "koogallery.kernel.mail.EmailBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="KooGallery <no-reply@koogallery.example>")
