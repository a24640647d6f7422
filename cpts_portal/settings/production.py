"""The real deployment. Every secret comes from the environment; a missing one stops the start."""

from django.core.exceptions import ImproperlyConfigured

from cpts_portal.settings.base import *
from cpts_portal.settings.base import env

REQUIRED = (
    "SECRET_KEY",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "ALLOWED_HOSTS",
    "EMAIL_URL",
    "PORTAL_URL",
    "DEFAULT_FROM_EMAIL",
)
missing = [name for name in REQUIRED if not env(name, default="")]
if not (env("S3_BUCKET", default="") or env("MEDIA_ROOT", default="")):
    # The default folder lies inside the container, and would disappear with it.
    missing.append("S3_BUCKET (ou MEDIA_ROOT)")
for name, companion in (("S3_ACCESS_KEY", "S3_SECRET_KEY"), ("S3_SECRET_KEY", "S3_ACCESS_KEY")):
    if env(companion, default="") and not env(name, default=""):
        missing.append(name)
if missing:
    raise ImproperlyConfigured(
        "Le portail ne peut pas démarrer : variable(s) d’environnement manquante(s) : "
        + ", ".join(missing)
        + ". Le tableau du README dit ce qu’attend chacune."
    )

SECRET_KEY = env("SECRET_KEY")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY doit compter au moins 50 caractères tirés au hasard.")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [PORTAL_URL] if (PORTAL_URL := env("PORTAL_URL").rstrip("/")) else []

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"secrets": {"()": "cpts_portal.logs.MaskSecrets"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
