"""Settings of the Django project.

Everything that differs between installations comes from the environment.
"""

import os

from csp.constants import NONCE, NONE, SELF

from mains.base.address import database_address
from mains.base.places import PACKAGE
from mains.config.oidc import oidc_providers
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
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
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
    "mains.staff.jobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "mains.web.office.uploads.refuse_huge_requests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mains.web.office.sign_in.limits.SessionLimits",
    "allauth.account.middleware.AccountMiddleware",
    "mains.web.office.recording.AuditLog",
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
# NIST SP 800-63B: length and a list of known passwords; no rules of composition, no forced change.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "mains.web.office.sign_in.passwords.LongEnough"},
    {"NAME": "mains.web.office.sign_in.passwords.NotOfThisPlace"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "office:dashboard"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
# A session ends when nobody uses it, and at the latest after a working day.
SESSION_IDLE_MINUTES = int(os.environ.get("MAINS_SESSION_IDLE_MINUTES", "60"))
SESSION_HOURS = int(os.environ.get("MAINS_SESSION_HOURS", "12"))
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
# For how many months is kept who looked at whom; for how many years the law keeps books and whom they name; whether
# people say why before they see an account.
LOOKS_MONTHS = int(os.environ.get("MAINS_LOOKS_MONTHS", "24"))
KEEP_YEARS = int(os.environ.get("MAINS_KEEP_YEARS", "5"))
ASK_WHY = os.environ.get("MAINS_ASK_WHY") == "1"
# How many proxies of ours stand before the server: the address of a person is the one that the first of them saw.
PROXIES = int(os.environ.get("MAINS_PROXIES", "1" if os.environ.get("MAINS_HTTPS") == "1" else "0"))

# Second factors, passkeys and single sign-on by django-allauth; its sign-up and e-mail pages are not served.
ACCOUNT_ADAPTER = "mains.web.office.sign_in.adapters.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_FORMS = {"reauthenticate": "mains.web.office.sign_in.forms.ConfirmPasswordForm"}
MFA_ADAPTER = "mains.web.office.sign_in.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODE_COUNT = 10
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "mains.web.office.sign_in.forms.CodeForm",
    "reauthenticate": "mains.web.office.sign_in.forms.ConfirmCodeForm",
}
# Browsers offer passkeys on https and on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = os.environ.get("MAINS_HTTPS") != "1"
SOCIALACCOUNT_ADAPTER = "mains.web.office.sign_in.adapters.SingleSignOn"
SOCIALACCOUNT_ONLY = False
# A link and no form: the policy of contents lets forms go nowhere else, and the state ties the answer to this browser.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": oidc_providers(os.environ)}}

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
