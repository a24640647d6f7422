from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    name = "workflow"
    verbose_name = "Dossiers"

    def ready(self) -> None:
        from workflow import clock_alerts, message_mails  # noqa: F401, PLC0415 - register handlers
