from django.apps import AppConfig


class WritingConfig(AppConfig):
    name = "writing"
    verbose_name = "Dossiers à remplir"

    def ready(self) -> None:
        # They register handlers.
        from writing import consulting, tasks
