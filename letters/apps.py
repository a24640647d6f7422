from django.apps import AppConfig


class LettersConfig(AppConfig):
    name = "letters"
    verbose_name = "Lettres d’intention"

    def ready(self) -> None:
        from letters import services, tasks  # noqa: F401, PLC0415 - register effects and handlers
