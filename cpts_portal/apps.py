from django.apps import AppConfig, apps


class PortalConfig(AppConfig):
    """The shell around the rooms: shared template tags, no model."""

    name = "cpts_portal"
    verbose_name = "Portail CPTS"

    def ready(self) -> None:
        # Its own name, « Comptes », is that of ours: the administration would show it twice.
        apps.get_app_config("account").verbose_name = "Adresses électroniques"
