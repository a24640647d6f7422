"""The forms of a committee's sessions."""

from typing import Any, Final

from django import forms
from django.utils.html import format_html

from committees.agenda import LONGEST_TITLE, MOST_QUESTIONS, Ready
from committees.models import Attendee, Item
from committees.quorum import TAKING_PART
from committees.sessions import LONGEST_PLACE, LONGEST_REASON, Deliberation
from cpts_portal.forms import DayField, HourField, PortalForm, dress
from workflow.opinion_forms import LongText
from workflow.opinion_states import Position
from workflow.opinions import LONGEST_RESERVE, LONGEST_TEXT, MOST_RESERVES

Presence = Attendee.Presence
# A committee as a whole has no tie with a case: a member who has one does not vote.
_POSITIONS: Final = [
    (one.value, one.label) for one in Position if one != Position.CONFLICT_OF_INTEREST
]


class WhenForm(PortalForm):
    """When and where a session is held."""

    day = DayField("Date")
    starts = HourField("Début", "14:00")
    ends = HourField("Fin", "17:00")
    place = LongText(
        longest=LONGEST_PLACE,
        rows=2,
        label="Lieu",
        help_text="Une adresse et une salle, ou le lien de la visioconférence.",
        error_messages={"required": "Écrivez le lieu."},
    )


