"""« Quelle CPTS couvre ma commune ? », for anybody."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from letters.models import LetterOfIntent
from territories.services import add_part
from tests.letters import cases
from workflow import claims
from workflow.models import Case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]


def decide(case: Case, state: str = "accepted") -> None:
    Case.objects.filter(pk=case.pk).update(state=state)
    claims.settle_stage(Case.objects.get(pk=case.pk))


def decided(*communes: str, region: str = "84") -> LetterOfIntent:
    letter = cases.deposited(region, communes=communes)
    decide(letter)
    return letter


def asked(code: str) -> list[dict[str, Any]]:
    response = Client().get(f"/communes/{code}.json")
    assert response.status_code == 200
    return response.json()["cpts"]


def test_only_what_is_decided_and_stands_covers_a_commune() -> None:
    letter = cases.deposited("84", communes=("01053",))
    assert asked("01053") == []

    decide(letter)
    assert asked("01053") == [
        {
            "name": letter.title,
            "status": "acceptee",
            "status_label": "Lettre acceptée",
            "covers": "whole",
            "parts": [],
            "since": timezone.localdate().isoformat(),
            "page": None,
        }
    ]

    decide(letter, "under_review")  # as a decision that is withdrawn
    assert asked("01053") == []


def test_the_json_says_the_commune_and_nobody_s_name() -> None:
    letter = decided("01053")
    response = Client().get("/communes/01053.json")

    said = response.json()
    assert {key: said[key] for key in ("code", "name", "department", "postal_codes")} == {
        "code": "01053",
        "name": "Bourg-en-Bresse",
        "department": {"code": "01", "name": "Ain"},
        "postal_codes": ["01000"],
    }
    assert letter.created_by.last_name not in response.content.decode()
    assert letter.created_by.email not in response.content.decode()


def test_a_part_of_a_commune_is_said_as_the_cpts_wrote_it() -> None:
    letter = cases.complete("84", communes=("01053",))
    add_part(letter.community.territory, "69266", "Cusset – Bonnevay", 12_000)
    cases.file(letter)
    decide(letter)

    assert [(one["covers"], one["parts"]) for one in asked("69266")] == [
        ("part", ["Cusset – Bonnevay"])
    ]
    page = Client().get("/communes/69266/").content.decode()
    assert "En partie\u00a0: Cusset – Bonnevay" in page


def test_a_city_is_covered_by_its_arrondissements_and_they_by_their_city() -> None:
    decided("69381", "69382")
    assert [one["parts"] for one in asked("69123")] == [
        ["Lyon 1er Arrondissement", "Lyon 2e Arrondissement"]
    ]
    assert asked("69383") == []
    assert [one["covers"] for one in asked("69381")] == ["whole"]

    decided("69123")
    assert [one["covers"] for one in asked("69383")] == ["whole"]


def test_a_commune_is_found_without_accents_by_the_start_of_its_name_or_its_postal_code() -> None:
    def found(text: str) -> list[str]:
        response = Client().get("/communes/", {"q": text})
        return [one.code for one in response.context["found"]]

    assert "81140" in found("lava")
    assert found("bourg en bresse")[0] == "01053"
    assert "81140" in found("81500")
    assert found("zzzz") == []


def test_an_insee_code_opens_its_commune() -> None:
    response = Client().get("/communes/", {"q": "01053"})

    assert (response.status_code, response.headers["Location"]) == (302, "/communes/01053/")


@pytest.mark.parametrize("code", ["99999", "8150", "81500x", "zzzzz", "69000"])
def test_an_unknown_code_is_a_404_in_words(code: str) -> None:
    page, data = Client().get(f"/communes/{code}/"), Client().get(f"/communes/{code}.json")

    assert (page.status_code, data.status_code) == (404, 404)
    assert "Ce code n’est pas celui d’une commune française" in page.content.decode()
    assert data.json()["error"].startswith("Ce code n’est pas celui d’une commune française")


def test_a_former_code_leads_to_the_commune_of_today() -> None:
    data = Client().get("/communes/81091.json")
    page = Client().get("/communes/81091/").content.decode()

    assert (data.status_code, data.json()["current"]) == (404, "81062")
    assert "/communes/81062/" in page
    assert "elle fait aujourd’hui partie" in page


def test_the_same_answer_is_sent_once() -> None:
    for path in ("/communes/01053.json", "/communes/01053/", "/communes/?q=lavaur"):
        first = Client().get(path)
        again = Client().get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (path, again.status_code, again.content) == (path, 304, b"")
    first = Client().get("/communes/01053.json")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    decided("01053")
    later = Client().get("/communes/01053.json", headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200


def test_one_machine_asks_so_many_times_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desks.commune_views.MOST_QUESTIONS", 2)

    def answers(address: str) -> list[int]:
        client = Client(REMOTE_ADDR=address)
        paths = ("/communes/01053.json", "/communes/01053/", "/communes/01053.json")
        return [client.get(path).status_code for path in paths]

    assert answers("192.0.2.1") == [200, 200, 429]
    assert answers("192.0.2.2") == [200, 200, 429]


def test_a_commune_takes_as_many_queries_with_one_cpts_as_with_several() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert Client().get("/communes/69123.json").status_code == 200
        return len(captured)

    decided("69381")
    queries()  # the count of questions begins
    before = queries()
    for code in ("69382", "69383", "69384", "69385"):
        decided(code)

    assert queries() == before
    assert len(asked("69123")) == 5


def test_the_front_page_leads_to_it() -> None:
    assert 'href="/communes/"' in Client().get("/").content.decode()
