"""Settings of the Django project.

Everything that differs between installations comes from the environment.
"""

import os

from csp.constants import NONCE, NONE, SELF

from mains.base.address import database_address
from mains.base.places import PACKAGE
from mains.config.secret import secret_key

# The installation
DEBUG = os.environ.get("MAINS_DEBUG") == "1"
SECRET_KEY = secret_key()
ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("MAINS_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
    if host.strip()
]
CSRF_TRUSTED_ORIGINS = [
    origin.strip() for origin in os.environ.get("MAINS_TRUSTED_ORIGINS", "").split(",") if origin.strip()
]

# Contexts, from the top of the column of packages down.
INSTALLED_APPS = [
    "mains.web.office",
    "mains.web.api",
    "mains.integrations.einvoice",
    "mains.reporting",
    "mains.settlement",
    "mains.cashdesk",
    "mains.invoicing",
    "mains.billing",
    "mains.balance",
    "mains.payments",
    "mains.directdebit",
    "mains.debt",
    "mains.customers",
    "mains.metering",
    "mains.network",
    "mains.tariffs",
    "mains.ledger",
    "mains.documents",
    "mains.staff",
    "mains.base",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "procrastinate.contrib.django",
]

# Jobs are asked for by name; only a worker loads their modules.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = [
    "mains.base.jobs",
    "mains.billing.jobs",
    "mains.invoicing.jobs",
    "mains.ledger.jobs",
    "mains.payments.jobs",
    "mains.reporting.jobs",
    "mains.settlement.jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

# How often a worker corrects the accounts that late facts touch: minutes, a time of day as 02:30, or off; and how
# many of them, or what share of all, it corrects unasked.
RECALCULATE = os.environ.get("MAINS_RECALCULATE", "15")
RECALCULATE_AT_MOST = os.environ.get("MAINS_RECALCULATE_AT_MOST", "5%")

ROOT_URLCONF = "mains.config.urls"
WSGI_APPLICATION = "mains.config.wsgi.application"
ASGI_APPLICATION = "mains.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "builtins": ["mains.web.office.templatetags.mains_ui"],
        },
    },
]

# Database
_address = database_address()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _address.database,
        "USER": _address.user,
        "PASSWORD": _address.password,
        "HOST": _address.host,
        "PORT": str(_address.port),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0,
        # Threads of commands and bulk workers hold one connection each; `config.wsgi` adds a pool for those that
        # answer requests.
        "OPTIONS": dict(_address.options),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People
AUTH_USER_MODEL = "staff.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "office:dashboard"
LOGOUT_REDIRECT_URL = "login"

# Languages and time
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("ru", "Русский"),
    ("tr", "Türkçe"),
    ("zh-hans", "简体中文"),
    ("de", "Deutsch"),
    ("fr", "Français"),
]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: Vite writes hashed names into web/static/dist, so they may be cached for ever.
STATIC_URL = "static/"
STATICFILES_DIRS = [PACKAGE / "web" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"/dist/assets/"
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Security No inline script or style anywhere: scripts come from our own address or carry the page's nonce,
# data is JSON.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        # The text editor of tariffs puts its style sheet into the page, under the page's nonce.
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
FILE_UPLOAD_HANDLERS = [
    "mains.web.office.uploads.LimitedUploads",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
# The cookies and redirects for HTTPS are switched on by MAINS_HTTPS=1, for a server behind a TLS proxy.
_https = os.environ.get("MAINS_HTTPS") == "1"
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"lost database": {"()": "mains.base.logs.WithoutTracesOfALostDatabase"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["lost database"]},
        "nowhere": {"class": "logging.NullHandler"},
    },
    # Scanners send made-up host names all day; they get 400 and no traceback in the log.
    "loggers": {"django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False}},
    "root": {"handlers": ["console"], "level": os.environ.get("MAINS_LOG_LEVEL", "WARNING")},
}
