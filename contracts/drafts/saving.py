"""What a page of a draft does with the form of a section: saved for all, or proposed to them."""

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from contracts.drafts import drafting, negotiation
from contracts.drafts.drafting import StaleDraftError
from contracts.drafts.forms.base import SectionForm
from contracts.funding.ratebook import mission_labels
from contracts.models import Draft
from contracts.terms import Row, difference, with_section


def save_or_propose(draft: Draft, form: SectionForm, data: Mapping[str, Any], *, by: User) -> str:
    """Do what the button pressed says, and what happened in a sentence. Raises as they do."""
    base = form.cleaned_data["base_revision"]
    asked = form.asked()
    if data.get("action") == "propose":
        negotiation.propose_section(
            draft,
            form.section,
            asked,
            by=by,
            base_revision=base,
            reason=data.get("reason", ""),
        )
        return "La proposition est envoyée aux autres parties : le projet n’a pas changé."
    saved = drafting.save_section(draft, form.section, asked, by=by, base_revision=base)
    if saved.revision == draft.revision:
        return "Rien n’a changé : le projet disait déjà cela."
    return (
        f"C’est enregistré : le projet en est à la version {saved.revision}. Les accords marqués "
        "avant sont levés, et les parties prévenues."
    )


def theirs_of(stale: StaleDraftError, form: SectionForm) -> tuple[Row, ...]:
    """What the other person wrote, against what this one typed; the next save starts from there."""
    typed: Any = form.data
    form.data = typed.copy()
    vars(form)["data"]["base_revision"] = str(stale.version.draft.revision)
    found = difference(
        with_section(stale.theirs, form.section, form.asked()), stale.theirs, mission_labels()
    )
    return tuple(row for one in found if one.section == form.section for row in one.rows)
