"""The portal on one's own machine: everything in `var/`, mail caught in files, demo accounts."""

from cpts_portal.settings.base import *
from cpts_portal.settings.base import STORAGES, VAR_DIR, env

SECRET_KEY = env("SECRET_KEY", default="insecure-development-key-never-used-in-production")
DEBUG = env.bool("DEBUG", default=False)
DEMO = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS: list[str] = []
INTERNAL_IPS = ["127.0.0.1"]

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"

# Hashed names as in production, without the compression that takes most of the time.
STORAGES["staticfiles"] = {"BACKEND": "cpts_portal.static_storage.ModulesStorage"}
