"""What the parties type in a draft, section by section; each form gives terms with its section."""

from typing import Any, Final

from contracts import terms as said
from contracts.drafts.forms.base import SectionForm
from contracts.drafts.forms.clauses import ClausesForm
from contracts.drafts.forms.parties import PartiesForm
from contracts.drafts.forms.representatives import RepresentativesForm
from contracts.drafts.forms.scope import DurationForm, MissionsForm, SizeForm, TerritoryForm
from contracts.drafts.forms.sums import BankForm, YearlyForm
from contracts.models import Draft

SECTION_FORMS: Final[dict[str, type[SectionForm]]] = {
    "parties": PartiesForm,
    "representatives": RepresentativesForm,
    "territory": TerritoryForm,
    "size": SizeForm,
    "missions": MissionsForm,
    "duration": DurationForm,
    "bank": BankForm,
    "clauses": ClausesForm,
}


def form_of(section: str, draft: Draft) -> type[SectionForm] | None:
    """The form of a section for this nature of contract; None for one without."""
    if section == "rates" and draft.says.form == said.CPOM:
        return YearlyForm
    return SECTION_FORMS.get(section)


def read_form(form_class: type[SectionForm], data: Any, *, draft: Draft, party: str) -> SectionForm:
    """The form as it was sent, or empty; « add one more » gives back what was typed, unchecked."""
    if data is not None and data.get("action") == "more" and form_class is RepresentativesForm:
        return RepresentativesForm(more=data, draft=draft, party=party)
    return form_class(data, draft=draft, party=party)
