"""Answers are read without loss, checked in sentences, and shown ready to lay out."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from procedures import registry
from procedures.answers import (
    Box,
    Cell,
    Display,
    Problem,
    as_data,
    attachment_problems,
    display,
    display_size,
    hard_limits,
    is_blank,
    normalise,
    problems,
    read_phone,
)
from procedures.json_schema import answers_schema
from procedures.schema import Column, ColumnKind, Field, FieldKind, Option

OCCITANIE = registry.current("occitanie")
HDF = registry.current("hauts-de-france")
PDL = registry.current("pays-de-la-loire")


def field(kind: FieldKind, **attributes: Any) -> Field:
    return Field(**{"key": "essai", "kind": kind, "label": "Essai", **attributes})


DATE = field(FieldKind.DATE)
MONTH = field(FieldKind.MONTH)
NUMBER = field(FieldKind.NUMBER)
TEXT = field(FieldKind.TEXT, max_length=20)
PARAGRAPH = field(FieldKind.PARAGRAPH, max_length=5000, required=True)
EMAIL = field(FieldKind.EMAIL, max_length=254)
PHONE = field(FieldKind.PHONE, max_length=40)
CHOICE = field(
    FieldKind.CHOICE,
    options=(Option(key="idea", label="Une idée"), Option(key="team", label="Une équipe")),
)


def told(asked: Field, raw: Any, **options: Any) -> list[str]:
    """The sentences on what someone typed, with ordinary spaces."""
    found = problems(asked, normalise(asked, raw), **options)
    return [problem.sentence.replace("\u00a0", " ") for problem in found]


# --- Reading ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "raw", "stored"),
    [
        (DATE, "31/12/2026", "2026-12-31"),
        (DATE, " 2026-12-31 ", "2026-12-31"),
        (DATE, "1.2.2026", "2026-02-01"),
        (DATE, "1er\u00a0février 2026", "2026-02-01"),
        (DATE, "3 Aout 2026", "2026-08-03"),
        (DATE, "2026-12-31 00:00:00", "2026-12-31"),
        (DATE, datetime(2026, 12, 31), "2026-12-31"),  # noqa: DTZ001 - as a spreadsheet gives it
        (DATE, "31/02/2026", "31/02/2026"),
        (DATE, "31/12/26", "31/12/26"),
        (DATE, "31/12/0206", "31/12/0206"),
        (DATE, "au printemps", "au printemps"),
        (MONTH, "03/2027", "2027-03"),
        (MONTH, "3 / 2027", "2027-03"),
        (MONTH, "2027-3", "2027-03"),
        (MONTH, "Mars 2027", "2027-03"),
        (MONTH, "sept. 2027", "2027-09"),
        (MONTH, date(2027, 3, 1), "2027-03"),
        (MONTH, date(2027, 3, 15), "2027-03-15"),
        (MONTH, "jui 2027", "jui 2027"),
        (MONTH, "13/2027", "13/2027"),
        (NUMBER, "12 000", "12000"),
        (NUMBER, "12\u202f000", "12000"),
        (NUMBER, 12, "12"),
        (NUMBER, 12.0, "12"),
        (NUMBER, 12.5, "12.5"),
        (NUMBER, "une trentaine", "une trentaine"),
        (TEXT, "  CPTS\r\n du  Thoré ", "CPTS du Thoré"),
        (TEXT, "Que faire\u00a0?", "Que faire\u00a0?"),
        (TEXT, "a\x00b\ud800c", "abc"),
        (TEXT, "e\u0301te\u0301", "été"),
        (TEXT, None, ""),
        (TEXT, {"a": 1}, {"a": 1}),
        (PARAGRAPH, "\n\n  Un\r\n\r\n- deux  \n", "  Un\n\n- deux"),
        (EMAIL, " Claire.Fabre@Exemple.fr ", "Claire.Fabre@Exemple.fr"),
        (PHONE, "0561000000", "05 61 00 00 00"),
        (PHONE, "+33 5.61.00.00.00", "05 61 00 00 00"),
        (PHONE, "0033561000000", "05 61 00 00 00"),
        (PHONE, "0590 90 12 34", "0590 90 12 34"),
        (PHONE, "0639 98 00 01", "0639 98 00 01"),
        (PHONE, "0262 90 12 34", "0262 90 12 34"),
        (PHONE, "0801902236", "0 801 90 22 36"),
        (PHONE, "+32 2 217 12 34", "+32 2 217 12 34"),
        (PHONE, "05 61", "05 61"),
        (CHOICE, "team", "team"),
        (CHOICE, "une EQUIPE", "team"),
        (CHOICE, "autre", "autre"),
    ],
)
def test_what_is_typed_is_read_or_kept(asked, raw, stored):
    assert normalise(asked, raw) == stored


def test_a_row_is_read_by_column_and_blank_rows_go():
    raw = [
        {"name": " Claire Fabre ", "profession": "Médecin"},
        {"name": "  ", "profession": ""},
        ["Jean Puech", "Infirmier", None, "Mazamet"],
    ]
    blank = {"sector": "", "place": "", "structure": ""}
    assert normalise(OCCITANIE.field("team"), raw) == [
        {"name": "Claire Fabre", "profession": "Médecin", **blank},
        {"name": "Jean Puech", "profession": "Infirmier", **blank, "place": "Mazamet"},
    ]


def test_what_a_table_does_not_know_is_kept_and_told():
    team = OCCITANIE.field("team")
    raw = [{"name": "Claire Fabre", "profession": "Médecin", "rpps": "10001"}, "Jean Puech"]
    stored = normalise(team, raw)
    assert (stored[0]["rpps"], stored[1]) == ("10001", "Jean Puech")
    assert told(team, raw) == [
        (
            "« Équipe projet : professionnels libéraux », ligne 1 : la colonne « rpps » n’existe "
            "pas. Retirez-la."
        ),
        (
            "« Équipe projet : professionnels libéraux », ligne 2 : « Jean Puech » n’est pas une "
            "ligne lisible. Écrivez-la de nouveau."
        ),
    ]


def test_fixed_rows_come_in_the_order_of_the_form_by_list_or_by_key():
    partnerships = OCCITANIE.field("existing_partnerships")
    stored = [
        {"row": "coordinated_practice", "answer": "", "details": ""},
        {"row": "support_platform", "answer": "no", "details": ""},
        {"row": "local_authorities", "answer": "yes", "details": "CC Thoré Montagne Noire"},
    ]
    by_list = [
        {"row": "local_authorities", "answer": "Oui", "details": "CC Thoré Montagne Noire"},
        {"row": "support_platform", "answer": False},
    ]
    by_key = {
        "local_authorities": {"answer": "x", "details": "CC Thoré Montagne Noire"},
        "support_platform": {"answer": "NON"},
    }
    assert normalise(partnerships, by_list) == stored
    assert normalise(partnerships, by_key) == stored
    assert normalise(partnerships, stored) == stored


def test_a_fixed_table_without_a_word_is_empty():
    partnerships = OCCITANIE.field("existing_partnerships")
    assert normalise(partnerships, {"support_platform": {"answer": " "}}) == []


def test_a_row_the_form_does_not_have_is_kept_and_told():
    partnerships = OCCITANIE.field("existing_partnerships")
    raw = [{"row": "hopital", "answer": "oui", "details": "CH"}]
    assert normalise(partnerships, raw)[-1] == {"row": "hopital", "answer": "yes", "details": "CH"}
    assert told(partnerships, raw) == [
        (
            "« Partenariats et réseaux existants », ligne 4 : « hopital » n’est pas une ligne de "
            "ce "
            "tableau, ou y est deux fois. Retirez-la."
        )
    ]


def test_a_structure_is_read_part_by_part():
    asked = OCCITANIE.field("legal_structure")
    blank = {"name": "", "legal_form": "", "seat": "", "created_on": ""}
    assert normalise(asked, None) == {"status": "", **blank}
    assert normalise(asked, "En cours") == {"status": "ongoing", **blank}
    assert normalise(asked, {"status": "Oui", "name": "CPTS", "created_on": "10/01/2027"}) == {
        "status": "yes",
        **blank,
        "name": "CPTS",
        "created_on": "2027-01-10",
    }


def test_a_deferral_is_read():
    asked = OCCITANIE.field("cerfa")
    assert normalise(asked, {"deferred": "on", "reason": "Statuts en cours\r\n"}) == {
        "deferred": "yes",
        "reason": "Statuts en cours",
    }
    assert normalise(asked, None) == {"deferred": "", "reason": ""}


def test_a_computed_field_has_no_answer():
    for use in (normalise, display):
        with pytest.raises(ValueError, match="computed"):
            use(OCCITANIE.field("population"), "12")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["row", "label", "name", "status", "planned", "description", "start", "x"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
ANSWER_FIELDS = [
    asked for procedure in registry.all_procedures() for asked in procedure.answer_fields
]


@settings(max_examples=500)
@given(asked=st.sampled_from(ANSWER_FIELDS), raw=JSON)
def test_any_json_is_stored_once_checked_and_shown(asked, raw):
    stored = normalise(asked, raw)
    assert normalise(asked, stored) == stored
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    json.dumps(stored).encode()
    assert all(problem.sentence for problem in problems(asked, stored))
    shown = display(asked, stored)
    # A reason for a document that is not announced as « à venir » is not shown.
    assert shown.blank == is_blank(asked, stored) or asked.kind == FieldKind.ATTACHMENT


@given(st.text(alphabet="0123456789 .+()", max_size=18))
def test_a_phone_that_was_read_reads_the_same_again(text):
    number = read_phone(text)
    assert not number or read_phone(number) == number


# --- Checking ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "raw", "sentences"),
    [
        (PARAGRAPH, "  ", ["Remplissez « Essai »."]),
        (
            PARAGRAPH,
            "a" * 20_000,
            [
                (
                    "« Essai » compte 20 000 caractères ; la limite est de 5 000. "
                    "Raccourcissez le texte."
                )
            ],
        ),
        (TEXT, "", []),
        (
            DATE,
            "31/02/2026",
            [
                (
                    "« Essai » : « 31/02/2026 » n’est pas une date. Écrivez-la sous la forme "
                    "JJ/MM/AAAA, comme 31/12/2026."
                )
            ],
        ),
        (
            MONTH,
            "bientôt",
            [
                (
                    "« Essai » : « bientôt » n’est pas un mois. Écrivez-le sous la forme MM/AAAA, "
                    "comme 03/2027."
                )
            ],
        ),
        (
            NUMBER,
            "-3",
            ["« Essai » : « -3 » est négatif. Écrivez un nombre entier, zéro ou plus."],
        ),
        (
            NUMBER,
            "12,5",
            ["« Essai » : « 12,5 » n’est pas un nombre entier. Écrivez-le sans virgule ni point."],
        ),
        (
            NUMBER,
            "1234567890",
            ["« Essai » : « 1234567890 » est trop grand. Écrivez un nombre de 9 chiffres au plus."],
        ),
        (
            NUMBER,
            "beaucoup",
            ["« Essai » : « beaucoup » n’est pas un nombre. Écrivez-le en chiffres, comme 12."],
        ),
        (
            EMAIL,
            "claire@exemple",
            [
                (
                    "« Essai » : « claire@exemple » n’est pas une adresse électronique. Écrivez-la "
                    "comme prenom.nom@exemple.fr."
                )
            ],
        ),
        (
            PHONE,
            "06 12",
            [
                (
                    "« Essai » : « 06 12 » n’est pas un numéro de téléphone. Écrivez ses dix "
                    "chiffres, comme 06 12 34 56 78, ou un numéro étranger avec son indicatif "
                    "(+32…)."
                )
            ],
        ),
        (
            CHOICE,
            "autre",
            [
                (
                    "« Essai » : « autre » ne fait pas partie des choix. Choisissez parmi : Une "
                    "idée, "
                    "Une équipe."
                )
            ],
        ),
        (
            TEXT,
            ["a"],
            ["« Essai » n’a pas la forme attendue (un texte). Écrivez de nouveau la réponse."],
        ),
        (
            DATE,
            "x" * 80,
            [
                (
                    f"« Essai » : « {'x' * 59}… » n’est pas une date. Écrivez-la sous la forme "
                    "JJ/MM/AAAA, comme 31/12/2026."
                )
            ],
        ),
    ],
)
def test_each_problem_names_the_field_and_says_what_to_do(asked, raw, sentences):
    assert told(asked, raw) == sentences


def test_the_examples_of_the_form_are_good_answers():
    wrong = []
    for procedure in registry.all_procedures():
        for asked in procedure.answer_fields:
            if asked.example and asked.kind != FieldKind.STRUCTURE:
                wrong += told(asked, asked.example)
            for column in asked.columns:
                if column.example and not asked.fixed_rows:
                    wrong += told(asked, [{column.key: column.example}], required=False)
    assert wrong == []


def test_a_draft_is_not_told_what_is_only_missing():
    assert told(PARAGRAPH, "", required=False) == []
    assert told(OCCITANIE.field("legal_structure"), {"name": "CPTS"}, required=False) == []


def test_a_problem_in_a_table_names_the_row_and_the_column():
    stored = normalise(
        OCCITANIE.field("team"), [{"name": "Claire Fabre"}, {"profession": "x" * 151}]
    )
    assert problems(OCCITANIE.field("team"), stored) == [
        Problem(
            "team",
            "«\u00a0Équipe projet\u00a0: professionnels libéraux\u00a0», ligne 1, colonne "
            "«\u00a0Profession\u00a0»\u00a0: cette case est à remplir.",
            row=1,
            column="profession",
        ),
        Problem(
            "team",
            "«\u00a0Équipe projet\u00a0: professionnels libéraux\u00a0», ligne 2, colonne "
            "«\u00a0Nom et prénom\u00a0»\u00a0: cette case est à remplir.",
            row=2,
            column="name",
        ),
        Problem(
            "team",
            "«\u00a0Équipe projet\u00a0: professionnels libéraux\u00a0», ligne 2, colonne "
            "«\u00a0Profession\u00a0» compte 151 caractères\u00a0; la limite est de 150. "
            "Raccourcissez le texte.",
            row=2,
            column="profession",
        ),
    ]


def test_an_empty_required_table_asks_for_a_row():
    assert told(OCCITANIE.field("team"), []) == [
        "Ajoutez au moins une ligne à « Équipe projet : professionnels libéraux »."
    ]
    assert told(OCCITANIE.field("missions"), []) == [
        "Remplissez le tableau « Missions envisagées »."
    ]
    assert told(OCCITANIE.field("legal_structure"), None) == [
        (
            "Répondez à la question « Une structure juridique est-elle déjà créée pour porter le "
            "projet »."
        )
    ]


def test_five_hundred_rows_are_too_many_and_still_kept():
    raw = [{"name": f"Personne {n}", "profession": "Infirmier"} for n in range(500)]
    assert len(normalise(OCCITANIE.field("team"), raw)) == 500
    assert told(OCCITANIE.field("team"), raw) == [
        (
            "« Équipe projet : professionnels libéraux » compte 500 lignes ; la limite est de 200. "
            "Retirez des lignes, ou joignez la suite en pièce jointe."
        )
    ]


def test_a_mission_that_is_planned_is_described():
    raw = {row.key: {"planned": "non"} for row in OCCITANIE.field("missions").fixed_rows}
    assert told(OCCITANIE.field("missions"), raw) == []
    raw["prevention"] = {"planned": "oui"}
    del raw["other"]
    assert told(OCCITANIE.field("missions"), raw) == [
        (
            "« Missions envisagées », ligne « Mission en faveur du développement d’actions "
            "coordonnées de prévention », colonne « Description » : à remplir, puisque vous avez "
            "répondu « Oui »."
        ),
        (
            "« Missions envisagées », ligne « Autres actions* », colonne « Envisagée » : cette "
            "case "
            "est à remplir."
        ),
    ]


def test_the_free_row_of_professions_is_named():
    raw = {"other": {"identified": "4"}}
    assert told(OCCITANIE.field("solicited_professionals"), raw) == [
        (
            "« Professionnels, par profession », ligne « Autres (préciser) » : précisez de qui ou "
            "de "
            "quoi il s’agit."
        )
    ]
    raw["other"]["label"] = "Psychologues"
    assert told(OCCITANIE.field("solicited_professionals"), raw) == []


def test_a_step_does_not_end_before_it_begins():
    raw = [{"step": "Écriture", "start": "09/2027", "end": "mars 2027"}]
    assert told(PDL.field("calendar"), raw) == [
        (
            "« Calendrier prévisionnel », ligne 1, colonne « Fin » : ce mois précède celui de "
            "« Début ». Corrigez l’un des deux."
        )
    ]


def test_a_cell_the_form_does_not_ask_is_told():
    steps = ("construction", "letter", "health_project", "contract")
    raw = {step: {"start": "09/2027"} for step in steps}
    assert told(OCCITANIE.field("calendar"), raw) == []
    raw["letter"]["end"] = "10/2027"
    assert told(OCCITANIE.field("calendar"), raw) == [
        (
            "« Calendrier prévisionnel », ligne « Dépôt de la lettre d’intention », colonne "
            "« Fin » : rien n’est attendu ici. Videz la case."
        )
    ]


def test_a_structure_that_exists_is_described():
    opening = "« Une structure juridique est-elle déjà créée pour porter le projet »"
    assert told(HDF.field("legal_structure"), {"status": "no"}) == []
    assert told(
        HDF.field("legal_structure"), {"status": "yes", "name": "CPTS", "seat": "Lille"}
    ) == [
        f"{opening}, « Forme juridique » : à remplir, puisque vous avez répondu « Oui ».",
        f"{opening}, « Date de création » : à remplir, puisque vous avez répondu « Oui ».",
    ]
    assert told(HDF.field("legal_structure"), {"status": "ongoing", "created_on": "demain"}) == [
        f"{opening} : « ongoing » ne fait pas partie des choix. Choisissez parmi : Non, Oui.",
        (
            f"{opening}, « Date de création » : « demain » n’est pas une date. Écrivez-la sous la "
            "forme JJ/MM/AAAA, comme 31/12/2026."
        ),
    ]
    assert told(OCCITANIE.field("legal_structure"), {"status": "ongoing"}) == []


@pytest.mark.parametrize(
    ("key", "files", "deferral", "sentences"),
    [
        ("cerfa", 1, None, []),
        ("cerfa", 0, {"deferred": "yes", "reason": "Statuts en cours"}, []),
        (
            "cerfa",
            0,
            {"deferred": "yes", "reason": ""},
            [
                (
                    "« Formulaire CERFA 12156 de demande de subvention » : dites pourquoi la pièce "
                    "est à venir."
                )
            ],
        ),
        (
            "cerfa",
            0,
            None,
            [
                (
                    "Joignez « Formulaire CERFA 12156 de demande de subvention », ou indiquez que "
                    "la "
                    "pièce est à venir et dites pourquoi."
                )
            ],
        ),
        ("map", 0, None, []),
        (
            "map",
            2,
            None,
            ["« Carte du territoire » compte 2 fichiers ; la limite est de 1. Retirez-en."],
        ),
    ],
)
def test_a_required_document_is_joined_or_announced(key, files, deferral, sentences):
    found = attachment_problems(OCCITANIE.slot(key), files=files, deferral=deferral)
    assert [problem.sentence.replace("\u00a0", " ") for problem in found] == sentences


@pytest.mark.parametrize(
    ("asked", "raw", "sentence"),
    [
        (
            TEXT,
            "a" * 100_001,
            (
                "« Essai » compte 100 001 caractères ; le portail n’en garde pas plus de 100 000. "
                "Rien n’a été enregistré : raccourcissez le texte, ou joignez-le en pièce jointe."
            ),
        ),
        (
            field(FieldKind.TABLE),
            [{}] * 1001,
            (
                "« Essai » compte 1 001 lignes ; le portail n’en garde pas plus de 1 000. Rien n’a "
                "été enregistré : retirez des lignes, ou joignez le tableau en pièce jointe."
            ),
        ),
        (
            field(FieldKind.TABLE),
            [{"name": "a" * 50_000}] * 21,
            (
                "« Essai » compte 1 050 084 caractères ; le portail n’en garde pas plus de "
                "1 000 000. Rien n’a été enregistré : raccourcissez le texte, ou joignez-le en "
                "pièce "
                "jointe."
            ),
        ),
        (
            field(FieldKind.TABLE),
            [[[[[[[[]]]]]]]],
            "« Essai » n’a pas la forme attendue : rien n’a été enregistré.",
        ),
    ],
)
def test_what_no_draft_may_store_is_refused(asked, raw, sentence):
    (problem,) = hard_limits(asked, raw)
    assert problem.sentence.replace("\u00a0", " ") == sentence


def test_long_answers_and_large_tables_stay_in_a_draft():
    assert hard_limits(TEXT, "a" * 20_000) == []
    assert hard_limits(field(FieldKind.TABLE), [{"name": "x"}] * 500) == []


# --- Showing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "stored", "lines"),
    [
        (DATE, "2026-12-31", ("31/12/2026",)),
        (DATE, "au printemps", ("au printemps",)),
        (MONTH, "2027-03", ("03/2027",)),
        (NUMBER, "54800", ("54\u00a0800",)),
        (PARAGRAPH, "Un\n\nDeux", ("Un", "", "Deux")),
        (PARAGRAPH, {"a": "é"}, ('{"a": "é"}',)),
        (PARAGRAPH, "", ()),
    ],
)
def test_a_single_answer_is_shown_in_lines(asked, stored, lines):
    assert display(asked, stored) == Display("essai", "Essai", blank=not lines, lines=lines)


def test_a_choice_is_shown_as_boxes():
    assert display(CHOICE, "team").boxes == (
        Box("Une idée", ticked=False),
        Box("Une équipe", ticked=True),
    )
    assert display(CHOICE, "").boxes == (
        Box("Une idée", ticked=False),
        Box("Une équipe", ticked=False),
    )
    assert display(CHOICE, "autre").lines == ("autre",)


def test_a_free_table_is_shown_under_the_headings_of_its_document():
    shown = display(
        HDF.field("partners"),
        [{"structure": "CH", "name": "Ana Roca", "place": "Lens", "notes": "Urgences\nlundi"}],
    )
    assert shown == Display(
        "partners",
        "Partenaires déjà associés au stade de la lettre d’intention",
        blank=False,
        header=(
            "Type de structure / établissement…",
            "Nom Prénom",
            "Localisation",
            "Renseignements divers",
        ),
        rows=(
            (
                Cell(lines=("CH",)),
                Cell(lines=("Ana Roca",)),
                Cell(lines=("Lens",)),
                Cell(lines=("Urgences", "lundi")),
            ),
        ),
    )


def test_the_rows_of_the_form_are_shown_even_blank():
    shown = display(OCCITANIE.field("existing_partnerships"), [])
    assert (shown.blank, shown.row_headers, shown.header) == (
        True,
        True,
        ("Partenariat ou réseau", "NON / OUI", "Précisez"),
    )
    assert shown.rows[0] == (
        Cell(lines=("Structures d’exercice coordonné ou d’appui (ESP, MSP)",)),
        Cell(boxes=(Box("Oui", ticked=False), Box("Non", ticked=False))),
        Cell(),
    )


def test_a_free_label_and_numbers_are_shown():
    asked = OCCITANIE.field("solicited_professionals")
    stored = normalise(asked, {"other": {"label": "Psychologues", "identified": "1200"}})
    assert display(asked, stored).rows[-1] == (
        Cell(lines=("Autres (préciser)\u00a0: Psychologues",)),
        Cell(lines=("1\u00a0200",), number=True),
        Cell(number=True),
        Cell(number=True),
    )


def test_a_row_that_could_not_be_read_is_shown_as_typed():
    asked = PDL.field("first_actions")
    assert display(asked, ["des créneaux"]).rows == ((Cell(lines=("des créneaux",)), Cell()),)
    fixed = OCCITANIE.field("existing_partnerships")
    stored = normalise(fixed, [{"row": "hopital", "answer": "peut-être", "details": "CH"}])
    assert display(fixed, stored).rows[-1] == (
        Cell(lines=("hopital",)),
        Cell(lines=("peut-être",)),
        Cell(lines=("CH",)),
    )


def test_a_structure_is_shown_as_boxes_and_details():
    stored = {
        "status": "yes",
        "name": "CPTS",
        "legal_form": "",
        "seat": "Lille",
        "created_on": "2027-01-10",
    }
    shown = display(OCCITANIE.field("legal_structure"), stored)
    assert shown.boxes == (
        Box("Non", ticked=False),
        Box("Oui", ticked=True),
        Box("En cours", ticked=False),
    )
    assert shown.pairs == (
        ("Nom", "CPTS"),
        ("Siège social", "Lille"),
        ("Date de création", "10/01/2027"),
    )


def test_a_document_to_come_is_shown_with_its_reason():
    shown = display(OCCITANIE.field("cerfa"), {"deferred": "yes", "reason": "Statuts\nen cours"})
    assert shown.lines == ("À venir\u00a0: Statuts", "en cours")


def test_the_four_sizes_are_shown_in_increasing_order():
    boxes = display_size(OCCITANIE.size_rule, "T2")
    assert [(box.label.replace("\u00a0", " "), box.ticked) for box in boxes] == [
        ("Taille 1 (moins de 40 000 habitants)", False),
        ("Taille 2 (entre 40 000 et 80 000 habitants)", True),
        ("Taille 3 (entre 80 000 et 175 000 habitants)", False),
        ("Taille 4 (plus de 175 000 habitants)", False),
    ]


@pytest.mark.parametrize("procedure", registry.all_procedures(), ids=lambda p: p.key)
def test_what_is_shown_is_frozen_whole(procedure):
    shown = [
        display(asked, normalise(asked, ANSWERS.get(asked.key)))
        for asked in procedure.answer_fields
    ]
    assert [as_data(one) for one in shown] == [asdict(one) for one in shown]


# --- For machines -----------------------------------------------------------------------

ANSWERS = {
    "title": "CPTS du Thoré",
    "written_on": "31/12/2026",
    "contact_email": "claire.fabre@exemple.fr",
    "cerfa": {"deferred": True, "reason": "Statuts en cours"},
    "existing_partnerships": {"support_platform": {"answer": "oui", "details": "DAC 81"}},
    "solicited_professionals": {"nurses": {"identified": 40}, "other": {"label": "Psychologues"}},
    "team": [["Claire Fabre", "Médecin"]],
    "legal_structure": {"status": "En cours", "created_on": "01/02/2027"},
    "calendar": {"letter": {"start": "mars 2027"}},
}


@pytest.mark.parametrize("procedure", registry.all_procedures(), ids=lambda p: p.key)
def test_each_schema_is_a_schema(procedure):
    schema = answers_schema(procedure)
    Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == [asked.key for asked in procedure.answer_fields]


def test_stored_answers_follow_the_schema():
    validator = Draft202012Validator(answers_schema(OCCITANIE))
    stored = {key: normalise(OCCITANIE.field(key), raw) for key, raw in ANSWERS.items()}
    assert [error.message for error in validator.iter_errors(stored)] == []
    blank = {asked.key: normalise(asked, None) for asked in OCCITANIE.answer_fields}
    assert [error.message for error in validator.iter_errors(blank)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"titre": "CPTS"},
        {"written_on": "31/12/2026"},
        {"title": "x" * 201},
        {"team": [{"name": "Claire", "rpps": "1"}]},
        {"existing_partnerships": [{"row": "hopital"}]},
        {"calendar": [{"row": "letter", "start": "2027-03", "end": "2027-04"}]},
        {"legal_structure": {"status": "peut-être"}},
    ],
)
def test_the_schema_refuses_what_is_not_the_stored_form(wrong):
    assert not Draft202012Validator(answers_schema(OCCITANIE)).is_valid(wrong)


def test_a_column_of_choices_is_read_and_shown():
    table = field(
        FieldKind.TABLE,
        max_rows=10,
        columns=(
            Column(key="stage", kind=ColumnKind.CHOICE, label="Étape", options=CHOICE.options),
        ),
    )
    assert normalise(table, [["Une idée"]]) == [{"stage": "idea"}]
    assert display(table, [{"stage": "idea"}]).rows == ((Cell(lines=("Une idée",)),),)
