"""Tests: real PostgreSQL, mail in memory unless a test starts a catcher, fast password hashing."""

from cpts_portal.settings.base import *
from cpts_portal.settings.base import BASE_DIR, DATABASES, database, env
from devstack import paths

SECRET_KEY = "insecure-key-for-tests"  # noqa: S105 - it protects nothing
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = "Portail CPTS <portail@example.test>"
PORTAL_URL = "http://testserver"
MEDIA_ROOT = BASE_DIR / "var" / "test-media"
STORAGES = {
    # Follows MEDIA_ROOT, which each test sets to a folder of its own.
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A server of their own: a portal that runs from the same folder is not disturbed.
DATABASES["default"] |= database(paths.database_url(paths.TEST_POSTGRES)) | {"CONN_MAX_AGE": 0}
DATABASES["default"]["TEST"] = {"NAME": env("TEST_DATABASE_NAME", default="test_cpts")}
# Nothing listens: what is published waits in the outbox for the test to deliver it.
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="memory://")
# No rate limit between tests; the tests of the limits set their own.
ACCOUNT_RATE_LIMITS = False  # type: ignore[assignment]

# Static files straight from the sources: a test needs no collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
