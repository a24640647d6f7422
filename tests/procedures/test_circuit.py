"""The circuits as data: what the four files say, and what a wrong one is told."""

import csv
from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings

from procedures import registry
from procedures.circuit import ConsultationKind, Silence, SilenceOfBody
from procedures.loader import ProcedureFilesError
from procedures.registry import load
from procedures.schema import ProcedureKind
from tests.procedures.small import SMALL, write

# A circuit that has everything, to be broken in one place.
BEFORE = 'source = "Usage."\n'
WHOLE = """\
source = "Usage."

[[circuit.consultations]]
key = "urps"
label = "URPS"
kind = "expected"
body = "urps"
scope = "region"
days = 21
grid = "criteria"
silence = "no_opinion"
source = "Guide."

[[circuit.consultations]]
key = "committee"
label = "Comité"
kind = "expected"
body = "committee"
scope = "department"
organisations = ["cats-44"]
stage = 2
days = 30
silence = "deemed_given"
source = "Cahier."

[circuit.reminders]
before = [7, 2]
after = [1]

[[circuit.grids]]
key = "criteria"
label = "Critères"
source = "Guide."
scale = [{ value = 0, label = "Non" }, { value = 1, label = "Oui" }]
criteria = [{ key = "missions", label = "Missions" }]

[circuit.synthesis]
by = "ars_branch"
transmitted_to = "ars"
label = "Synthèse"
source = "Guide."

[circuit.meeting]
label = "Réunion"
held_by = ["ars"]
source = "Lettre."

[[circuit.financing]]
key = "aid"
label = "Aide"
paid_by = "ars"
amount = 15000
valid_from = 2019-01-01
source = "Cahier."
"""


def circuits(kind=ProcedureKind.LETTER_OF_INTENT):
    return {p.key: p.circuit for p in registry.all_procedures(kind)}


def test_each_region_says_who_decides_and_what_silence_means():
    assert {
        key: (
            [decider.value for decider in circuit.decision.by],
            circuit.decision.after,
            circuit.decision.is_joint,
            (circuit.period.months, circuit.period.silence),
        )
        for key, circuit in circuits().items()
    } == {
        "hauts-de-france": (["ars", "cpam"], "", True, (2, Silence.REFUSAL)),
        "national": (["ars"], "", False, (2, Silence.REFUSAL)),
        "occitanie": (["ars"], "urps", False, (2, Silence.REFUSAL)),
        "pays-de-la-loire": (["ars"], "regional_committee", False, (2, Silence.REFUSAL)),
    }


def test_each_region_says_who_is_consulted():
    expected, information = ConsultationKind.EXPECTED, ConsultationKind.INFORMATION
    assert {
        key: [
            (line.key, line.kind, line.body.value, line.scope.value, line.stage, line.days)
            for line in circuit.consultations
        ]
        for key, circuit in circuits().items()
    } == {
        "hauts-de-france": [("cpam", information, "cpam", "department", 1, None)],
        "national": [],
        "occitanie": [("urps", expected, "urps", "region", 1, 21)],
        "pays-de-la-loire": [
            ("regional_committee", expected, "committee", "region", 1, 30),
            ("cpam", information, "cpam", "department", 1, None),
        ],
    }
    assert {key for key, circuit in circuits().items() if circuit.expects_opinions} == {
        "occitanie",
        "pays-de-la-loire",
    }


def test_silence_validates_a_health_project_everywhere():
    """CSP, L. 1434-12: two months, and only the ARS can oppose."""
    found = circuits(ProcedureKind.HEALTH_PROJECT)
    assert {
        key: (
            [decider.value for decider in circuit.decision.by],
            circuit.decision.after,
            (circuit.period.months, circuit.period.silence),
        )
        for key, circuit in found.items()
    } == {
        "hauts-de-france-projet": (["ars", "cpam"], "", (2, Silence.ACCEPTANCE)),
        "national-projet": (["ars"], "cpam", (2, Silence.ACCEPTANCE)),
        "occitanie-projet": (["ars"], "cpam", (2, Silence.ACCEPTANCE)),
        "pays-de-la-loire-projet": (["ars"], "regional_committee", (2, Silence.ACCEPTANCE)),
    }


