"""Tests: real PostgreSQL, mail in memory unless a test starts a catcher, fast password hashing."""

from cpts_portal.settings.base import *
from cpts_portal.settings.base import BASE_DIR, DATABASES, env

SECRET_KEY = "insecure-key-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = "Portail CPTS <portail@example.test>"
PORTAL_URL = "http://testserver"
MEDIA_ROOT = BASE_DIR / "var" / "test-media"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "base_url": None},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["TEST"] = {"NAME": env("TEST_DATABASE_NAME", default="test_cpts")}
# No rate limit between tests; the tests of the limits set their own.
ACCOUNT_RATE_LIMITS = False
