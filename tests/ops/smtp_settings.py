"""The portal on one's own machine, whose mails leave for the server that EMAIL_URL names."""

from cpts_portal.settings.dev import *  # noqa: F403 - settings build on settings
from cpts_portal.settings.dev import EMAIL_CONFIG

EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_TIMEOUT = 20
