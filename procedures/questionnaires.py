"""The questionnaire to the professionals of a territory: a region's own questions, as data.

A file that `extends` another has all that the other says, but for what it says itself.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

FOLDER: Final = Path(__file__).with_name("questionnaires")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PROCEDURE: Final = re.compile(r"[a-z][a-z-]*")


class QuestionnaireFileError(ValueError):
    """A file of questions that cannot be used; the message says where and why."""


class QuestionKind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    SEVERAL = "several"


@dataclass(frozen=True)
class Option:
    """Something that may be chosen, by its key."""

    key: str
    label: str


@dataclass(frozen=True)
class Question:
    """A question of a model, or one the lead adds; only a text has no options."""

    key: str
    kind: QuestionKind
    label: str
    help: str = ""
    choices: tuple[Option, ...] = ()

    def label_of(self, key: str) -> str:
        """The words of an option, or the key itself when the question has no such option."""
        return next((one.label for one in self.choices if one.key == key), key)


@dataclass(frozen=True)
class LetterPlaces:
    """Where the answers go in the letters of one procedure: keys of fields; empty: nowhere.

    `counts` is a table whose rows bear the keys of professions; `identified`, `solicited` and
    `willing` are its columns. `annex` is a slot of attachments.
    """

    procedure: str
    counts: str = ""
    identified: str = ""
    solicited: str = ""
    willing: str = ""
    team: str = ""
    methodology: str = ""
    meetings: str = ""
    annex: str = ""


@dataclass(frozen=True)
class QuestionModel:
    """The questions a region asks every professional, in one version."""

    key: str
    version: int
    region: str
    valid_from: date
    introduction: str
    professions: tuple[Option, ...]
    missions: tuple[Option, ...]
    questions: tuple[Question, ...]
    letters: tuple[LetterPlaces, ...]

    def profession(self, key: str) -> str:
        """What a profession is called; the key itself when the model has no such one."""
        return next((one.label for one in self.professions if one.key == key), key)

    def places_in(self, procedure: str) -> LetterPlaces:
        """Where the answers go in a letter; nowhere in a procedure the model does not know."""
        known = (one for one in self.letters if one.procedure == procedure)
        return next(known, LetterPlaces(procedure))


@cache
def models() -> tuple[QuestionModel, ...]:
    """Every version of every model. Raises QuestionnaireFileError when a file is wrong."""
    paths = sorted(FOLDER.glob("*.toml"))
    return parse_models({path.name: tomllib.loads(path.read_text("utf-8")) for path in paths})


def model_of(key: str, version: int) -> QuestionModel:
    """One version of a model: what a questionnaire keeps. Raises LookupError."""
    for one in models():
        if (one.key, one.version) == (key, version):
            return one
    raise LookupError(f"Le modèle de questionnaire « {key} », version {version}, n’existe pas.")


def model_for_region(region_code: str, on: date | None = None) -> QuestionModel:
    """The region's own questions once they have begun, the national ones until then."""
    return choose_model(models(), region_code, on or timezone.localdate())


def choose_model(known: Sequence[QuestionModel], region_code: str, on: date) -> QuestionModel:
    """As `model_for_region`, among these. Raises LookupError when none has begun."""
    begun = [one for one in known if one.valid_from <= on and one.region in {"", region_code}]
    if not begun:
        raise LookupError(f"Aucun modèle de questionnaire n’existe au {on:%d/%m/%Y}.")
    return max(begun, key=lambda one: (bool(one.region), one.version))


# --- Reading ------------------------------------------------------------------------------------


def parse_models(files: Mapping[str, Mapping[str, Any]]) -> tuple[QuestionModel, ...]:
    """Models from the data of their files, by name. Raises QuestionnaireFileError."""
    by_key = {data.get("key", ""): data for data in files.values()}
    found = tuple(_parse(name, data, by_key) for name, data in files.items())
    marks = [(one.key, one.version) for one in found]
    if len(set(marks)) != len(marks):
        raise QuestionnaireFileError("Deux fichiers ont la même clé et la même version.")
    return found


def _parse(
    name: str, data: Mapping[str, Any], by_key: Mapping[str, Mapping[str, Any]]
) -> QuestionModel:
    if (base := data.get("extends")) is not None:
        if base not in by_key or "extends" in by_key[base]:
            raise QuestionnaireFileError(f"{name} : il n’y a pas de modèle « {base} » à compléter.")
        letters = [*by_key[base].get("letters", ()), *data.get("letters", ())]
        data = {**by_key[base], "region": "", **data, "letters": letters}
    try:
        model = QuestionModel(
            key=data["key"],
            version=int(data["version"]),
            region=data.get("region", ""),
            valid_from=data["valid_from"],
            introduction=data["introduction"].strip(),
            professions=_options(name, data["professions"]),
            missions=_options(name, data["missions"]),
            questions=tuple(_question(name, one) for one in data["questions"]),
            letters=tuple(LetterPlaces(**one) for one in data.get("letters", ())),
        )
    except KeyError as missing:
        raise QuestionnaireFileError(f"{name} : il manque {missing}.") from missing
    except TypeError as unknown:
        raise QuestionnaireFileError(f"{name} : une clé n’est pas attendue ({unknown}).") from None
    _unique(name, [one.key for one in model.questions])
    _unique(name, [one.procedure for one in model.letters], _PROCEDURE)
    return model


def _question(name: str, data: Mapping[str, Any]) -> Question:
    try:
        kind = QuestionKind(data["kind"])
    except ValueError:
        raise QuestionnaireFileError(
            f"{name} : « {data['kind']} » n’est pas une sorte de question."
        ) from None
    choices = _options(name, data.get("choices", ()))
    if (kind == QuestionKind.TEXT) == bool(choices):
        raise QuestionnaireFileError(
            f"{name} : la question « {data['key']} » a des choix de trop, ou n’en a aucun."
        )
    return Question(data["key"], kind, data["label"], data.get("help", ""), choices)


def _options(name: str, data: Sequence[Mapping[str, str]]) -> tuple[Option, ...]:
    options = tuple(Option(one["key"], one["label"]) for one in data)
    _unique(name, [one.key for one in options])
    return options


def _unique(name: str, keys: Sequence[str], pattern: re.Pattern[str] = _KEY) -> None:
    for rank, key in enumerate(keys):
        if not pattern.fullmatch(key):
            raise QuestionnaireFileError(f"{name} : « {key} » n’est pas une clé.")
        if key in keys[:rank]:
            raise QuestionnaireFileError(f"{name} : « {key} » y est deux fois.")
