"""The applications and what stands around their views: middleware, templates, REST, content security, logs."""

from koogallery.settings.environment import BASE_DIR, PRODUCTION, env

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

# Pages of other apps that search engines may list (catalog/views/seo.py).
SITEMAP_PAGES: list[str] = ["/help/", "/learn/", "/sell/"]

# --- requests to addresses that others chose (koogallery/kernel/outgoing.py) ----------------------------------

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

# --- content security (UX 9) ----------------------------------------------------------------------------------

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
