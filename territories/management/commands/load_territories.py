import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cpts_portal.words import figure
from territories import loading, reference
from territories.comparison import Comparison, compare
from territories.reference import ReferenceData, ReferenceDataError, Source


class Command(BaseCommand):
    help = (
        "Charge les communes, EPCI, départements et régions. Tout est chargé, ou rien ne change ; "
        "recharger les mêmes fichiers ne change rien. Ce qu’une autre année changerait est dit "
        "d’abord, et n’est appliqué qu’une fois accepté."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            help="dossier ou archive (.zip, .tar.gz) ; par défaut, les fichiers du portail",
        )
        parser.add_argument(
            "--preview", action="store_true", help="dire ce qui changerait, sans rien charger"
        )
        parser.add_argument(
            "--details", action="store_true", help="dire chaque changement, et pas des exemples"
        )
        parser.add_argument(
            "--yes", action="store_true", help="appliquer un changement sans le demander"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._load(options)
        except ReferenceDataError as error:
            raise CommandError(
                "Le chargement est refusé, rien n’a été modifié.\n" + str(error)
            ) from error
        except loading.LoadInProgressError as error:
            raise CommandError(str(error)) from error

    def _load(self, options: dict[str, Any]) -> None:
        source = Source(options["path"]) if options["path"] else loading.default_source()
        current = loading.current_vintage()
        if current is None or current.digest == source.digest():
            loading.load(source, report=self._say)
            return
        self._say("Lecture et vérification des fichiers…")
        data = reference.read(source)
        comparison = compare(data)
        if not options["path"] and comparison.is_older:
            # A portal that starts again with files older than what was loaded since.
            self._say(f"En vigueur : {current}. Les fichiers du portail sont plus anciens.")
            return
        self._describe(comparison, everything=options["details"])
        if options["preview"]:
            self._say("Rien n’a été chargé : c’était un aperçu.")
        elif options["yes"] or self._is_accepted(data):
            loading.load_data(data, report=self._say)
        elif options["path"]:
            raise CommandError("Rien n’a été chargé. Relancez avec --yes pour appliquer.")
        else:
            # A portal that starts with the files of a new year goes on with those in force.
            self._say("Rien n’a été chargé. Relancez la commande avec --yes pour appliquer.")

    def _describe(self, comparison: Comparison, *, everything: bool) -> None:
        self._say(
            f"En vigueur : {comparison.current}. Proposé : COG {comparison.cog_year}, population "
            f"légale {comparison.population_year} ({comparison.source})."
        )
        for warning in comparison.warnings:
            self._say(f"Attention : {warning}")
        for listed in comparison.lists:
            self._say(f"{listed.label} : {figure(listed.count)}")
            changes = comparison.changes.of(listed.kind) if everything else []
            shown = [comparison.sentence(change) for change in changes] or listed.examples
            for example in shown:
                self._say(f"  {example}")
        self._say(
            f"Dossiers dont les communes ou la population changent : "
            f"{figure(len(comparison.consequences))}, dont la taille change : "
            f"{figure(comparison.class_changes)}"
        )
        for one in comparison.consequences:
            if one.changes or one.changes_class:
                self._say(
                    f"  {one.title} ({one.stage_label}) : {figure(one.population_before)} → "
                    f"{figure(one.population_after)} habitants, taille {one.size_before or '—'} → "
                    f"{one.size_after or '—'}"
                )

    def _is_accepted(self, data: ReferenceData) -> bool:
        if not sys.stdin.isatty():
            return False
        answer = input(f"Charger le COG {data.cog_year} ? [oui/non] ")
        return answer.strip().lower() in {"oui", "o"}

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
