"""A letter read from a JSON file: its CPTS, team, territory, answers and pieces, all or nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User
from communities.models import Community, TeamMember
from documents.services import MAX_SIZE, FileRefusedError
from letters import services
from letters.json_schema import NBSP, faults
from letters.models import LetterOfIntent
from territories import services as territories
from territories.models import Region
from territories.services import TerritoryError
from workflow.models import TransitionLog
from workflow.services import ActionRefusedError, IncompleteError
from writing import depositing
from writing import services as writing_services
from writing.content import procedure_of

MAX_JSON_SIZE: Final = 20 * 1024 * 1024


class ImportRefusedError(ValueError):
    """Nothing was imported; `problems` holds one French line per reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Imported:
    """What an import made. `log` is the deposit's line, when it deposited."""

    letter: LetterOfIntent
    log: TransitionLog | None = None
    new_people: list[User] = field(default_factory=list)


def import_file(
    path: Path, *, deposit: bool = False, owner_email: str = "", force: bool = False
) -> Imported:
    """Import one JSON file; its attachments are looked for beside it.

    `owner_email` takes the place of the file's owner. `force` imports again a CPTS that its
    owner already has under that name in that region.

    Raises ImportRefusedError, and changes nothing, for whatever is wrong.
    """
    return import_letter(
        read_json(path),
        folder=path.resolve().parent,
        deposit=deposit,
        owner_email=owner_email,
        force=force,
    )