def test_who_is_consulted_on_a_health_project():
    expected, information = ConsultationKind.EXPECTED, ConsultationKind.INFORMATION
    opinion = [("cpam", expected, "cpam", "department", 1, 30)]
    assert {
        key: [
            (line.key, line.kind, line.body.value, line.scope.value, line.stage, line.days)
            for line in circuit.consultations
        ]
        for key, circuit in circuits(ProcedureKind.HEALTH_PROJECT).items()
    } == {
        "hauts-de-france-projet": [("cpam", information, "cpam", "department", 1, None)],
        "national-projet": opinion,
        "occitanie-projet": opinion,
        "pays-de-la-loire-projet": [
            ("cats", expected, "committee", "department", 1, 21),
            ("cts", information, "committee", "department", 1, None),
            ("regional_committee", expected, "committee", "region", 2, 21),
            ("corecs", information, "committee", "region", 2, None),
        ],
    }


def test_occitanie_judges_three_criteria_and_the_guichet_sums_up():
    circuit = circuits()["occitanie"]
    (line,) = circuit.consultations
    grid = circuit.grid(line.grid)
    assert [criterion.key for criterion in grid.criteria] == [
        "missions",
        "mobilisation",
        "territory",
    ]
    assert [mark.value for mark in grid.scale] == [0, 1, 2, 3]
    assert grid.mark(3).label == "Très satisfaisant"
    assert grid.mark(4) is None
    assert line.silence == SilenceOfBody.NO_OPINION
    assert (circuit.synthesis.by, circuit.synthesis.transmitted_to) == ("one_stop_desk", "ars")


def test_each_aid_has_its_amount_its_dates_and_its_source():
    assert {
        (key, aid.key): (aid.amount, aid.is_ceiling, aid.paid_by.value)
        for key, circuit in circuits().items()
        for aid in circuit.financing
    } == {
        ("occitanie", "fir_writing"): (None, False, "ars"),
        ("occitanie", "urps_aid"): (Decimal(8000), True, "urps"),
        ("pays-de-la-loire", "fir_engineering"): (Decimal(15000), False, "ars"),
    }
    aid = circuits()["pays-de-la-loire"].financing[0]
    assert [aid.is_in_force(date(*day)) for day in ((2018, 12, 31), (2019, 1, 1))] == [False, True]


def test_only_hauts_de_france_holds_a_meeting():
    assert {key: c.meeting is not None for key, c in circuits().items()} == {
        "hauts-de-france": True,
        "national": False,
        "occitanie": False,
        "pays-de-la-loire": False,
    }


