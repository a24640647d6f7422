from django.apps import AppConfig


class SignaturesConfig(AppConfig):
    name = "signatures"
    verbose_name = "Signatures"

    def ready(self) -> None:
        # They register handlers, readers of documents and what follows a departure.
        from signatures import campaigns, paper, register, telling
