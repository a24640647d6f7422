"""What decisions rest on: the file the portal comes with, and what is refused of another."""

from pathlib import Path

import pytest

from procedures.decisions import ANY_TRIBUNAL, Nature, Outcome, decision_parameters, load_parameters
from procedures.toml import ProcedureFilesError

HEAD = """
[remedies]
months = 2
minister = "ministre chargé de la santé"
source = "CJA"
[withdrawal]
months = 4
source = "CRPA"
"""
REASON = """
[[reasons]]
key = "{key}"
nature = "{nature}"
outcomes = {outcomes}
label = "Le territoire"
text = "{text}"
source = "Source"
"""


def written(tmp_path: Path, *reasons: str, head: str = HEAD) -> Path:
    path = tmp_path / "decisions.toml"
    path.write_text(head + "".join(reasons), encoding="utf-8")
    return path


def reason(**changes: str) -> str:
    known = {
        "key": "territory",
        "nature": "fact",
        "outcomes": '["accept"]',
        "text": "Considérant que le territoire est pertinent",
    }
    return REASON.format(**{**known, **changes})


def test_the_portal_s_own_file_motivates_both_outcomes_in_law_and_in_fact() -> None:
    parameters = decision_parameters()
    assert (parameters.remedy_months, parameters.withdrawal_months) == (2, 4)
    for nature in Nature:
        offered = parameters.reasons_for("76", nature)
        assert {outcome for one in offered for outcome in one.outcomes} == set(Outcome)
    only_there = {one.key for one in parameters.reasons if one.regions == ("52",)}
    assert only_there
    assert not only_there & {one.key for one in parameters.reasons_for("76", Nature.LAW)}


def test_a_tribunal_is_named_where_it_is_known_and_described_elsewhere() -> None:
    parameters = decision_parameters()
    assert parameters.tribunal("32") == "tribunal administratif de Lille"
    assert parameters.tribunal("84") == ANY_TRIBUNAL


@pytest.mark.parametrize(
    ("reasons", "fault"),
    [
        ([reason(nature="law")], "la phrase commence par « Vu »"),
        ([reason(outcomes='["perhaps"]')], "accept, refuse"),
        ([reason(outcomes="[]")], "accept, refuse"),
        ([reason(), reason()], "deux motifs ont la clé « territory »"),
        ([reason() + 'colour = "rouge"\n'], "clé inconnue ici"),
        ([], "reasons"),
    ],
)
def test_a_faulty_file_is_refused_with_its_reason(
    tmp_path: Path, reasons: list[str], fault: str
) -> None:
    with pytest.raises(ProcedureFilesError) as refused:
        load_parameters(written(tmp_path, *reasons))
    said = " ".join(refused.value.faults).replace("\u00a0", " ")
    assert fault in said


def test_a_file_without_its_periods_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcedureFilesError) as refused:
        load_parameters(written(tmp_path, reason(), head=""))
    assert len(refused.value.faults) == 2
