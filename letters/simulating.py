"""Territories the team tries beside the one of its letter: kept apart, compared, adopted.

A variant is a territory of its own, drawn by the same services; the letter changes only when one
of them is adopted.
"""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from letters.models import LetterOfIntent, TerritoryVariant
from territories.errors import TerritoryError
from territories.models import Territory
from territories.services import Replaced, replace_lines
from workflow.complement_asking import copy_territory
from workflow.models import Case
from writing import rules

# Beyond these nobody compares them any more.
MAX_VARIANTS: Final = 12
MAX_NAME: Final = 80


def _locked(letter: LetterOfIntent, user: User) -> None:
    """Two people who add a variant at once wait for each other."""
    if not rules.may_simulate(letter, user):
        raise PermissionDenied(
            "Vous pouvez lire les variantes, pas les changer. Demandez à un responsable de la CPTS "
            "de vous donner le rôle de rédacteur."
        )
    Case.objects.select_for_update().get(pk=letter.pk)


def _name(letter: LetterOfIntent, text: str, *, but: int | None = None) -> str:
    name = " ".join(text.replace("\0", "").split())
    if not name:
        raise TerritoryError(
            "Donnez un nom à la variante : « Avec le canton voisin », par exemple."
        )
    if len(name) > MAX_NAME:
        raise TerritoryError(f"Le nom dépasse {MAX_NAME} signes. Abrégez-le.")
    others = letter.variants.filter(name__iexact=name)
    if but is not None:
        others = others.exclude(pk=but)
    if others.exists():
        raise TerritoryError(
            f"Une variante de cette lettre s’appelle déjà « {name} ». Donnez un autre nom."
        )
    return name


@transaction.atomic
def create_variant(
    letter: LetterOfIntent, source: Territory, name: str, *, user: User
) -> TerritoryVariant:
    """Begin a variant as a copy of a territory: the letter's, or another variant's.

    Raises PermissionDenied, or TerritoryError for a name that is missing, long or taken, and
    when there are too many of them.
    """
    _locked(letter, user)
    name = _name(letter, name)
    if letter.variants.count() >= MAX_VARIANTS:
        raise TerritoryError(
            f"Une lettre garde {MAX_VARIANTS} variantes au plus. Supprimez-en une, puis "
            "recommencez."
        )
    return TerritoryVariant.objects.create(
        letter=letter, name=name, territory=copy_territory(source), created_by=user
    )


@transaction.atomic
def rename_variant(variant: TerritoryVariant, name: str, *, user: User) -> None:
    """Raises PermissionDenied, or TerritoryError as for a new one."""
    _locked(variant.letter, user)
    variant.name = _name(variant.letter, name, but=variant.pk)
    variant.save(update_fields=["name"])


@transaction.atomic
def delete_variant(variant: TerritoryVariant, *, user: User) -> None:
    """Raises PermissionDenied. The letter does not change."""
    _locked(variant.letter, user)
    variant.territory.delete()


@transaction.atomic
def adopt_variant(
    variant: TerritoryVariant,
    territory: Territory,
    *,
    revisions: Sequence[int],
    user: User,
    key: str,
) -> Replaced:
    """Give the letter's territory the lines of a variant, which stays as it is.

    `revisions` are those of the letter's territory and of the variant that the person saw; `key`
    the field of the letter that holds the territory. The caller holds the case. Raises
    PermissionDenied, or TerritoryError when somebody has changed either since.
    """
    if not rules.may_write(variant.letter, user, key):
        raise PermissionDenied(
            "Le territoire de cette lettre ne peut plus être changé : elle est déposée. La "
            "variante reste dans le simulateur."
        )
    return replace_lines(
        territory, variant.territory, revision=revisions[0], source_revision=revisions[1]
    )
