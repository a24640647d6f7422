from django.apps import AppConfig


class HealthProjectsConfig(AppConfig):
    name = "health_projects"
    verbose_name = "Projets de santé"

    def ready(self) -> None:
        from health_projects import services  # noqa: PLC0415
        from workflow.clock_rules import declare_clock  # noqa: PLC0415

        declare_clock(services.KIND, services.legal_period, page="cases:clock")