def read_json(path: Path) -> Any:
    """The JSON value of a file. Raises ImportRefusedError when it cannot be read."""
    try:
        if path.stat().st_size > MAX_JSON_SIZE:
            raise ImportRefusedError([f"{path.name} dépasse 20 Mo : ce n’est pas une lettre."])
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ImportRefusedError([f"Il n’y a pas de fichier {path}."]) from error
    except OSError as error:
        raise ImportRefusedError([f"{path} ne peut pas être lu : {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise ImportRefusedError(
            [f"{path.name} n’est pas un texte UTF-8 (octet {error.start})."]
        ) from error
    except (json.JSONDecodeError, RecursionError) as error:
        where = (
            f" ligne {error.lineno}, colonne {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise ImportRefusedError([f"{path.name} n’est pas du JSON lisible{where}."]) from error


def import_letter(
    data: Any,
    *,
    folder: Path,
    deposit: bool = False,
    owner_email: str = "",
    force: bool = False,
) -> Imported:
    """Import one letter given as a JSON value: see `import_file`."""
    if problems := faults(data):
        raise ImportRefusedError(problems)
    run = _Import(data, folder)
    try:
        with transaction.atomic():
            return run.everything(deposit=deposit, owner_email=owner_email, force=force)
    except ImportRefusedError:
        run.forget_files()
        raise


class _Import:
    """One import under way. It goes on after a refusal, so that all are told at once."""

    def __init__(self, data: Mapping[str, Any], folder: Path) -> None:
        self.data = data
        self.folder = folder
        self.problems: list[str] = []
        self.new_people: list[User] = []
        self.stored: list[Any] = []

    def everything(self, *, deposit: bool, owner_email: str, force: bool) -> Imported:
        region = self._region()
        owner = self._owner(owner_email)
        if region is None or owner is None:
            raise ImportRefusedError(self.problems)
        self._refuse_a_second_time(region, owner, force=force)
        title = str(self.data["answers"]["title"])
        letter = services.create_letter(name=title, region=region, user=owner)
        self._team(letter)
        self._territory(letter)
        self._answers(letter, owner)
        self._attachments(letter, owner)
        if self.problems:
            raise ImportRefusedError(self.problems)
        log = self._deposit(letter, owner) if deposit else None
        return Imported(letter, log, self.new_people)

    def _region(self) -> Region | None:
        code = self.data["region"]
        region = Region.objects.filter(code=code, has_ars=True).first()
        if region is None:
            self.problems.append(
                f"region{NBSP}: aucune région dotée d’une ARS n’a le code «{NBSP}{code}{NBSP}»."
            )
        return region

    def _owner(self, email: str) -> User | None:
        given = self.data.get("owner", {})
        if email and email.strip().lower() != str(given.get("email", "")).lower():
            given = {"email": email}
        if not given:
            self.problems.append(
                f"owner{NBSP}: il manque le responsable de la CPTS. Ajoutez-le au fichier ou "
                "donnez son adresse avec --owner."
            )
            return None
        return self._person(given, "owner.email")

    def _person(self, given: Mapping[str, Any], where: str) -> User | None:
        """The account of this address; a new one, without password, when there is none."""
        email = str(given["email"]).strip().lower()
        try:
            validate_email(email)
        except ValidationError:
            self.problems.append(
                f"{where}{NBSP}: «{NBSP}{email}{NBSP}» n’est pas une adresse électronique."
            )
            return None
        known = User.objects.filter(email__iexact=email).first()
        if known is not None:
            return known
        names = {key: given.get(key, "") for key in ("first_name", "last_name", "profession")}
        person = User.objects.create_user(email, None, **names)
        self.new_people.append(person)
        return person

    def _refuse_a_second_time(self, region: Region, owner: User, *, force: bool) -> None:
        title = " ".join(str(self.data["answers"]["title"]).split())
        already = Community.objects.filter(
            name__iexact=title,
            region=region,
            team_members__user=owner,
            team_members__role=TeamMember.Role.OWNER,
        )
        if not force and already.exists():
            sentence = (
                f"«{NBSP}{title}{NBSP}» existe déjà en {region} pour {owner.email}. Rien n’a été "
                "importé. Pour en créer une seconde du même nom, ajoutez --force."
            )
            raise ImportRefusedError([sentence])

    def _team(self, letter: LetterOfIntent) -> None:
        members = {letter.created_by.pk}
        for rank, given in enumerate(self.data.get("team", [])):
            person = self._person(given, f"team[{rank}].email")
            if person is None:
                continue
            if person.pk in members:
                self.problems.append(f"team[{rank}]{NBSP}: {person.email} y est déjà.")
                continue
            members.add(person.pk)
            TeamMember.objects.create(community=letter.community, user=person, role=given["role"])

    def _territory(self, letter: LetterOfIntent) -> None:
        given = self.data.get("territory", {})
        here = letter.community.territory
        if codes := given.get("communes"):
            self._try("territory.communes", territories.add_communes, here, codes)
        for rank, siren in enumerate(given.get("intercommunalities", [])):
            where = f"territory.intercommunalities[{rank}]"
            self._try(where, territories.add_intercommunality, here, siren)
        for rank, code in enumerate(given.get("departments", [])):
            where = f"territory.departments[{rank}]"
            self._try(where, territories.add_department, here, code)
        for rank, part in enumerate(given.get("parts", [])):
            asked = (part["commune"], part["name"], part.get("population"))
            self._try(f"territory.parts[{rank}]", territories.add_part, here, *asked)
        if declared := given.get("declared_population"):
            reason = given.get("declared_population_reason", "")
            where = "territory.declared_population"
            self._try(where, territories.declare_population, here, declared, reason)

    def _answers(self, letter: LetterOfIntent, owner: User) -> None:
        procedure = procedure_of(letter)
        save = partial(writing_services.save_answer, letter, user=owner, base_revision=None)
        for key, raw in self.data["answers"].items():
            self._try(f"answers.{key}", save, procedure.field(key), raw)

    def _attachments(self, letter: LetterOfIntent, owner: User) -> None:
        for rank, given in enumerate(self.data.get("attachments", [])):
            where = f"attachments[{rank}]"
            file = self._file(given, where)
            slot = writing_services.slot_of(letter, given["slot"])
            if file is not None and slot is not None:
                attach = partial(writing_services.attach, letter, slot, file, user=owner)
                link = self._try(where, attach)
                self.stored += [link.attachment.file] if link else []

    def _file(self, given: Mapping[str, Any], where: str) -> SimpleUploadedFile | None:
        path = (self.folder / given["file"]).resolve()
        if not path.is_relative_to(self.folder):
            self.problems.append(
                f"{where}.file{NBSP}: le fichier doit être dans le dossier du JSON ou au-dessous."
            )
            return None
        if not path.is_file():
            self.problems.append(
                f"{where}.file{NBSP}: il n’y a pas de fichier «{NBSP}{given['file']}{NBSP}»."
            )
            return None
        # One byte over the limit is enough to be refused in words.
        with path.open("rb") as stream:
            content = stream.read(MAX_SIZE + 1)
        return SimpleUploadedFile(given.get("name") or path.name, content)

    def _try(self, where: str, action: Callable[..., Any], *args: Any) -> Any:
        try:
            return action(*args)
        except (TerritoryError, ActionRefusedError, FileRefusedError) as error:
            self.problems.append(f"{where}{NBSP}: {error.message}")
            return None

    def _deposit(self, letter: LetterOfIntent, owner: User) -> TransitionLog:
        signature = self.data.get("signature")
        if signature is None:
            sentence = "pour déposer, il faut l’engagement, le nom du signataire et le lieu."
            raise ImportRefusedError([f"signature{NBSP}: {sentence}"])
        try:
            return depositing.deposit(
                letter,
                actor=owner,
                commits=signature["commits_to_missions"],
                signatory_name=signature["name"],
                place=signature["place"],
            )
        except IncompleteError as error:
            raise ImportRefusedError(
                [f"answers.{item.field}{NBSP}: {item.sentence}" for item in error.missing]
            ) from error
        except ActionRefusedError as error:
            raise ImportRefusedError([f"signature{NBSP}: {error.message}"]) from error

    def forget_files(self) -> None:
        """Take back the files stored before the refusal: their rows are gone."""
        for file in self.stored:
            file.storage.delete(file.name)
