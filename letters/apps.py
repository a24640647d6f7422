from django.apps import AppConfig


class LettersConfig(AppConfig):
    name = "letters"
    verbose_name = "Lettres d’intention"

    def ready(self) -> None:
        # They register effects and handlers.
        from letters import consulting, services, tasks  # noqa: F401, PLC0415
