from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Comptes"

    def ready(self) -> None:
        from accounts import (  # noqa: PLC0415 - their signal receivers need the models
            passwords,  # noqa: F401
            roles,  # noqa: F401
        )
