from django.apps import AppConfig


class CommitteesConfig(AppConfig):
    name = "committees"
    verbose_name = "Séances des comités"

    def ready(self) -> None:
        # It registers the handlers of the outbox.
        from committees import papers
