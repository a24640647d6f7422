from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    name = "workflow"
    verbose_name = "Dossiers"

    def ready(self) -> None:
        from workflow import (
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
        from workflow.complements import blocking_requests
        from workflow.decision_missing import declare_obstacle
        from workflow.tacit import silence_has_answered

        declare_obstacle(blocking_requests)
        declare_obstacle(silence_has_answered)
