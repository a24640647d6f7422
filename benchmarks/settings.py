"""The portal as it is measured: production's code paths, on the tests' own server."""

from cpts_portal.settings.test import *
from cpts_portal.settings.test import BASE_DIR, DATABASES, TEMPLATES, env

ROOT_URLCONF = "benchmarks.urls"
DATABASES["default"]["NAME"] = env("BENCH_DATABASE", default="bench_cpts")
DATABASES["default"]["CONN_MAX_AGE"] = 60
TEMPLATES[0]["DIRS"] = [*TEMPLATES[0]["DIRS"], BASE_DIR / "benchmarks" / "templates"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MEDIA_ROOT = BASE_DIR / "var" / "bench-media"
WHITENOISE_AUTOREFRESH = False
WHITENOISE_USE_FINDERS = False
