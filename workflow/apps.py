from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    name = "workflow"
    verbose_name = "Dossiers"

    def ready(self) -> None:
        from workflow import (  # noqa: F401, PLC0415 - they register handlers
            clock_alerts,
            decision_documents,
            followup_timeline,
            grants,
            meetings,
            message_mails,
            opinion_documents,
            overlaps,
            reserves,
            years,
        )
        from workflow.complements import blocking_requests  # noqa: PLC0415
        from workflow.decision_missing import declare_obstacle  # noqa: PLC0415
        from workflow.tacit import silence_has_answered  # noqa: PLC0415

        declare_obstacle(blocking_requests)
        declare_obstacle(silence_has_answered)
