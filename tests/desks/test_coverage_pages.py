"""The page of the coverage and its files."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from territories.contours import load_contours
from tests import factories
from tests.letters import cases
from tests.territories.outlines import feature, grid, square, write
from workflow import claims
from workflow.models import Case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]

PAGE = "/bureau/couverture/"
FILES = ("carte.json", "communes.csv", "communes.geojson", "carte.svg")


def decide(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=case.pk))


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def agency() -> Client:
    cases.reference_rows()
    return browser(cases.agent(cases.body("ars", "84")))


@pytest.fixture
def outlined(tmp_path: Path) -> None:
    codes = ["01001", "01004", "01053", "01005"]
    load_contours(write(tmp_path / "01.json", grid(codes, columns=2, department="01")))


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_every_figure_is_the_length_of_the_list_it_leads_to(agency: Client) -> None:
    cases.deposited("84", communes=("01053",))
    decide(cases.deposited("84", communes=("69266", "01004")))

    page = agency.get(PAGE)

    assert [(one.label, one.communes) for one in page.context["figures"]][:4] == [
        ("Contrat signé", "0"),
        ("Projet de santé", "0"),
        ("Lettre acceptée", "2"),
        ("Lettre déposée", "1"),
    ]
    for one in page.context["figures"]:
        listed = agency.get(one.url.partition("#")[0]).context["page"].paginator.count
        assert (one.label, one.communes) == (one.label, f"{listed:,}".replace(",", "\u00a0"))
    for view in ("epci", "departements"):
        for row in agency.get(PAGE, {"vue": view}).context["rows"][:3]:
            for count, url in ((row.communes, row.communes_url), (row.bare_communes, row.bare_url)):
                listed = agency.get(url.partition("#")[0]).context["page"].paginator.count
                assert (row.name, count) == (row.name, f"{listed:,}".replace(",", "\u00a0"))


def test_white_zones_come_by_inhabitants_without_a_cpts(agency: Client) -> None:
    first = agency.get(PAGE, {"vue": "departements"}).context["rows"]
    assert first[0].name == "Rhône (69)"

    decide(cases.deposited("84", communes=("69123", "69266")))
    counts = {
        r.name: r.bare_communes for r in agency.get(PAGE, {"vue": "departements"}).context["rows"]
    }
    before = {one.name: one.bare_communes for one in first}

    assert int(counts["Rhône (69)"]) == int(before["Rhône (69)"]) - 2


def test_a_row_says_who_and_leads_to_the_case_on_one_s_desk(agency: Client) -> None:
    letter = cases.deposited("84", communes=("01053",))

    page = agency.get(PAGE, {"statut": "deposee"})

    (row,) = page.context["rows"]
    assert (row.name, row.label, row.letter) == ("Bourg-en-Bresse", "Lettre déposée", "D")
    assert [one.label for one in row.holders] == [f"{letter.title}, {letter.reference}"]
    assert f"/dossiers/{letter.public_id}/" in page.content.decode()


def test_a_draft_is_nowhere(agency: Client) -> None:
    draft = cases.complete("84", communes=("01053",))

    for path in ("", *FILES[:3]):
        assert draft.title not in agency.get(f"{PAGE}{path}").content.decode()
    assert agency.get(PAGE).context["figures"][3].communes == "0"


def test_a_day_gone_by_is_shown_and_a_wrong_one_is_said(agency: Client) -> None:
    cases.deposited("84", communes=("01053",))
    today = timezone.localdate()
    yesterday = today - timedelta(days=1)

    def filed(day: str) -> str:
        return agency.get(PAGE, {"date": day}).context["figures"][3].communes

    assert (filed(yesterday.isoformat()), filed(today.isoformat())) == ("0", "1")
    for day, words in (
        ((today + timedelta(days=1)).isoformat(), "n’est pas encore passé"),
        ("2026-02-31", "ne peut pas être lue"),
        ("demain", "ne peut pas être lue"),
        ("1999-01-01", "n’existent dans la loi que depuis"),
    ):
        answer = agency.get(PAGE, {"date": day})
        assert (day, answer.status_code) == (day, 422)
        assert words in text_of(answer)
        assert agency.get(f"{PAGE}communes.csv", {"date": day}).status_code == 404


@pytest.mark.parametrize("path", ["", *FILES])
def test_only_the_agency_and_an_administrator_look(path: str, outlined: None) -> None:
    cases.reference_rows()
    address = f"{PAGE}{path}"
    letter = cases.deposited("84", communes=("01053",))
    people = {
        "nobody": None,
        "lead": letter.created_by,
        "guichet": cases.agent(cases.body("one_stop_desk", "76")),
        "urps": cases.agent(cases.body("urps", "84")),
        "staff": factories.user(is_staff=True),
        "agency": cases.agent(cases.body("ars", "84")),
        "branch": cases.agent(cases.body("ars_branch", "84", "69")),
        "administrator": factories.user(is_staff=True, is_superuser=True),
    }
    answers = {
        who: (browser(person) if person else Client()).get(address, {"region": "84"}).status_code
        for who, person in people.items()
    }

    assert answers == {
        "nobody": 302,
        "lead": 403,
        "guichet": 403,
        "urps": 403,
        "staff": 403,
        "agency": 200,
        "branch": 200,
        "administrator": 200,
    }
    other = browser(cases.agent(cases.body("ars", "76")))
    assert other.get(address, {"region": "84"}).status_code == 404


def test_an_agent_elsewhere_in_the_region_learns_the_status_and_not_the_name() -> None:
    letter = cases.deposited("84", communes=("01053",))
    far = browser(cases.agent(cases.body("ars_branch", "84", "69")))

    for path in (
        "?statut=deposee",
        "communes.csv?statut=deposee",
        "communes.geojson?statut=deposee",
    ):
        said = far.get(f"{PAGE}{path}").content.decode()
        assert "Bourg-en-Bresse" in said
        assert letter.title not in said
        assert "Une CPTS qui n’est pas sur votre bureau" in said
    assert letter.title not in far.get(f"{PAGE}carte.json").content.decode()


@pytest.mark.usefixtures("outlined")
def test_the_map_is_told_the_statuses_and_the_names_of_what_is_decided(agency: Client) -> None:
    filed = cases.deposited("84", communes=("01053",))
    done = cases.deposited("84", communes=("01004", "69266"))
    decide(done)

    answer = agency.get(f"{PAGE}carte.json")

    assert answer.json() == {
        "region": "84",
        "date": None,
        "departments": ["01"],
        "statuses": {
            "contrat": {"whole": [], "parts": []},
            "projet": {"whole": [], "parts": []},
            "acceptee": {"whole": ["01004", "69266"], "parts": []},
            "deposee": {"whole": ["01053"], "parts": []},
        },
        "cpts": [done.title],
        "names": {"01004": 0, "69266": 0},
    }
    assert filed.title not in answer.content.decode()
    assert answer.headers["Cache-Control"] == "private, no-cache"
    zipped = agency.get(f"{PAGE}carte.json", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"


def test_the_map_s_answer_stands_until_a_claim_changes(agency: Client) -> None:
    letter = cases.deposited("84", communes=("01053",))
    etag = agency.get(f"{PAGE}carte.json").headers["ETag"]

    def again() -> int:
        return agency.get(f"{PAGE}carte.json", headers={"If-None-Match": etag}).status_code

    assert again() == 304
    decide(letter)
    assert again() == 200


def test_the_csv_has_the_communes_of_the_list(agency: Client) -> None:
    letter = cases.deposited("84", communes=("01053",))
    Case.objects.filter(pk=letter.pk).update(title="=2+2")

    answer = agency.get(f"{PAGE}communes.csv", {"statut": "deposee"})
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))

    assert rows[1][:2] == ["01053", "Bourg-en-Bresse"]
    assert rows[1][6:] == ["Lettre déposée", "non", f"'=2+2, {letter.reference}"]
    assert len(rows) == 2
    assert answer.headers["Content-Disposition"].endswith(
        f'couverture-84-{timezone.localdate():%Y-%m-%d}.csv"'
    )


def test_the_geojson_closes_its_rings_and_keeps_holes(agency: Client, tmp_path: Path) -> None:
    hole = square(2, 2, department="01", side=0.01)
    around = feature("01053", square(0, 0, department="01", side=0.06), hole)
    load_contours(write(tmp_path / "01.json", [around]))
    cases.deposited("84", communes=("01053", "69266"))

    found = agency.get(f"{PAGE}communes.geojson", {"statut": "deposee"})
    document = json.loads(found.content)
    shapes = {one["properties"]["code"]: one["geometry"] for one in document["features"]}

    assert document["type"] == "FeatureCollection"
    assert shapes["69266"] is None
    (polygon,) = shapes["01053"]["coordinates"]
    assert len(polygon) == 2
    assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in polygon)
    assert [_turn(ring) > 0 for ring in polygon] == [True, False]


def _turn(ring: list[list[float]]) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))


@pytest.mark.usefixtures("outlined")
def test_the_drawing_says_each_status_by_a_pattern_and_a_letter(agency: Client) -> None:
    decide(cases.deposited("84", communes=("01053",)))

    drawn = ElementTree.fromstring(agency.get(f"{PAGE}carte.svg").content)  # noqa: S314 - ours
    space = "{http://www.w3.org/2000/svg}"
    patterns = [one.get("id") for one in drawn.iter(f"{space}pattern")]
    shapes = [one.get("class") for one in drawn.iter(f"{space}path") if one.get("class")]
    words = " ".join(one.text or "" for one in drawn.iter(f"{space}text"))

    assert patterns == ["contrat", "projet", "acceptee", "deposee", "rien"]
    assert shapes == ["acceptee", "rien"]
    assert "A · Lettre acceptée\u00a0: 1 commune," in words
    assert f"{timezone.localdate():%Y}" in words


def test_without_outlines_there_is_no_drawing_and_the_page_is_whole(agency: Client) -> None:
    assert agency.get(f"{PAGE}carte.svg").status_code == 404
    assert agency.get(f"{PAGE}carte.json").json()["departments"] == []
    assert agency.get(PAGE).status_code == 200


def test_the_page_takes_as_many_queries_with_1_and_with_30_cases(agency: Client) -> None:
    def queries(**asked: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert agency.get(PAGE, asked).status_code == 200
        return len(captured)

    decide(cases.deposited("84", communes=("01053",)))
    queries()
    before = [queries(), queries(vue="epci"), queries(statut="acceptee")]
    template = Case.objects.latest("pk")
    period = template.territory_periods.get(until=None)
    for number in range(29):
        copy = Case.objects.get(pk=template.pk)
        copy.community = factories.community(region_=template.region)
        copy.pk, copy.public_id, copy.reference = None, None, f"LI-84-2020-{number:04d}"
        copy.public_id = type(copy)._meta.get_field("public_id").get_default()
        copy._state.adding = True
        copy.save()
        copy.territory_periods.create(stage="decided", whole=period.whole, department_codes=["01"])
    queries()

    assert [queries(), queries(vue="epci"), queries(statut="acceptee")] == before
    (row,) = agency.get(PAGE, {"statut": "acceptee"}).context["rows"]
    assert (len(row.holders), row.more) == (5, "et 25 autres")


def test_nonsense_in_the_address_is_read_as_nothing(agency: Client) -> None:
    asked = {"vue": "x", "statut": "y", "tri": "z", "page": "abc", "departement": "ZZ", "epci": "é"}

    answer = agency.get(PAGE, asked)

    assert (answer.status_code, answer.context["page"].paginator.count) == (200, 0)
    assert "Rien ne répond à ces choix" in text_of(answer)
