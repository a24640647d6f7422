from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The shell around the rooms: shared template tags, no model."""

    name = "cpts_portal"
    verbose_name = "Portail CPTS"
