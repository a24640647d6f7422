from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from procedures.decisions import decision_parameters
from procedures.loader import ProcedureFilesError
from procedures.registry import registry


class ProceduresConfig(AppConfig):
    name = "procedures"
    verbose_name = "Procédures régionales"

    def ready(self) -> None:
        """Load the procedures; a wrong file stops the server, the worker and every command."""
        try:
            registry()
            decision_parameters()
        except ProcedureFilesError as error:
            faults = "\n".join(f"- {fault}" for fault in error.faults)
            raise ImproperlyConfigured(
                f"Le portail ne démarre pas : une procédure régionale est à corriger.\n{faults}"
            ) from error
