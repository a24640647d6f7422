"""Settings shared by every environment. What varies is read from the environment;
the README's table lists each variable."""

from pathlib import Path
from typing import Any
from warnings import filterwarnings

import environ
from celery.schedules import crontab

from devstack import paths

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = paths.VAR

env = environ.Env()

# --- Applications, from the top layer to the bottom one ---------------------------
PROJECT_APPS = [
    "desks",
    "roadmap",
    "contracts",
    "health_projects",
    "diagnosis",
    "mobilisation",
    "letters",
    "writing",
    "committees",
    "signatures",
    "workflow",
    "documents",
    "members",
    "communities",
    "procedures",
    "notifications",
    "accounts",
    "territories",
    "outbox",
]

INSTALLED_APPS = [
    "cpts_portal",
    *PROJECT_APPS,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.sites",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "dsfr",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.ActingRoleMiddleware",
    "notifications.middleware.ReadWhereItLeadsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cpts_portal.errors.RefusedMethodMiddleware",
]

ROOT_URLCONF = "cpts_portal.urls"
WSGI_APPLICATION = "cpts_portal.wsgi.application"

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
                "accounts.context_processors.acting_role",
                "notifications.context_processors.unread",
                "cpts_portal.context_processors.portal",
            ],
            "builtins": ["cpts_portal.templatetags.french_dates"],
        },
    },
]


# --- Database ---------------------------------------------------------------------
def database(default: str) -> dict[str, Any]:
    """The database `DATABASE_URL` names, else the one at `default`."""
    found = env.db_url("DATABASE_URL", default=default)
    options = found.get("OPTIONS", {})
    if socket_folder := options.pop("host", ""):
        found["HOST"] = socket_folder  # where `dbshell` looks for it
    # Planning the joins of a page takes PostgreSQL longer than running them: what a connection
    # asks often is planned once.
    found["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 3} | options
    return found


DATABASES = {
    "default": database(paths.database_url())
    | {"ATOMIC_REQUESTS": True, "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60)}
}
# In the database, so that limits on attempts hold across every web process and machine.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
SITE_ID = 1
AUTHENTICATION_BACKENDS = [
    # Django's and allauth's, which read the person and their unread notifications in one query.
    "notifications.backends.PasswordBackend",
    "notifications.backends.AddressBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desks:home"
ACCOUNT_LOGOUT_REDIRECT_URL = "desks:welcome"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
# Only in the browser that signed up: whoever merely holds the link still has to sign in.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
# Per address (ip) and per account tried (key): guessing is slow, typing badly is forgiven.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
}
# How many proxies of ours stand before the portal: whose X-Forwarded-For is believed.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}

# --- Language, time, numbers --------------------------------------------------------
LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

# --- Files --------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(VAR_DIR / "media"))
if env("S3_BUCKET", default=""):
    _DEFAULT_STORAGE = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env("S3_BUCKET"),
            "endpoint_url": env("S3_ENDPOINT_URL", default=None),
            "access_key": env("S3_ACCESS_KEY", default=None),
            "secret_key": env("S3_SECRET_KEY", default=None),
            "file_overwrite": False,
            "querystring_auth": True,
        },
    }
else:
    _DEFAULT_STORAGE = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "base_url": None},
    }
