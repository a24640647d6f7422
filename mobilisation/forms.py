from datetime import timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone

from accounts.models import Organisation
from communities.models import Community
from cpts_portal.forms import DayField, PortalForm, dress
from mobilisation.answering import LONGEST_TEXT, find_place
from mobilisation.links import LONGEST, SHORTEST, new_mark, read_mark
from mobilisation.models import WILLING, Interest, Questionnaire, Reply
from mobilisation.own_questions import (
    KINDS,
    LONGEST_CHOICE,
    LONGEST_LABEL,
    MOST_CHOICES,
    MOST_QUESTIONS,
    as_stored,
    choices_in,
    read_questions,
)
from mobilisation.services import LONGEST_MESSAGE, communes_of, urps_of
from procedures.questionnaires import Question, QuestionKind, QuestionModel
from territories.models import Commune

ELSEWHERE: Final = "autre"
# More than a whole region has of any profession.
MOST_PROFESSIONALS: Final = 100_000
_ROWS: Final = range(1, MOST_QUESTIONS + 1)


class QuestionnaireForm(PortalForm):
    """What the lead decides: with which URPS, until when, and the questions of their own."""

    urps = forms.ModelChoiceField(
        Organisation.objects.none(),
        label="URPS qui ouvre le questionnaire avec vous",
        empty_label="Choisissez une URPS",
        help_text="Elle relit le questionnaire et donne son accord avant qu’il ne parte.",
        error_messages={"required": "Choisissez l’URPS dans la liste."},
    )
    closes_on = DayField("Dernier jour pour répondre", help_text="Inclus.")
    message = forms.CharField(
        label="Mot de l’équipe",
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Il ouvre le questionnaire, sous votre nom.",
    )

    def __init__(
        self,
        *args: Any,
        community: Community,
        questionnaire: Questionnaire | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("initial", self._initial(questionnaire))
        super().__init__(*args, **kwargs)
        self.fields["urps"].queryset = urps_of(community)  # type: ignore[attr-defined]
        for rank in _ROWS:
            self.fields |= _own_question_fields(rank)

    @staticmethod
    def _initial(questionnaire: Questionnaire | None) -> dict[str, Any]:
        if questionnaire is None:
            return {"closes_on": timezone.localdate() + timedelta(days=45)}
        initial: dict[str, Any] = {
            name: getattr(questionnaire, name) for name in ("urps", "closes_on", "message")
        }
        for rank, one in enumerate(read_questions(questionnaire.own_questions), start=1):
            initial |= {
                f"label_{rank}": one.label,
                f"kind_{rank}": one.kind.value,
                f"choices_{rank}": "\n".join(choice.label for choice in one.choices),
            }
        return initial

    @property
    def own_rows(self) -> list[tuple[int, list[forms.BoundField], bool]]:
        """Each question of the lead's own: its rank, its fields, whether it says something."""
        return [
            (
                rank,
                [self[f"{name}_{rank}"] for name in ("label", "kind", "choices")],
                bool(self[f"label_{rank}"].value() or self[f"choices_{rank}"].value()),
            )
            for rank in _ROWS
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for rank in _ROWS:
            self._check_row(rank)
        return cleaned

    def _check_row(self, rank: int) -> None:
        label, kind = self.cleaned_data.get(f"label_{rank}"), self.cleaned_data.get(f"kind_{rank}")
        choices = choices_in(self.cleaned_data.get(f"choices_{rank}") or "")
        if label is None or kind is None:
            return
        if not label:
            if choices:
                self.add_error(
                    f"label_{rank}",
                    "Ces choix n’ont pas de question : écrivez-la, ou effacez-les.",
                )
        elif kind != QuestionKind.TEXT and len(choices) < 2:
            self.add_error(
                f"choices_{rank}",
                "Une liste demande au moins deux choix : écrivez-en un par ligne, ou demandez une "
                "réponse écrite.",
            )
        elif len(choices) > MOST_CHOICES:
            self.add_error(
                f"choices_{rank}", f"{MOST_CHOICES} choix au plus : personne n’en lit davantage."
            )
        elif any(len(one) > LONGEST_CHOICE for one in choices):
            self.add_error(
                f"choices_{rank}",
                f"Un choix dépasse {LONGEST_CHOICE} caractères : raccourcissez-le.",
            )

    def values(self) -> dict[str, Any]:
        """What to save, once the form is valid."""
        data = self.cleaned_data
        own = [(data[f"label_{r}"], data[f"kind_{r}"], data[f"choices_{r}"]) for r in _ROWS]
        return {name: data[name] for name in ("urps", "closes_on", "message")} | {
            "own_questions": as_stored(own)
        }


def _own_question_fields(rank: int) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        f"label_{rank}": forms.CharField(
            label="Ce que vous demandez", required=False, max_length=LONGEST_LABEL
        ),
        f"kind_{rank}": forms.ChoiceField(
            label="On y répond par", choices=list(KINDS.items()), initial=QuestionKind.TEXT.value
        ),
        f"choices_{rank}": forms.CharField(
            label="Choix proposés",
            required=False,
            help_text="Un par ligne. Laissez vide pour une réponse écrite.",
            widget=forms.Textarea(attrs={"rows": 3}),
        ),
    }
    for one in fields.values():
        dress(one)
    return fields


class CountsForm(PortalForm):
    """How many professionals there are, and were reached otherwise than by the list."""

    def __init__(self, *args: Any, questionnaire: Questionnaire, **kwargs: Any) -> None:
        known = {one.profession: one for one in questionnaire.profession_counts.all()}
        initial: dict[str, Any] = {}
        for key, line in known.items():
            initial |= {f"identified_{key}": line.identified, f"solicited_{key}": line.solicited}
        super().__init__(*args, initial=initial, **kwargs)
        self.professions = questionnaire.model.professions
        for one in self.professions:
            self.fields |= {
                f"identified_{one.key}": _number_field(f"{one.label}, identifiés"),
                f"solicited_{one.key}": _number_field(f"{one.label}, sollicités autrement"),
            }

    @property
    def rows(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Each profession with its two numbers."""
        return [
            (one.label, self[f"identified_{one.key}"], self[f"solicited_{one.key}"])
            for one in self.professions
        ]

    def values(self) -> dict[str, tuple[int | None, int | None]]:
        """By profession, once the form is valid: identified, reached otherwise."""
        data = self.cleaned_data
        return {
            one.key: (data[f"identified_{one.key}"], data[f"solicited_{one.key}"])
            for one in self.professions
        }


def _number_field(label: str) -> forms.IntegerField:
    field = forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=MOST_PROFESSIONALS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={
            "invalid": "Écrivez un nombre entier, sans lettre ni espace.",
            "min_value": "Un effectif n’est pas négatif : corrigez-le.",
            "max_value": "Ce nombre dépasse ce qu’une région entière compte : vérifiez-le.",
        },
    )
    dress(field)
    return field


class GatheringForm(PortalForm):
    """A meeting that was held, as the letter asks it."""

    held_on = DayField("Date")
    place = forms.CharField(
        label="Lieu", max_length=200, help_text="Par exemple : Lavaur, salle du Pastel."
    )
    invited = forms.IntegerField(
        label="Invitations envoyées", min_value=0, max_value=MOST_PROFESSIONALS
    )
    present = forms.IntegerField(
        label="Personnes présentes", min_value=0, max_value=MOST_PROFESSIONALS
    )


class MethodologyForm(PortalForm):
    methodology = forms.CharField(
        label="Comment les professionnels ont été contactés",
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Laissez vide pour garder le texte que le portail propose, montré ci-dessous.",
    )


class RefusalForm(PortalForm):
    reason = forms.CharField(
        label="Ce qui empêche d’ouvrir le questionnaire",
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="L’équipe de la CPTS le lit et peut corriger le questionnaire.",
        error_messages={"required": "Dites pourquoi : l’équipe doit savoir quoi corriger."},
    )


class ClosingForm(PortalForm):
    closes_on = DayField("Dernier jour pour répondre", help_text="Inclus.")


# --- What a professional fills in -----------------------------------------------------------------


class AnswerForm(PortalForm):
    """The questionnaire itself, made for a thumb: two minutes, nothing that needs a script."""

    profession = forms.ChoiceField(
        label="Votre profession",
        error_messages={"required": "Choisissez votre profession dans la liste."},
    )
    commune = forms.ChoiceField(
        label="Où exercez-vous ?",
        error_messages={"required": "Choisissez une commune, ou « Ailleurs »."},
    )
    place = forms.CharField(
        label="Si vous exercez ailleurs : la commune",
        required=False,
        max_length=100,
        help_text="Son nom ou son code postal.",
    )
    interest = forms.TypedChoiceField(
        label="Que souhaitez-vous ?",
        choices=list(Interest.choices),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Dites ce que vous souhaitez : un seul choix."},
    )
    missions = forms.MultipleChoiceField(
        label="Quelles missions vous intéressent ?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    last_name = forms.CharField(
        label="Nom", required=False, max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )  # fmt: skip
    first_name = forms.CharField(
        label="Prénom", required=False, max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )  # fmt: skip
    email = forms.EmailField(
        label="Adresse électronique",
        required=False,
        help_text="Vous y recevez le lien pour corriger votre réponse. Une seule réponse compte "
        "par adresse : la première.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    phone = forms.CharField(
        label="Téléphone", required=False, max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )  # fmt: skip
    structure = forms.CharField(
        label="Cabinet ou structure", required=False, max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )  # fmt: skip
    may_contact = forms.BooleanField(
        label="L’équipe du projet peut me contacter à ce sujet", required=False
    )
    may_name = forms.BooleanField(
        label="Mon nom peut figurer dans la lettre d’intention, parmi ceux qui construisent le "
        "projet",
        required=False,
    )
    # Programs fill in every field; people do not see this one.
    website = forms.CharField(
        label="Laissez ce champ vide",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    mark = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        questionnaire: Questionnaire,
        reply: Reply | None = None,
        communes: list[tuple[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.questionnaire, self.reply, self.form_mark = questionnaire, reply, ""
        self.model: QuestionModel = questionnaire.model
        self.communes = communes_of(questionnaire.community) if communes is None else communes
        if reply is not None:
            kwargs.setdefault("initial", self._initial(reply))
        else:
            kwargs.setdefault("initial", {"mark": new_mark()})
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields
        chosen["profession"].choices = [
            ("", "Choisissez dans la liste"),
            *((one.key, one.label) for one in self.model.professions),
        ]
        chosen["commune"].choices = [
            ("", "Choisissez dans la liste"),
            *self.communes,
            (ELSEWHERE, "Ailleurs, hors de ces communes"),
        ]
        chosen["missions"].choices = [(one.key, one.label) for one in self.model.missions]
        for question in questionnaire.questions:
            self.fields[f"q_{question.key}"] = field = _question_field(question)
            dress(field)

    def _initial(self, reply: Reply) -> dict[str, Any]:
        inside = reply.commune_id in {code for code, _ in self.communes}
        return {
            **{name: getattr(reply, name) for name in ("profession", "interest", "missions")},
            **{name: getattr(reply, name) for name in ("last_name", "first_name", "email")},
            **{name: getattr(reply, name) for name in ("phone", "structure")},
            **{name: getattr(reply, name) for name in ("may_contact", "may_name")},
            **{f"q_{key}": value for key, value in reply.answers.items()},
            "commune": reply.commune_id if inside else ELSEWHERE,
            "place": "" if inside else (str(reply.commune) if reply.commune else reply.place),
        }

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[f"q_{one.key}"] for one in self.questionnaire.questions]

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError(
                "Ce champ sert à arrêter les programmes : effacez ce qu’il contient, puis envoyez "
                "de nouveau."
            )
        return ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("commune") == ELSEWHERE and not cleaned.get("place"):
            self.add_error("place", "Écrivez la commune où vous exercez, ou son code postal.")
        if cleaned.get("interest") in WILLING:
            self._require_a_way_to_join(cleaned)
        if self.reply is None:
            self._check_mark(cleaned.get("mark", ""))
        return cleaned

    def _require_a_way_to_join(self, cleaned: dict[str, Any]) -> None:
        asked = {
            "last_name": "Vous souhaitez prendre part au projet : laissez votre nom, pour que "
            "l’équipe sache qui vous êtes.",
            "email": "Vous souhaitez prendre part au projet : laissez une adresse électronique, "
            "sans quoi l’équipe ne pourrait pas vous joindre.",
        }
        for name, sentence in asked.items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)

    def _check_mark(self, mark: str) -> None:
        """A form that nobody had the time to read, or left open for days, is shown again."""
        read = read_mark(mark)
        if read is not None and SHORTEST <= read[1] <= LONGEST:
            self.form_mark = read[0]
            return
        if read is None or read[1] > LONGEST:
            typed: Any = self.data
            renewed = typed.copy()
            renewed["mark"] = new_mark()
            self.data = renewed
        self.add_error(
            None,
            "Le portail vérifie qu’une personne répond : la page a été envoyée trop vite, ou elle "
            "était ouverte depuis trop longtemps. Vos réponses sont encore là : envoyez-les de "
            "nouveau dans quelques secondes.",
        )

    def values(self) -> dict[str, Any]:
        """What to keep, once the form is valid."""
        data = self.cleaned_data
        commune, place = data["commune"], ""
        if commune == ELSEWHERE:
            found, place = find_place(self.questionnaire.community, data["place"])
            commune = found.pk if found else None

        answers = {
            one.key: data[f"q_{one.key}"]
            for one in self.questionnaire.questions
            if data[f"q_{one.key}"]
        }
        names = ("profession", "interest", "missions", "last_name", "first_name", "email")
        more = ("phone", "structure", "may_contact", "may_name")
        return {name: data[name] for name in (*names, *more)} | {
            "commune": Commune(code=commune) if commune else None,
            "place": place,
            "answers": answers,
        }


def _question_field(question: Question) -> forms.Field:
    options: dict[str, Any] = {
        "label": question.label,
        "required": False,
        "help_text": question.help,
    }
    choices = [(one.key, one.label) for one in question.choices]
    match question.kind:
        case QuestionKind.TEXT:
            return forms.CharField(
                max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3}), **options
            )
        case QuestionKind.CHOICE:
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **options)
        case _:
            return forms.MultipleChoiceField(
                choices=choices, widget=forms.CheckboxSelectMultiple, **options
            )
