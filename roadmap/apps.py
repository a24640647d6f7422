from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from procedures.toml import ProcedureFilesError


class RoadmapConfig(AppConfig):
    name = "roadmap"
    verbose_name = "Feuille de route"

    def ready(self) -> None:
        """Read the steps; a wrong file stops the server, the worker and every command."""
        from roadmap.reading import roadmaps

        try:
            roadmaps()
        except ProcedureFilesError as error:
            faults = "\n".join(f"- {fault}" for fault in error.faults)
            raise ImproperlyConfigured(
                f"Le portail ne démarre pas : une feuille de route est à corriger.\n{faults}"
            ) from error
