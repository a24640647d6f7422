"""The circuits played by one command: to a decision, by the services, as often as one likes."""

import hashlib
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from desks.play import CIRCUITS, OPINIONS
from letters.models import LetterOfIntent
from outbox.models import Mail, OutboxEvent
from workflow.models import CaseDocument, Consultation, Grant, InformationMeeting, Opinion, Reserve

pytestmark = pytest.mark.django_db


@pytest.fixture
def demonstration(settings: Any, loaded_organisations: None) -> None:
    settings.DEMO = True


def played(circuit: str, folder: Path | None = None) -> str:
    said = StringIO()
    where = ["--output", str(folder)] if folder else []
    call_command("play_scenario", circuit, *where, stdout=said)
    return said.getvalue()


def moves(letter: LetterOfIntent) -> list[str]:
    return list(letter.transition_logs.order_by("pk").values_list("transition", flat=True))


def check_files(folder: Path) -> None:
    """What was written is what was issued, every one of them."""
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert hashes == set(CaseDocument.objects.values_list("document__sha256", flat=True))


def test_occitanie_goes_from_the_deposit_to_a_decision_with_reserves_and_aids(
    demonstration: None, tmp_path: Path
) -> None:
    said = played("occitanie", tmp_path / "pdf")
    letter = LetterOfIntent.objects.get()
    assert (letter.state, letter.version) == ("accepted", 2)
    assert moves(letter) == [
        "deposit",
        "start_consultation",
        "transmit",
        "take_up",
        "request_completion",
        "answer_completion",
        "propose_decision",
        "accept",
    ]
    positions = Opinion.objects.values_list("position", flat=True)
    assert sorted(positions) == sorted(script.position for script in OPINIONS.values())
    states = Consultation.objects.filter(kind="expected").values_list("state", flat=True)
    assert sorted(states) == ["given"] * 9 + ["silent"]
    assert sorted((one.key, one.paid_on is None) for one in Grant.objects.all()) == [
        ("fir_writing", False),
        ("urps_aid", False),
    ]
    assert [one.lifted_at is None for one in Reserve.objects.order_by("rank")] == [False, True]
    assert "se déporte" in said
    assert "Accepté" in said
    check_files(tmp_path / "pdf")
    assert OutboxEvent.objects.filter(done_at=None).count() == 0
    assert Mail.objects.filter(sent_at=None).count() == 0


def test_hauts_de_france_signs_in_both_orders_and_holds_its_meeting(
    demonstration: None, tmp_path: Path
) -> None:
    played("hauts-de-france", tmp_path / "pdf")
    letters = LetterOfIntent.objects.order_by("pk")
    assert [letter.state for letter in letters] == ["accepted", "accepted"]
    signed = [
        list(
            letter.decisions.get()
            .parties.order_by("approvals__approved_at")
            .values_list("organisation__kind", flat=True)
        )
        for letter in letters
    ]
    assert signed == [["ars", "cpam"], ["cpam", "ars"]]
    assert [one.held_on is not None for one in InformationMeeting.objects.all()] == [True]
    check_files(tmp_path / "pdf")


def test_pays_de_la_loire_decides_after_its_committee_with_its_aid(
    demonstration: None, tmp_path: Path
) -> None:
    played("pays-de-la-loire", tmp_path / "pdf")
    letter = LetterOfIntent.objects.get()
    assert letter.state == "accepted"
    assert moves(letter) == [
        "deposit",
        "start_consultation",
        "end_consultation",
        "propose_decision",
        "accept",
    ]
    assert [(one.key, one.amount) for one in Grant.objects.all()] == [("fir_engineering", 15_000)]
    check_files(tmp_path / "pdf")


def test_played_twice_it_makes_new_cases_and_settles_what_they_share(demonstration: None) -> None:
    played("pays-de-la-loire")
    people = User.objects.count()
    said = played("pays-de-la-loire")
    titles = LetterOfIntent.objects.order_by("pk").values_list("title", "state")
    assert list(titles) == [
        ("CPTS Erdre et Cens", "accepted"),
        ("CPTS Erdre et Cens (2)", "accepted"),
    ]
    assert User.objects.count() == people
    assert "arbitre 3 commune(s)" in said
    # The summary is that of the second play alone.
    assert len(re.findall(r"^  LI-52", said, re.MULTILINE)) == 1


def test_a_portal_that_people_use_refuses(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="Rien n’a été écrit"):
        call_command("play_scenario", stdout=StringIO())
    assert User.objects.count() == 0


def test_without_the_organisations_it_says_what_to_run(settings: Any) -> None:
    settings.DEMO = True
    with pytest.raises(CommandError, match="load_organisations"):
        call_command("play_scenario", stdout=StringIO())


def test_each_circuit_has_a_name_a_person_can_type() -> None:
    assert list(CIRCUITS) == ["occitanie", "hauts-de-france", "pays-de-la-loire"]
