"""What the answers add up to, for the team and the URPS; what stays once they are deleted."""

import io
from datetime import timedelta

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mobilisation import forgetting, links, services, telling
from mobilisation.map import steps_of
from mobilisation.models import Interest, Questionnaire, Reply
from mobilisation.results import results_of
from outbox.models import Mail
from territories.services import add_communes
from tests.documents.pdf import flat_text, page_texts
from tests.mobilisation import polling
from workflow.models import Case, TransitionLog

pytestmark = pytest.mark.django_db


def given(one: Questionnaire, count: int = 1, **changes: object) -> list[Reply]:
    """Answers written straight to the table: pages are tried in test_answers.py."""
    known = one.replies.count()
    made = []
    for rank in range(known, known + count):
        values = {
            "profession": "nurses", "commune_id": "81140", "interest": 3, "missions": [],
            "answers": {}, "last_name": "Fabre", "first_name": f"Claire {rank}",
            "email": f"r{rank}@exemple.test", "phone": "05 61 22 33 44", "structure": "MSP",
        } | changes  # fmt: skip
        reply = Reply(questionnaire=one, form_mark=f"{one.pk}-{rank}", **values)
        links.issue(reply)
        made.append(reply)
    return Reply.objects.bulk_create(made)


def test_answers_are_counted_by_profession_commune_mission_and_question() -> None:
    one = polling.opened()
    given(one, 3, missions=["prevention"], answers={"difficulties": ["isolation", "same_day"]})
    given(one, 2, profession="dentists", commune_id="81271", interest=1, email="")
    given(one, 1, commune_id=polling.OUTSIDE, missions=["prevention"])
    given(one, 1, commune_id=None, place="Ailleurs", profession="dentists")
    given(one, 1, counted=False)
    services.write_counts(one, {"nurses": (12, 4), "astrologers": (1, 1)}, by=one.created_by)
    found = results_of(one)

    tallies = {t.key: t for t in found.professions}
    nurses, dentists = tallies["nurses"], tallies["dentists"]
    assert (nurses.total, nurses.willing, nurses.outside) == (3, 3, 1)
    assert (nurses.identified, nurses.solicited, nurses.ratio) == (12, 4, 25)
    assert (dentists.total, dentists.willing, dentists.outside, dentists.ratio) == (2, 0, 1, None)
    assert (found.all.total, found.all.outside, found.total, found.anonymous) == (5, 2, 7, 2)
    assert {c.key: c.total for c in found.communes.values()} == {"81140": 3, "81271": 2}
    assert dict(found.missions)["Mener ensemble des actions de prévention"] == 3
    asked = dict(found.questions)["Qu’est-ce qui vous pose problème aujourd’hui\u00a0?"]
    assert {label: count for label, count in asked if count} == {
        "Les demandes du jour": 3, "L’isolement dans mon exercice": 3}  # fmt: skip
    assert [step.label for step in steps_of(found)][:2] == ["aucune réponse", "1 réponse"]


def test_a_commune_taken_since_brings_its_answers_inside() -> None:
    one = polling.opened(polling.community(communes=("81140",)))
    given(one, 2, commune_id="81271")
    assert results_of(one).all.outside == 2
    add_communes(one.community.territory, ["81271"])
    assert (results_of(one).all.total, results_of(one).all.outside) == (2, 0)


def test_the_pages_cost_the_same_for_one_answer_and_for_three_hundred() -> None:
    one = polling.opened()
    given(one, answers={"difficulties_text": "Un mot."})
    client = polling.signed_in(one.created_by)
    paths = [polling.url(one, tail) for tail in ("", "resultats/", "resultats/textes/")]

    def cost() -> list[int]:
        counts = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            counts.append(len(queries))
        return counts

    before = cost()
    given(one, 300, answers={"difficulties_text": "Un autre."})
    assert cost() == before


def test_what_people_wrote_is_grouped_and_never_read_as_a_page_or_a_formula() -> None:
    one = polling.opened()
    nasty = "<script>alert(1)</script>"
    given(one, answers={"difficulties_text": nasty}, may_contact=True, last_name="=cmd|' /C calc'")
    given(one, profession="dentists", answers={"difficulties_text": "=HYPERLINK(1)"})
    client = polling.signed_in(one.created_by)
    page = client.get(polling.url(one, "resultats/textes/")).content.decode()
    assert (nasty in page, "&lt;script&gt;" in page) == (False, True)
    assert page.index("Infirmier</h3>") < page.index("&lt;script&gt;")
    only = client.get(polling.url(one, "resultats/textes/?profession=dentists")).content.decode()
    assert ("HYPERLINK" in only, "script&gt;alert" in only) == (True, False)

    text = client.get(polling.url(one, "reponses.csv")).content.decode("utf-8-sig")
    assert ("'=HYPERLINK(1)" in text, "'=cmd|" in text) == (True, True)
    book = openpyxl.load_workbook(io.BytesIO(client.get(polling.url(one, "reponses.xlsx")).content))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert "'=HYPERLINK(1)" in {cell.value for cell in cells}
    assert client.get(polling.url(one, "reponses.pdf")).status_code == 404