STORAGES = {
    "default": _DEFAULT_STORAGE,
    "staticfiles": {"BACKEND": "cpts_portal.static_storage.CompressedModulesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# An attachment is 10 MB at most; the margin is for the form around it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_HANDLERS = [
    "documents.uploads.SizeLimitHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- Mail ---------------------------------------------------------------------------
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # seconds: a silent mail server must not hold a worker
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Portail CPTS <ne-pas-repondre@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# The mailbox that receives what comes back; each mail has its own address in it (box+…@).
BOUNCE_ADDRESS = env("BOUNCE_ADDRESS", default="")
# Absolute links in mails and PDFs start here: a request's Host header is never trusted for it.
PORTAL_URL = env("PORTAL_URL", default="http://localhost:8000").rstrip("/")
PORTAL_NAME = "Portail CPTS"
# Who runs this portal and whom to write to, as every page says it.
PORTAL_OPERATOR = env("PORTAL_OPERATOR", default="Agence régionale de santé (démonstration)")
PORTAL_CONTACT_EMAIL = env("PORTAL_CONTACT_EMAIL", default="")

# --- Signatures of contracts ---------------------------------------------------------
# "portal": its own; "folder": a provider that exchanges files in SIGNATURE_FOLDER.
SIGNATURE_PROVIDER = env.str("SIGNATURE_PROVIDER", default="portal")
SIGNATURE_FOLDER = env.path("SIGNATURE_FOLDER", default=str(VAR_DIR / "signatures"))

# --- Worker -------------------------------------------------------------------------
# The yearly dialogue of a contract: days before the anniversary on which it opens, and days the
# CPTS has to answer what is contested.
DIALOGUE_OPENS_DAYS_BEFORE = env.int("DIALOGUE_OPENS_DAYS_BEFORE", default=60)
DIALOGUE_ANSWER_DAYS = env.int("DIALOGUE_ANSWER_DAYS", default=15)

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default=paths.broker_url())
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 330,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # A stopped broker must not hold a web request: the outbox keeps the work.
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "deliver-what-the-outbox-still-holds": {"task": "outbox.tasks.sweep", "schedule": 30.0},
    # Nobody is told twice: every hour of the day, so that a morning's failure is made good.
    "tell-offices-of-deadlines": {
        "task": "workflow.tasks.clock_alerts",
        "schedule": crontab(minute=10, hour="7-18"),
    },
    # The first hour of the day after a deadline, and again in case a run was missed.
    "record-acceptances-by-silence": {
        "task": "workflow.tasks.accept_by_silence",
        "schedule": crontab(minute=5, hour="0-23/6"),
    },
    "remind-teams-of-complements": {
        "task": "workflow.tasks.follow_complements",
        "schedule": crontab(minute=40, hour="7-18"),
    },
    # Each limit is told once at each threshold: noon makes good a morning's failure.
    "collect-what-signature-providers-give-back": {
        "task": "contracts.tasks.collect_signatures",
        "schedule": crontab(minute="*/10"),
    },
    "follow-the-life-of-contracts": {
        "task": "contracts.tasks.follow_contracts",
        "schedule": crontab(minute=55, hour="7,12"),
    },
    # Told once for each day that has passed: the later hours make good a morning's failure.
    "remind-offices-of-diagnoses": {
        "task": "diagnosis.tasks.remind_late",
        "schedule": crontab(minute=45, hour="7-18"),
    },
    "empty-mails-whose-links-have-ended": {
        "task": "outbox.tasks.forget_old",
        "schedule": crontab(minute=20, hour=3),
    },
    # A reminder leaves once: the later hours make good a morning's failure.
    "follow-campaigns-of-signatures": {
        "task": "signatures.tasks.follow_campaigns",
        "schedule": crontab(minute=50, hour="0,7-18"),
    },
    "close-questionnaires-whose-last-day-has-passed": {
        "task": "mobilisation.tasks.follow_questionnaires",
        "schedule": crontab(minute=15, hour="0-23/6"),
    },
    "forget-answers-that-have-served": {
        "task": "mobilisation.tasks.forget_answers",
        "schedule": crontab(minute=45, hour=3),
    },
    "forget-imports-nobody-confirmed": {
        "task": "members.tasks.forget_imports",
        "schedule": crontab(minute=25, hour=3),
    },
    "forget-imports-of-contracts": {
        "task": "contracts.tasks.forget_imports",
        "schedule": crontab(minute=27, hour=3),
    },
    "forget-notifications-kept-long-enough": {
        "task": "notifications.tasks.forget_old",
        "schedule": crontab(minute=35, hour=3),
    },
    "clear-ended-sessions": {
        "task": "cpts_portal.tasks.clear_sessions",
        "schedule": crontab(minute=30, hour=3),
    },
    # A summary is written once a day or a week: the later hours make good a morning's failure.
    "write-summaries-of-notifications": {
        "task": "notifications.tasks.write_digests",
        "schedule": crontab(minute=0, hour="7-18"),
    },
    # Likewise: each silence is noted once, each reminder sent once.
    "note-silences-and-remind-bodies": {
        "task": "workflow.tasks.follow_consultations",
        "schedule": crontab(minute=20, hour="7-18"),
    },
}

# --- Security -----------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "cpts_portal.errors.csrf_failure"

# --- Skin ---------------------------------------------------------------------------
DSFR_USE_INTEGRITY_CHECKSUMS = False
DSFR_MARK_OPTIONAL_FIELDS = True
filterwarnings("ignore", message=".*DSFR_MARK_OPTIONAL_FIELDS.*")

# --- Demonstration ------------------------------------------------------------------
# Shows the demo accounts and the mails caught on disk. Refused by production settings.
DEMO = False
