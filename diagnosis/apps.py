from django.apps import AppConfig


class DiagnosisConfig(AppConfig):
    name = "diagnosis"
    verbose_name = "Diagnostic du territoire"

    def ready(self) -> None:
        # It says what another year of communes means for the figures.
        from diagnosis import loading