def test_nobody_is_named_without_their_consent_nor_to_the_urps() -> None:
    one = polling.opened()
    given(one, last_name="Discret", email="discret@exemple.test")
    given(one, last_name="Volontaire", email="volontaire@exemple.test", may_contact=True)
    given(one, last_name="Nommé", email="nomme@exemple.test", may_name=True)
    team = polling.signed_in(one.created_by).get(polling.url(one, "reponses.csv")).content.decode()
    urps = polling.signed_in(polling.president(one.urps)).get(polling.url(one, "reponses.csv"))
    said = ("Discret", "discret@", "Volontaire", "volontaire@", "Nommé", "nomme@")
    assert [word in team for word in said] == [False, False, True, True, True, False]
    assert [word in urps.content.decode() for word in said] == [False] * 6


def test_the_map_and_the_poster_are_drawn() -> None:
    one = polling.opened()
    given(one, 2)
    client = polling.signed_in(one.created_by)
    # No outline is loaded here: the page does without the map.
    assert client.get(polling.url(one, "resultats/carte.svg")).status_code in {200, 404}
    poster = client.get(polling.url(one, "affiche.pdf"))
    text = flat_text(poster.content)
    assert (f"/q/{one.code}/" in text, len(page_texts(poster.content))) == (True, 1)
    assert one.urps.name in text


def test_counts_are_given_by_the_team_or_the_urps_and_a_mistake_is_said() -> None:
    one = polling.opened()
    president = polling.president(one.urps)
    for person, number in ((one.created_by, "12"), (president, "14")):
        client = polling.signed_in(person)
        sent = client.post(polling.url(one, "effectifs/"), {"identified_nurses": number})
        assert sent.status_code == 302
    line = one.profession_counts.get()
    assert (line.identified, line.solicited, line.given_by, line.given_for) == (
        14, None, president, one.urps)  # fmt: skip
    wrong = client.post(polling.url(one, "effectifs/"), {"identified_nurses": "douze"})
    assert (wrong.status_code, "nombre entier" in wrong.content.decode()) == (422, True)


def test_meetings_held_are_noted_as_the_letter_lists_them() -> None:
    one = polling.opened()
    client = polling.signed_in(one.created_by)
    held = {"held_on": "2026-03-03", "place": "Lavaur", "invited": "406", "present": "61"}
    assert client.post(polling.url(one, "reunions/"), held).status_code == 302
    to_come = held | {"held_on": f"{timezone.localdate() + timedelta(days=2)}"}
    assert client.post(polling.url(one, "reunions/"), to_come).status_code == 422
    page = client.get(polling.url(one, "reunions/")).content.decode()
    line = "3 mars 2026, Lavaur\u00a0: 406 invitations, 61 présents."
    assert line in page
    gathering = one.gatherings.get()
    client.post(polling.url(one, f"reunions/{gathering.pk}/retirer/"))
    assert not one.gatherings.exists()


# --- Forgetting -----------------------------------------------------------------------------------


def closed() -> Questionnaire:
    one = polling.opened()
    given(one, 3, missions=["prevention"], answers={"difficulties": ["isolation"]})
    services.close_questionnaire(one, by=one.created_by)
    return polling.fresh(one)


def test_answers_are_deleted_a_year_after_the_end_and_their_counts_stay() -> None:
    one = closed()
    before = results_of(one)
    telling.thank(reply=one.replies.first().pk)
    assert Mail.objects.filter(subject__contains="réponse").exists()
    year = timezone.now() + forgetting.LONGEST_KEPT
    assert forgetting.forget_due(year - timedelta(days=1)) == 0
    assert (forgetting.forget_due(year), forgetting.forget_due(year)) == (1, 0)
    one = polling.fresh(one)
    assert not one.replies.exists()
    assert not Mail.objects.filter(subject__contains="réponse").exists()
    assert results_of(one) == before
    client = polling.signed_in(one.created_by)
    assert client.get(polling.url(one, "resultats/")).status_code == 200
    assert results_of(one).professions[2].interests[Interest.TAKE_PART] == 3
    assert Client().get(f"/q/{one.code}/").status_code == 410


def test_answers_are_deleted_after_the_decision_on_the_letter_they_served() -> None:
    one = closed()
    letter = Case.objects.create(
        kind=Case.Kind.LETTER_OF_INTENT, community=one.community, title="Lettre", region_id="76",
        procedure_key="occitanie", procedure_version=1, created_by=one.created_by,
    )  # fmt: skip
    earlier = one.opened_at - timedelta(days=3)

    def decided(at: object) -> None:
        TransitionLog.objects.create(
            case=letter, transition="accept", from_state="decision_proposed",
            to_state="accepted", at=at,
        )  # fmt: skip

    decided(earlier)
    assert forgetting.forget_due() == 0
    decided(timezone.now())
    assert forgetting.forget_due() == 1
    assert polling.fresh(one).logs.first().action == "forgotten"
