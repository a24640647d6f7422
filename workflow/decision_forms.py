"""What is typed about a decision."""

from typing import Any

from django import forms

from accounts.models import Membership, Organisation
from cpts_portal.forms import DayField, PortalForm
from procedures.decisions import Nature, Outcome, decision_parameters
from territories.models import Department
from workflow.approving import LONGEST_CAPACITY
from workflow.decision_text import words_of
from workflow.models import Case, Decision


class ProposalForm(PortalForm):
    """The outcome, its reasons in law and in fact, and the reserves to follow."""

    base_revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    outcome = forms.ChoiceField(
        label="Sens de la décision",
        choices=[(Outcome.ACCEPT.value, "Accepter"), (Outcome.REFUSE.value, "Refuser")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez le sens de la décision : accepter ou refuser."},
    )
    ground = forms.ChoiceField(
        label="Le motif de l’opposition",
        help_text="Pour une opposition seulement. La loi ne donne que ces deux motifs ; les faits "
        "qui le fondent s’écrivent plus bas.",
        widget=forms.RadioSelect,
        required=False,
    )
    law_keys = forms.MultipleChoiceField(
        label="En droit : les textes cités",
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    law_text = forms.CharField(
        label="Autres considérations de droit",
        help_text="Une par ligne, par exemple « Vu la convention du… ».",
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )
    fact_accept = forms.MultipleChoiceField(
        label="En fait, pour une acceptation",
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    fact_refuse = forms.MultipleChoiceField(
        label="En fait, pour un refus",
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    fact_text = forms.CharField(
        label="Les faits propres à ce dossier",
        help_text="Un paragraphe par ligne, dans vos mots. Nécessaire pour un refus : des phrases "
        "types ne suffisent pas à le motiver.",
        widget=forms.Textarea(attrs={"rows": 6}),
        required=False,
    )
    reserves = forms.CharField(
        label="Réserves à suivre",
        help_text="Une par ligne. Elles restent ouvertes jusqu’à ce qu’un agent constate que "
        "chacune est levée. Un refus n’en comporte pas.",
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )

    def __init__(self, *args: Any, case: Case, proposes: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        region_code = case.region_id
        self._say(case)
        # Asked of one outcome only, and then they are no option.
        for name in ("ground", "fact_text"):
            if name in self.fields:
                vars(self.fields[name])["is_wanted"] = True
        # What is only kept or previewed may still lack its outcome.
        self.fields["outcome"].required = proposes
        parameters = decision_parameters()
        law = parameters.reasons_for(region_code, Nature.LAW)
        fact = parameters.reasons_for(region_code, Nature.FACT)
        listed = {
            "law_keys": law,
            "fact_accept": [one for one in fact if Outcome.ACCEPT in one.outcomes],
            "fact_refuse": [one for one in fact if Outcome.REFUSE in one.outcomes],
        }
        for name, reasons in listed.items():
            field: Any = self.fields[name]
            field.choices = [(one.key, one.label) for one in reasons]

    def _say(self, case: Case) -> None:
        """Each kind of case has its own words, and its own grounds if the law counts them."""
        words = words_of(case.kind)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [
            (Outcome.ACCEPT.value, words.accept_label),
            (Outcome.REFUSE.value, words.refuse_label),
        ]
        outcome.error_messages["required"] = (
            f"Choisissez le sens de la décision : {words.accept_noun} ou {words.refuse_noun}."
        )
        grounds = words.grounds(case)
        if not grounds:
            del self.fields["ground"]
            return
        ground: Any = self.fields["ground"]
        ground.choices = list(grounds)
        self.fields["fact_accept"].label = f"En fait, pour une {words.accept_noun}"
        self.fields["fact_refuse"].label = f"En fait, pour une {words.refuse_noun}"
        self.fields["fact_text"].help_text = (
            f"Un paragraphe par ligne, dans vos mots. Nécessaire pour une {words.refuse_noun} : "
            "des phrases types ne suffisent pas à la motiver."
        )
        self.fields["reserves"].help_text = (
            "Une par ligne. Elles restent ouvertes jusqu’à ce qu’un agent constate que chacune est "
            f"levée. Une {words.refuse_noun} n’en comporte pas."
        )

    @staticmethod
    def initial_of(decision: Decision | None) -> dict[str, Any]:
        """What the form shows of a decision being written; of none, an empty form."""
        if decision is None:
            return {"base_revision": 0}
        return {
            "base_revision": decision.revision,
            "outcome": decision.outcome,
            "ground": decision.ground,
            "law_keys": decision.law_keys,
            "law_text": decision.law_text,
            "fact_accept": decision.fact_keys,
            "fact_refuse": decision.fact_keys,
            "fact_text": decision.fact_text,
            "reserves": "\n".join(decision.reserves),
        }

    def typed(self) -> dict[str, Any]:
        """What was typed, as `workflow.decisions.save_proposal` takes it."""
        data = self.cleaned_data
        return {
            "outcome": data.get("outcome", ""),
            "ground": data.get("ground", ""),
            "law_keys": data.get("law_keys", []),
            "law_text": data.get("law_text", ""),
            "fact_keys": [*data.get("fact_accept", []), *data.get("fact_refuse", [])],
            "fact_text": data.get("fact_text", ""),
            "reserves": data.get("reserves", "").splitlines(),
        }


class SignForm(PortalForm):
    """The capacity in which one signs; the holder of a delegation signs in that of the act."""

    text_sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)
    capacity = forms.CharField(
        label="Votre qualité",
        help_text="Telle que la décision la portera, par exemple « Directrice générale ».",
        max_length=LONGEST_CAPACITY,
        required=False,
    )

    def __init__(self, *args: Any, asks_capacity: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks_capacity:
            self.fields["capacity"].required = True
            self.fields["capacity"].error_messages["required"] = (
                "Écrivez votre qualité : une décision la porte (CRPA, article L. 212-1)."
            )
        else:
            del self.fields["capacity"]


class CommentForm(PortalForm):
    """Why a proposal goes back, or why a decision is withdrawn."""

    comment = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, label: str, help_text: str, missing: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["comment"]
        field.label, field.help_text = label, help_text
        field.error_messages["required"] = missing


class DelegationForm(PortalForm):
    """A delegation of signature as the organisation's act gives it."""

    holder = forms.ModelChoiceField(
        label="Délégataire",
        help_text="Une personne qui a un rôle dans l’organisme, ou dans l’un de ses bureaux.",
        queryset=Membership.objects.none(),
        empty_label="Choisissez une personne",
        error_messages={
            "required": "Choisissez la personne qui pourra signer.",
            "invalid_choice": "Cette personne n’a pas de rôle dans l’organisme : "
            "invitez-la d’abord.",
        },
    )
    capacity = forms.CharField(
        label="Sa qualité",
        help_text="Telle que les décisions la porteront, par exemple « Directrice adjointe ».",
        max_length=LONGEST_CAPACITY,
    )
    act = forms.CharField(
        label="Acte de délégation",
        help_text="Par exemple « Décision du 3 mars 2026 portant délégation de signature ».",
        max_length=300,
    )
    department = forms.ModelChoiceField(
        label="Limitée au département",
        queryset=Department.objects.none(),
        empty_label="Tous les départements",
        required=False,
    )
    valid_from = DayField("À partir du")
    valid_to = DayField(
        "Jusqu’au",
        help_text="Ce jour compris.",
    )

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holder: Any = self.fields["holder"]
        holder.queryset = (
            Membership.objects.filter(
                organisation__in=[organisation, *organisation.branches.all()],
                is_active=True,
                user__is_active=True,
            )
            .select_related("user", "organisation")
            .order_by("user__last_name", "user__first_name", "pk")
        )
        holder.label_from_instance = lambda one: f"{one.user} ({one})"
        department: Any = self.fields["department"]
        department.queryset = Department.objects.filter(region_id=organisation.region_id).order_by(
            "code"
        )
