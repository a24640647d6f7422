"""The articles of contracts, as versioned files: what is signed names the version it comes from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent / "models_of_text"


@dataclass(frozen=True)
class Article:
    """An article of a model. `items` names a list made from the contract; `listed` is its own."""

    title: str
    text: tuple[str, ...]
    listed: tuple[str, ...] = ()
    items: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextModel:
    key: str
    version: int
    title: str
    notice: str
    visas: tuple[str, ...]
    articles: tuple[Article, ...]


@lru_cache
def text_model(key: str, version: int | None = None) -> TextModel:
    """The model of a nature of contract: a version of it, the latest by default.

    Raises LookupError when there is none.
    """
    found = [one for one in all_models() if one.key == key and version in (None, one.version)]
    if not found:
        raise LookupError(f"no model of text {key} {version}")
    return max(found, key=lambda one: one.version)


@lru_cache
def all_models() -> tuple[TextModel, ...]:
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> TextModel:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return TextModel(
        data["key"],
        data["version"],
        data["title"],
        data["notice"],
        tuple(data["visas"]),
        tuple(
            Article(
                one["title"],
                tuple(one["text"]),
                tuple(one.get("list", ())),
                one.get("items", ""),
                tuple(one.get("after", ())),
            )
            for one in data["article"]
        ),
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """A sentence of a model with what the contract says. Raises KeyError for an unknown name."""
    return text.format_map(values)
