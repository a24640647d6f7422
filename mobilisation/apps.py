from django.apps import AppConfig


class MobilisationConfig(AppConfig):
    name = "mobilisation"
    verbose_name = "Mobilisation des professionnels"

    def ready(self) -> None:
        # It registers the handlers of the outbox.
        from mobilisation import carrying, telling