class SessionForm(WhenForm):
    """The same, with the agenda."""

    cases = forms.MultipleChoiceField(
        label="Dossiers à l’ordre du jour",
        help_text="Les avis demandés au comité, le plus pressé d’abord.",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "Un dossier choisi n’est plus proposé : rechargez la page."
        },
    )
    questions = LongText(
        longest=MOST_QUESTIONS * LONGEST_TITLE,
        rows=3,
        required=False,
        label="Autres points",
        help_text="Un par ligne : approbation d’un procès-verbal, calendrier, questions diverses.",
    )

    def __init__(self, *args: Any, ready: list[Ready], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(one.consultation.pk), _case_label(one)) for one in ready]
        if choices:
            self.fields["cases"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["cases"]


def _case_label(ready: Ready) -> str:
    due = ready.consultation.due_on
    awaited = f", avis attendu le {due:%d/%m/%Y}" if due else ""
    warning = ", avant cette séance" if ready.is_due_before else ""
    return f"{ready.title}{awaited}{warning}"


class CallForm(PortalForm):
    urgency = LongText(
        longest=LONGEST_REASON,
        rows=2,
        required=False,
        label="Urgence",
        help_text="La séance a lieu dans moins de cinq jours : dites pourquoi elle ne peut "
        "attendre. La convocation et le procès-verbal le diront.",
        error_messages={
            "required": "Les membres sont convoqués cinq jours au moins avant la séance (CRPA, "
            "R. 133-5) : dites quelle est l’urgence, ou changez la date."
        },
    )

    def __init__(self, *args: Any, is_short: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["urgency"].required = is_short


class ReasonForm(PortalForm):
    reason = LongText(
        longest=LONGEST_REASON,
        rows=2,
        label="Motif",
        error_messages={"required": "Dites pourquoi : ceux que cela concerne le lisent."},
    )


class RemarksForm(PortalForm):
    remarks = LongText(
        longest=LONGEST_TEXT,
        rows=6,
        required=False,
        label="Relevé des échanges",
        help_text="Ce que le procès-verbal doit garder en plus des avis. Aucune donnée de patient.",
    )


class SeatForm(PortalForm):
    name = forms.CharField(
        label="Nom et prénom", max_length=150, error_messages={"required": "Écrivez le nom."}
    )
    capacity = forms.CharField(
        label="Qualité",
        max_length=200,
        help_text="Au nom de qui cette personne siège : « URPS Infirmiers », « usagers ».",
        error_messages={"required": "Dites au nom de qui cette personne siège."},
    )
    email = forms.EmailField(
        label="Adresse électronique", error_messages={"required": "Écrivez l’adresse."}
    )
    since = DayField("Siège depuis le")


class EndSeatForm(PortalForm):
    until = DayField("Dernier jour du siège")


class AttendanceForm(PortalForm):
    """One choice for each member, and who holds their mandate."""

    def __init__(self, *args: Any, attendees: list[Attendee], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.attendees = attendees
        presences = [(one.value, one.label) for one in Presence if one != Presence.EXPECTED]
        for attendee in attendees:
            noted = attendee.presence != Presence.EXPECTED
            self.fields[f"presence_{attendee.pk}"] = forms.ChoiceField(
                label=format_html("{}, {}", attendee.name, attendee.capacity),
                choices=presences,
                initial=attendee.presence if noted else None,
                widget=forms.RadioSelect,
                error_messages={"required": f"Dites si {attendee.name} prend part à la séance."},
            )
            others = [(str(one.pk), one.name) for one in attendees if one.pk != attendee.pk]
            self.fields[f"holder_{attendee.pk}"] = forms.ChoiceField(
                label=format_html(
                    'Mandat donné à<span class="fr-sr-only"> par {}</span>', attendee.name
                ),
                choices=[("", "Personne"), *others],
                initial=str(attendee.holder_id or ""),
                required=False,
            )
        for field in self.fields.values():
            dress(field)

    def presences(self) -> dict[int, tuple[str, int | None]]:
        """What was noted, by attendee; once the form is valid."""
        data = self.cleaned_data
        return {
            one.pk: (data[f"presence_{one.pk}"], int(data[f"holder_{one.pk}"] or 0) or None)
            for one in self.attendees
        }


class DeliberationForm(PortalForm):
    """What the committee says of a point of the agenda."""

    position = forms.ChoiceField(
        label="Avis du comité",
        choices=_POSITIONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’avis du comité."},
    )
    text = LongText(
        longest=LONGEST_TEXT,
        rows=6,
        required=False,
        label="Ce que dit le comité",
        help_text="Ce texte deviendra celui de l’avis. Nécessaire pour un avis défavorable ou "
        "sans avis.",
    )
    reserves = LongText(
        longest=MOST_RESERVES * LONGEST_RESERVE,
        rows=3,
        required=False,
        label="Réserves",
        help_text="Une par ligne, pour un avis favorable avec réserves.",
    )
    votes_for = forms.IntegerField(label="Voix pour", min_value=0, max_value=999, required=False)
    votes_against = forms.IntegerField(
        label="Voix contre", min_value=0, max_value=999, required=False
    )
    abstentions = forms.IntegerField(
        label="Abstentions", min_value=0, max_value=999, required=False
    )

    def __init__(self, *args: Any, item: Item, attendees: list[Attendee], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if item.consultation_id is None:
            for name in ("position", "reserves"):
                del self.fields[name]
            text = self.fields["text"]
            text.help_text = "Ce que le procès-verbal en garde."
            text.required = True
            text.error_messages["required"] = "Écrivez ce que le comité a dit de ce point."
        self.there = [one for one in attendees if one.presence in TAKING_PART]
        noted = {one.attendee_id: one.text for one in item.dissents.all()}
        for attendee in self.there:
            self.fields[f"dissent_{attendee.pk}"] = LongText(
                longest=LONGEST_REASON,
                rows=2,
                required=False,
                label=f"Désaccord de {attendee.name}",
                initial=noted.get(attendee.pk, ""),
            )
        for field in self.fields.values():
            dress(field)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        counted = [data.get(name) for name in ("votes_for", "votes_against", "abstentions")]
        if any(one is not None for one in counted) and None in counted:
            self.add_error(
                "abstentions",
                "Comptez les trois : voix pour, voix contre et abstentions, même à zéro.",
            )
        return data

    def dissents(self) -> list[forms.BoundField]:
        return [self[f"dissent_{one.pk}"] for one in self.there]

    def said(self) -> Deliberation:
        """What was noted; once the form is valid."""
        data = self.cleaned_data
        votes = None
        if data["votes_for"] is not None:
            votes = (data["votes_for"], data["votes_against"], data["abstentions"])
        return Deliberation(
            position=data.get("position", ""),
            text=data["text"],
            reserves=tuple(data.get("reserves", "").splitlines()),
            votes=votes,
            dissents={one.pk: data[f"dissent_{one.pk}"] for one in self.there},
        )