def test_the_organisations_the_plans_need_come_with_the_portal():
    known: dict[tuple[str, str], set[str]] = {}
    codes = set()
    for path in sorted((settings.BASE_DIR / "fixtures" / "organisations").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                codes.add(row["code"])
                known.setdefault((row["kind"], row["region"]), set()).add(row["code"])
    assert {
        (p.key, line.key): len(known.get((line.body, p.region_code), ()))
        for p in registry.all_procedures()
        for line in p.circuit.consultations
        if line.scope == "region" and not line.organisations
    } == {("occitanie", "urps"): 10}
    named = {
        code
        for procedure in registry.all_procedures()
        for line in procedure.circuit.consultations
        for code in line.organisations
    }
    assert named - codes == set()


def test_a_whole_circuit_is_read(tmp_path):
    write(tmp_path, (BEFORE, WHOLE))
    (procedure,) = load(tmp_path).procedures
    circuit = procedure.circuit
    assert (circuit.stages, [line.key for line in circuit.lines_of(2)]) == ((1, 2), ["committee"])
    assert circuit.line("committee").organisations == ("cats-44",)
    assert (circuit.reminders.before, circuit.reminders.after) == ((7, 2), (1,))


BAD = [
    pytest.param(
        ('silence = "refusal"', 'silence = "rejet"'),
        "[circuit] › [period] › clé « silence » : sens du silence inconnu « rejet » (connus : "
        "refusal, acceptance).",
        id="unknown silence",
    ),
    pytest.param(
        ("months = 2", "months = 0"),
        "[circuit] › [period] › clé « months » : 0 est hors limites : de 1 à 12.",
        id="no month",
    ),
    pytest.param(
        ('by = ["ars"]\nsource = "Usage."', 'by = ["cpam"]\nsource = "Usage."'),
        "[circuit] › [decision] › clé « by » : l’ARS décide toujours, seule ou avec un autre "
        "organisme.",
        id="the ARS does not decide",
    ),
    pytest.param(
        ('by = ["ars"]\nsource = "Usage."', 'by = ["ars", "maire"]\nsource = "Usage."'),
        "[circuit] › [decision] › clé « by » : décideur inconnu « maire » (connus : ars, cpam).",
        id="unknown decider",
    ),
    pytest.param(
        ('by = ["ars"]\nsource = "Usage."', 'by = []\nsource = "Usage."'),
        "[circuit] › [decision] › clé « by » : dites au moins un décideur.",
        id="nobody decides",
    ),
    pytest.param(
        ('by = ["ars"]\n', 'by = ["ars"]\nafter = "mairie"\n'),
        "[circuit] : la décision attend « mairie », dont aucun avis n’est demandé.",
        id="the decision waits for nobody",
    ),
    pytest.param(
        ("days = 21\n", ""),
        "[circuit] › consultations[1] « urps » › clé « days » : il manque cette clé (nombre "
        "entier attendu).",
        id="an opinion without deadline",
    ),
    pytest.param(
        ('kind = "expected"', 'kind = "information"'),
        "[circuit] › consultations[1] « urps » › clé « days » : clé inconnue ici.",
        id="a deadline for a body that is only informed",
    ),
    pytest.param(
        ('silence = "no_opinion"', 'silence = "favourable"'),
        "[circuit] › consultations[1] « urps » › clé « silence » : sens du silence inconnu "
        "« favourable » (connus : no_opinion, deemed_given).",
        id="unknown silence of a body",
    ),
    pytest.param(
        ('grid = "criteria"', 'grid = "criterias"'),
        "[circuit] : « urps » cite une grille inconnue « criterias ».",
        id="unknown grid",
    ),
    pytest.param(
        ('grid = "criteria"\n', ""),
        "[circuit] : aucune consultation ne remplit la grille « criteria ».",
        id="a grid nobody fills in",
    ),
    pytest.param(
        ('key = "committee"', 'key = "urps"'),
        "[circuit] › clé « consultations » : consultation « urps » en double.",
        id="two lines with one key",
    ),
    pytest.param(
        ("stage = 2", "stage = 3"),
        "[circuit] › clé « consultations » : les étapes se suivent à partir de 1, sans en sauter.",
        id="a stage left out",
    ),
    pytest.param(
        ('organisations = ["cats-44"]', 'organisations = ["CATS 44"]'),
        "[circuit] › consultations[2] « committee » › clé « organisations » : « CATS 44 » n’est "
        "pas un code d’organisme.",
        id="no code",
    ),
    pytest.param(
        ('body = "committee"', 'body = "mairie"'),
        "[circuit] › consultations[2] « committee » › clé « body » : organisme inconnu « mairie » "
        "(connus : ars, ars_branch, one_stop_desk, urps, cpam, msa, committee).",
        id="unknown body",
    ),
    pytest.param(
        ("before = [7, 2]", "before = [7, 7]"),
        "[circuit] › [reminders] › clé « before » : un jour y est deux fois.",
        id="a reminder twice",
    ),
    pytest.param(
        ("after = [1]", 'after = ["demain"]'),
        "[circuit] › [reminders] › clé « after » : liste de jours attendue, chacun de 1 à 120.",
        id="a reminder that is no number",
    ),
    pytest.param(
        (', { value = 1, label = "Oui" }', ""),
        "[circuit] › grids[1] « criteria » › clé « scale » : une échelle demande au moins deux "
        "notes.",
        id="one mark",
    ),
    pytest.param(
        ("{ value = 1,", "{ value = 0,"),
        "[circuit] › grids[1] « criteria » › clé « scale » : les notes vont de la plus basse à la "
        "plus haute, chacune une fois.",
        id="a mark twice",
    ),
    pytest.param(
        ('[{ key = "missions", label = "Missions" }]', "[]"),
        "[circuit] › grids[1] « criteria » › clé « criteria » : la liste est vide.",
        id="no criterion",
    ),
    pytest.param(
        ('by = "ars_branch"', 'by = "one_stop_desk"'),
        "[circuit] : la synthèse revient à l’organisme qui reçoit le dossier.",
        id="a synthesis by somebody else",
    ),
    pytest.param(
        ('transmitted_to = "ars"', 'transmitted_to = "cpam"'),
        "[circuit] › [synthesis] › clé « transmitted_to » : la synthèse va à l’ARS ou à un de ses "
        "bureaux.",
        id="a synthesis sent elsewhere",
    ),
    pytest.param(
        ('held_by = ["ars"]', "held_by = []"),
        "[circuit] › [meeting] › clé « held_by » : dites au moins un organisme.",
        id="a meeting nobody holds",
    ),
    pytest.param(
        ("amount = 15000", "is_ceiling = true"),
        "[circuit] › financing[1] « aid » › clé « is_ceiling » : un plafond demande un montant "
        "(« amount »).",
        id="a ceiling without amount",
    ),
    pytest.param(
        ("valid_from = 2019-01-01", "valid_from = 2019-01-01\nvalid_to = 2018-01-01"),
        "[circuit] › financing[1] « aid » › clé « valid_to » : la fin de validité précède son "
        "début.",
        id="an aid that ends before it begins",
    ),
    pytest.param(
        ("amount = 15000", 'amount = "15 000 €"'),
        "[circuit] › financing[1] « aid » › clé « amount » : nombre entier attendu, pas un texte.",
        id="an amount in words",
    ),
    pytest.param(
        ("[circuit.meeting]", "[circuit.meetings]"),
        "[circuit] › clé « meetings » : clé inconnue ici. Vouliez-vous « meeting » ?",
        id="a typo in a table",
    ),
]


@pytest.mark.parametrize(("change", "fault"), BAD)
def test_a_wrong_circuit_is_refused_with_its_place_and_its_reason(tmp_path, change, fault):
    write(tmp_path, (BEFORE, WHOLE), change)
    with pytest.raises(ProcedureFilesError) as caught:
        load(tmp_path)
    faults = [one.replace("\u00a0", " ") for one in caught.value.faults]
    assert faults[0] == f"essai-1.toml : {fault}"


def test_a_procedure_without_circuit_is_refused(tmp_path):
    start, end = SMALL.index("[circuit]"), SMALL.index("[[attachments]]")
    write(tmp_path, (SMALL[start:end], ""))
    with pytest.raises(ProcedureFilesError) as caught:
        load(tmp_path)
    (fault,) = caught.value.faults
    assert fault.replace("\u00a0", " ") == (
        "essai-1.toml : clé « circuit » : il manque cette clé (table attendu)."
    )


def test_a_synthesis_and_reminders_need_an_opinion_to_wait_for(tmp_path):
    start, end = WHOLE.index("[[circuit.consultations]]"), WHOLE.index("[circuit.reminders]")
    grids, synthesis = WHOLE.index("[[circuit.grids]]"), WHOLE.index("[circuit.synthesis]")
    nobody = WHOLE[:start] + WHOLE[end:grids] + WHOLE[synthesis:]
    write(tmp_path, (BEFORE, nobody))
    with pytest.raises(ProcedureFilesError) as caught:
        load(tmp_path)
    assert [one.replace("\u00a0", " ") for one in caught.value.faults] == [
        "essai-1.toml : [circuit] : une synthèse demande au moins un avis attendu.",
        "essai-1.toml : [circuit] : des rappels sans avis attendu : personne ne les recevrait.",
    ]
