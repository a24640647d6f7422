"""The answers carried into the letter of intent: its table, its team, its words and its annex."""

import re
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from desks.play_questionnaire import drawn_answers, play_questionnaire
from documents.models import Attachment
from letters.models import LetterOfIntent
from mobilisation import carrying, services
from mobilisation.models import Questionnaire
from outbox.models import OutboxEvent
from outbox.services import deliver
from tests import factories
from tests.documents.pdf import flat_text
from tests.letters import cases
from tests.mobilisation import polling
from tests.mobilisation.test_results_of_answers import given
from workflow.models import CaseAttachment
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


def written(region: str = "76") -> tuple[LetterOfIntent, Questionnaire]:
    """A draft letter and the open questionnaire of its CPTS."""
    communes = polling.INSIDE if region == "76" else ("62041", "59350")
    letter = cases.draft(region, communes=communes)
    if region == "76":
        return letter, polling.opened(letter.community)
    body = factories.organisation("urps", region=letter.region)
    return letter, polling.opened(letter.community, urps=body)


def carry(one: Questionnaire, letter: LetterOfIntent, **options: Any) -> list[str]:
    parts = carrying.proposal_for(one, letter).parts
    chosen = {part.key: part.revision for part in parts}
    return carrying.carry(
        one, letter, chosen, **({"with_annex": True, "by": one.created_by} | options)
    )


def draw_annex() -> None:
    for event in OutboxEvent.objects.filter(handler="mobilisation.annex", done_at=None):
        assert deliver(event.pk), OutboxEvent.objects.get(pk=event.pk).last_error


def content_of(held: Attachment) -> bytes:
    with held.file.open("rb") as file:
        return file.read()


def answer_of(letter: LetterOfIntent, key: str) -> Any:
    return letter.answers.get(key=key).value


def test_eight_hundred_answers_over_tarn_ouest_fill_the_letter(
    loaded_organisations: None, settings: Any
) -> None:
    settings.DEMO = True
    said: list[str] = []
    played = play_questionnaire(said.append, delivers=False)
    draw_annex()
    one, letter = played.questionnaire, played.letter

    # The counts, worked out again from what was drawn.
    codes = {code for code, _ in services.communes_of(one.community)}
    drawn = list(drawn_answers(one, 800))
    inside = [d for d in drawn if d["commune"] and d["commune"].code in codes]
    willing = Counter(d["profession"] for d in inside if d["interest"] >= 3)
    assert (len(drawn), one.replies.count(), played.results.total) == (800, 800, 800)
    rows = {row["row"]: row for row in answer_of(letter, "solicited_professionals")}
    assert {key: int(row["willing"] or 0) for key, row in rows.items()} == {
        key: willing[key] for key in rows}  # fmt: skip
    assert rows["nurses"]["identified"] == "262"
    assert rows["other"]["label"] == "professions citées dans le questionnaire"
    assert letter.missing_for("deposit") == []

    annex = CaseAttachment.objects.get(case=letter, slot="questionnaire").attachment
    text = flat_text(content_of(annex))
    nurses = next(t for t in played.results.professions if t.key == "nurses")
    line = rf"Infirmier {nurses.total} {nurses.willing} {nurses.outside} 262"
    assert re.search(line, text), text[:1500]
    assert f"Ensemble {len(inside)} {sum(willing.values())} {800 - len(inside)}" in text
    assert ("@" in text, "Amalric" in text) == (False, False)


def test_the_team_of_the_letter_grows_with_those_who_accept_to_be_named() -> None:
    letter, one = written()
    services.write_counts(one, {"nurses": (12, 30)}, by=one.created_by)
    given(one, last_name="Fabre", first_name="Zoé", may_name=True)
    given(one, last_name="Discret", first_name="Alix")
    given(one, last_name="Curieux", first_name="Luc", may_name=True, interest=2)
    given(one, last_name="Voisin", first_name="Luc", may_name=True, commune_id=polling.OUTSIDE)
    assert len(carry(one, letter)) == 4
    team = [(row["name"], row["profession"], row["place"]) for row in answer_of(letter, "team")]
    assert team == [("FABRE Zoé", "Infirmier", "Lavaur")]
    # Carried again, nobody is there twice and nothing else is written.
    given(one, last_name="FABRE", first_name="Zoe", may_name=True, email="autre@exemple.test")
    carry(one, letter)
    assert [row["name"] for row in answer_of(letter, "team")] == ["FABRE Zoé"]
    nurses = next(r for r in answer_of(letter, "solicited_professionals") if r["row"] == "nurses")
    assert nurses == {"row": "nurses", "identified": "12", "solicited": "30", "willing": "3"}


def test_the_annex_takes_the_place_of_the_one_before() -> None:
    letter, one = written()
    given(one, answers={"difficulties_text": "=1+1 <b>fort</b>"}, last_name="Secret")
    for _ in range(2):
        given(one)
        carry(one, letter)
        draw_annex()
    held = CaseAttachment.objects.get(case=letter, slot="questionnaire").attachment
    text = flat_text(content_of(held))
    assert ("=1+1 <b>fort</b>" in text, "Secret" in text, "exemple.test" in text) == (
        True, False, False)  # fmt: skip


def test_a_letter_without_a_table_receives_the_counts_in_words() -> None:
    letter, one = written("32")
    given(one, 2, commune_id="62041")
    carry(one, letter, with_annex=False)
    said = answer_of(letter, "communication").replace("\u00a0", " ")
    assert "Infirmier : ? identifiés, ? sollicités, 2 souhaitant participer" in said


def test_a_field_changed_meanwhile_is_not_written_over() -> None:
    letter, one = written()
    given(one)
    chosen = {part.key: part.revision for part in carrying.proposal_for(one, letter).parts}
    carry(one, letter, with_annex=False)
    given(one, profession="dentists")
    with pytest.raises(ActionRefusedError, match="vient d’être changé"):
        carrying.carry(one, letter, chosen, with_annex=False, by=one.created_by)


def test_a_deposited_letter_and_a_stranger_are_refused() -> None:
    letter, one = written()
    given(one)
    with pytest.raises(PermissionDenied):
        carry(one, letter, by=factories.user())
    cases.fill(letter)
    cases.file(letter)
    with pytest.raises(ActionRefusedError, match="n’est plus un brouillon"):
        carry(one, letter)
    page = polling.signed_in(one.created_by).get(polling.url(one, "lettre/")).content.decode()
    assert "pas de lettre d’intention en cours" in page


def test_the_page_writes_what_is_ticked_and_no_more() -> None:
    letter, one = written()
    given(one, 2)
    client = polling.signed_in(one.created_by)
    page = client.get(polling.url(one, "lettre/")).content.decode()
    assert page.count('type="checkbox"') == 3
    sent = client.post(polling.url(one, "lettre/"), {"part-counts": "on", "rev-counts": "0"})
    assert sent.url == f"/lettres/{letter.public_id}/"
    keys = set(letter.answers.values_list("key", flat=True))
    assert ("solicited_professionals" in keys, "contact_methodology" in keys) == (True, False)
    assert client.get(polling.url(one, "annexe.pdf"))["Content-Type"] == "application/pdf"
