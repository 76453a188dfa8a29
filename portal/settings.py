"""Django's settings, all from `portal.environment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.schedules import schedule as every
from csp.constants import NONE, SELF

from portal import environment
from portal.schedule import BEAT

APPORTION = environment.read()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = APPORTION.secret_key.get_secret_value()
DEBUG = False
ALLOWED_HOSTS = list(APPORTION.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(APPORTION.trusted_origins)

INSTALLED_APPS = [
    "tenancy.apps.TenancyConfig",
    "inventory.apps.InventoryConfig",
    "billing.apps.BillingConfig",
    "governance.apps.GovernanceConfig",
    "portal.apps.PortalConfig",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.problems.ProblemMiddleware",
    "portal.tenant_scope.TenantScopeMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
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
                "portal.navigation.navigation",
            ],
        },
    },
]


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": 5, **options},
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


DATABASES = {"default": _database(APPORTION.database_url)}
if APPORTION.database_owner_url:
    DATABASES["owner"] = _database(APPORTION.database_owner_url)

# Mail leaves by one server; without one none does.
_MAIL = urlsplit(APPORTION.email_url)
_MAIL_PORTS = {"smtps": 465, "smtp+starttls": 587}
_MAIL_BY = "smtp" if APPORTION.email_url else "dummy"
EMAIL_BACKEND = f"django.core.mail.backends.{_MAIL_BY}.EmailBackend"
EMAIL_HOST = _MAIL.hostname or ""
EMAIL_PORT = _MAIL.port or _MAIL_PORTS.get(_MAIL.scheme, 25)
EMAIL_HOST_USER = unquote(_MAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(_MAIL.password or "")
EMAIL_USE_SSL = _MAIL.scheme == "smtps"
EMAIL_USE_TLS = _MAIL.scheme == "smtp+starttls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = APPORTION.email_from
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenancy.Person"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served from where they lie: nothing has to be collected first.
WHITENOISE_USE_FINDERS = True

# Security. Behind a proxy that ends TLS, X-Forwarded-Proto says what the client used.
SECURE_SSL_REDIRECT = APPORTION.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if APPORTION.https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if APPORTION.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = APPORTION.https
SECURE_HSTS_PRELOAD = APPORTION.https
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = APPORTION.https
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = APPORTION.https
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.problems.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Counts of requests, nothing else: short time-outs, since an answer must not wait for a count.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": APPORTION.redis_url.replace("redis+socket://", "unix://", 1),
        "KEY_PREFIX": "apportion",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
}

#: A price sheet of five million bytes, pasted into a form and encoded by it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16_000_000
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.strict_json.StrictJson"],
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "EXCEPTION_HANDLER": "portal.problems.api_problem",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Apportion",
    "DESCRIPTION": (BASE_DIR / "portal" / "api" / "description.md").read_text(),
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "PriceChangeKind": "billing.prices.changes.Kind",
        "RequestKind": "governance.models.RequestKind",
        "RequestState": "governance.models.RequestState",
        "RequestEventKind": "governance.models.EventKind",
        "LimitUnit": ["currency", "tokens"],
        "LimitLevel": ["subscription", "product", "team", "cost_center"],
        "UnitEnum": "billing.rules.token_classes.Unit",
        "SheetLineKind": ["exact", "discount", "markup"],
        "EndpointKind": ["teams", "slack", "webhook"],
    },
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
    "TAGS": [
        {"name": "index", "description": "Where a token belongs."},
        {"name": "teams", "description": "Owners of consumption."},
        {"name": "subscriptions", "description": "APIM subscriptions: limit, spend, state."},
        {"name": "usage", "description": "Observed usage, by bucket of time."},
        {"name": "costs", "description": "What usage cost, by day, on the estimated basis."},
        {"name": "statements", "description": "What a team is shown for a month."},
        {"name": "prices", "description": "The price list, and what it costs this tenant."},
        {"name": "quotas", "description": "What limits usage, how much is used, what binds."},
        {"name": "requests", "description": "Asking for limits, tiers and keys, and deciding."},
        {"name": "policies", "description": "Who approves what, and in whose place."},
        {"name": "budgets", "description": "Budgets, how they stand, and alerts."},
        {"name": "notifications", "description": "What people and endpoints are told, and how."},
    ],
}

# Tasks. Each can run twice or die in the middle: acknowledged late, and given back when the
# worker is lost. The visibility time-out is longer than the longest task may take.
CELERY_BROKER_URL = APPORTION.redis_url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 5}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    entry.task: {
        "task": entry.task,
        "schedule": every(entry.every),
        "options": {"expires": entry.every.total_seconds()},
    }
    for entry in BEAT
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": APPORTION.log_level},
    "loggers": {
        "azure": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "msal": {"level": "WARNING"},
    },
}
