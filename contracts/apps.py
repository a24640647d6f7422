from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = "Contrats"

    def ready(self) -> None:
        from contracts import ratebook  # noqa: PLC0415
        from procedures.rates import read_published_with  # noqa: PLC0415

        read_published_with(ratebook.published_rates)
