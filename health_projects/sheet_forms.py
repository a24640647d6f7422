from typing import Any, Final, cast

from django import forms

from cpts_portal.forms import DayField, PortalForm
from health_projects.models import ActionSheet, SheetActor
from health_projects.models.sheets import LONGEST_TEXT, TEXTS
from health_projects.sheet_writing import MOST_ACTORS, Actor, Choices
from health_projects.sheets import Data
from procedures.project import ProjectRules

_DAY: Final = {"type": "date"}
# What the browser proposes for a name: drawn once beside the form.
MEMBERS_LIST: Final = "membres-de-la-cpts"


def _text(label: str, help_text: str, *, rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=LONGEST_TEXT,
        strip=True,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={
            "max_length": f"Ce texte dépasse {LONGEST_TEXT} caractères (il en compte "
            "%(show_value)d) : résumez-le ici, et joignez le détail en annexe."
        },
    )


def _name_field(label: str, *, help_text: str = "", **attrs: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=420,
        help_text=help_text,
        widget=forms.TextInput(attrs={"list": MEMBERS_LIST, "autocomplete": "off", **attrs}),
    )


class SheetForm(PortalForm):
    """An action sheet. Only its label is needed to keep it; what else it lacks is listed."""

    label = forms.CharField(
        label="Libellé",
        max_length=200,
        help_text="En une phrase : ce que fait cette action.",
        error_messages={
            "required": "Écrivez le libellé : la fiche est retrouvée par lui.",
            "max_length": "Ce libellé dépasse 200 caractères : raccourcissez-le.",
        },
    )
    missions = forms.MultipleChoiceField(
        label="Missions de l’accord conventionnel",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Celles que cette action fait avancer.",
    )
    themes = forms.MultipleChoiceField(
        label="Thèmes de la région", required=False, widget=forms.CheckboxSelectMultiple
    )
    issue_kind = forms.ChoiceField(
        label="L’action répond à",
        required=False,
        choices=ActionSheet.IssueKind.choices,
        widget=forms.RadioSelect,
    )
    issue = _text("Problématique", "Ce qui ne va pas aujourd’hui, et à quoi vous le voyez.")
    general_objective = _text("Objectif général", "Ce qui aura changé pour la population.", rows=3)
    specific_objectives = _text(
        "Objectifs spécifiques", "Un par ligne, chacun mesurable si possible."
    )
    actions = _text("Actions", "Ce que vous ferez, étape par étape.", rows=6)
    coordinator = _name_field(
        "Coordinateur",
        help_text="Un membre de la CPTS : tapez les premières lettres de son nom.",
    )
    starts_on = DayField("Début prévu", required=False)
    ends_on = DayField("Fin prévue", required=False)
    calendar = _text("Calendrier", "Les étapes et leurs échéances.", rows=3)
    evaluation = _text(
        "Critères d’évaluation", "À quoi vous verrez que l’action réussit : indicateurs, seuils."
    )
    means = _text("Moyens", "Temps, locaux, outils, financements : acquis et demandés.")
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,
        rules: ProjectRules,
        choices: Choices,
        sheet: Data | None = None,
        **kwargs: Any,
    ) -> None:
        self.choices = choices
        kwargs.setdefault("initial", _initial(sheet, choices))
        super().__init__(*args, **kwargs)
        for name, known in (("missions", rules.missions), ("themes", rules.themes)):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - as declared above
            field.choices = [(one.key, one.label) for one in known]
        if not rules.themes:
            del self.fields["themes"]
        # A sheet is kept without them; a project is not deposited without them.
        for name in (*TEXTS, "missions", "themes", "issue_kind", "coordinator"):
            if name in self.fields:
                vars(self.fields[name])["is_wanted"] = True

    def clean_coordinator(self) -> int | None:
        written = self.cleaned_data["coordinator"].strip()
        if not written:
            return None
        if written in self.choices.current:
            return self.choices.current[written]
        if written in self.choices.gone:
            raise forms.ValidationError(
                f"« {written} » a quitté la CPTS : choisissez un membre actuel."
            )
        raise forms.ValidationError(
            f"« {written} » n’est pas un membre de la CPTS : choisissez une personne dans la liste "
            "proposée, ou ajoutez-la d’abord parmi les membres."
        )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts, ends = given.get("starts_on"), given.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error(
                "ends_on", "La fin ne peut pas précéder le début : corrigez l’une des dates."
            )
        return given

    def values(self) -> dict[str, Any]:
        """What to save, once the form is valid."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "revision"}
        return {"themes": [], **given}


def _initial(sheet: Data | None, choices: Choices) -> dict[str, Any]:
    if sheet is None:
        return {}
    coordinator = sheet["coordinator"] or {}
    return {
        **{name: sheet[name] for name in ("label", "issue_kind", *TEXTS, "starts_on", "ends_on")},
        "missions": [one["key"] for one in sheet["missions"]],
        "themes": [one["key"] for one in sheet["themes"]],
        "coordinator": choices.label_of(coordinator.get("member")),
        "revision": sheet["revision"],
    }


class ActorForm(PortalForm):
    """One line of the actors: emptying the name takes it out."""

    who = _name_field("Nom")
    line = forms.ChoiceField(
        label="Titre",
        required=False,
        choices=[("", "À choisir"), *SheetActor.Line.choices],
    )
    role = forms.CharField(
        label="Rôle dans l’action",
        required=False,
        max_length=300,
        error_messages={"max_length": "Ce rôle dépasse 300 caractères : raccourcissez-le."},
    )

    def __init__(self, *args: Any, choices: Choices, **kwargs: Any) -> None:
        self.choices = choices
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        who = given.get("who", "").strip()
        if not who and (given.get("line") or given.get("role")):
            self.add_error("who", "Écrivez le nom de cet acteur, ou videz la ligne.")
        elif who and who in self.choices.gone:
            self.add_error("who", f"« {who} » a quitté la CPTS : nommez un autre acteur.")
        elif who and who not in self.choices.current and len(who) > 200:
            self.add_error("who", "Ce nom dépasse 200 caractères : raccourcissez-le.")
        if who and not given.get("line"):
            self.add_error("line", f"Choisissez le titre auquel « {who} » participe.")
        return given

    def actor(self) -> Actor | None:
        """The line once it is valid; None when it is empty."""
        who = self.cleaned_data.get("who", "").strip()
        if not who:
            return None
        member = self.choices.current.get(who)
        return Actor(
            line=self.cleaned_data["line"],
            member=member,
            name="" if member else who,
            role=self.cleaned_data["role"].strip(),
        )


class _ActorFormSet(forms.BaseFormSet):
    def error_links(self) -> list[tuple[str, str, str]]:
        """What was refused: (id of the control, its label, message), line by line."""
        return [
            (anchor, f"Acteur {rank}, {label.lower()}", message)
            for rank, form in enumerate(self.forms, start=1)
            for anchor, label, message in form.error_links()
        ]

    def actors(self) -> list[Actor]:
        return [actor for form in self.forms if (actor := form.actor())]


ActorFormSet = cast(
    "type[_ActorFormSet]",
    forms.formset_factory(
        ActorForm,
        formset=_ActorFormSet,
        extra=0,
        max_num=MOST_ACTORS,
        absolute_max=MOST_ACTORS + 10,
    ),
)


def initial_actors(sheet: Data | None, choices: Choices) -> list[dict[str, str]]:
    """The lines of a sheet as the form begins with them."""
    return [
        {
            "who": choices.label_of(actor["member"]) or actor["name"],
            "line": actor["line"],
            "role": actor["role"],
        }
        for actor in (sheet["actors"] if sheet else ())
    ]
