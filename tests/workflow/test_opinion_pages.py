"""The tab « Avis », as each person finds it: the body, the office in charge, the team, the ARS."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organisation, User
from letters.models import LetterOfIntent
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.consultations import close_the_silent
from workflow.models import (
    Case,
    ConflictDeclaration,
    Consultation,
    ConsultationNotice,
    Opinion,
    Synthesis,
)
from workflow.opinions import declare_conflict, draft_opinion, send_back, set_communicable
from workflow.services import perform
from workflow.urls import urlpatterns

pytestmark = pytest.mark.django_db

MOST_QUERIES = 25


def sign_in(person: User) -> Client:
    """The client of a person in the role they act in."""
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    client.post("/compte/role/", {"membership": person.acting.pk if person.acting else ""})
    return client


def page_of(letter: LetterOfIntent, name: str = "opinions", *args: Any) -> str:
    return reverse(f"cases:{name}", args=[letter.public_id, *args])


def text_of(response: Any) -> str:
    """The words of the page's own content, without its tags."""
    body = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def typed(**changes: Any) -> dict[str, Any]:
    """What a member types: favourable, every criterion marked."""
    return {
        "revision": "0",
        "position": "favourable",
        "text": "Un projet solide.",
        "mark_missions": "2",
        "comment_missions": "Les missions socles y sont.",
        "mark_mobilisation": "3",
        "comment_mobilisation": "",
        "mark_territory": "1",
        "comment_territory": "Préciser l’est du territoire.",
        "reserve_0": "",
        "action": "save",
        **changes,
    }


@pytest.fixture
def body() -> Organisation:
    return asking.urps("Médecins")


@pytest.fixture
def letter(body: Organisation) -> LetterOfIntent:
    return asking.deposited_and_asked()


@pytest.fixture
def request_(letter: LetterOfIntent, body: Organisation) -> Consultation:
    return asking.request_to(letter, body)


@pytest.fixture
def own_page(letter: LetterOfIntent, request_: Consultation) -> str:
    return page_of(letter, "opinion", request_.pk)


# --- The body -----------------------------------------------------------------------------


def test_a_reviewer_finds_at_once_what_is_asked_until_when_and_where_to_read(
    body, letter, own_page
):
    client = sign_in(asking.reviewer(body))
    assert client.get(page_of(letter)).headers["Location"] == own_page
    page = client.get(own_page)
    text = text_of(page)
    assert page.status_code == 200
    for words in (
        "ce jour compris",
        "il reste 21 jours",
        "Mobilisation des acteurs de santé",
        "Réserve 1",
        "Soumettre à validation",
        "Seul le président",
    ):
        assert words in text
    assert reverse("letters:detail", args=[letter.public_id]) in page.content.decode()


def test_a_draft_is_saved_as_it_is_then_submitted_then_given(body, letter, request_, own_page):
    reviewer, president = sign_in(asking.reviewer(body)), sign_in(asking.president(body))
    saved = reviewer.post(own_page, {"revision": "0", "text": "À compléter.", "action": "save"})
    assert (saved.status_code, saved.headers["Location"]) == (302, own_page)
    submitted = reviewer.post(own_page, typed(revision="1", action="submit"))
    assert submitted.status_code == 302
    opinion = Opinion.objects.get(consultation=request_)
    assert (opinion.revision, opinion.marks, opinion.submitted_at is None) == (
        2,
        asking.MARKS,
        False,
    )
    read = text_of(president.get(own_page))
    assert "Valider et rendre l’avis" in read
    assert "Un projet solide." in read
    assert "Valider et rendre" not in text_of(reviewer.get(own_page))
    given = president.post(page_of(letter, "opinion-validate", request_.pk), {"revision": "2"})
    assert given.headers["Location"] == own_page
    request_.refresh_from_db()
    assert request_.state == "given"
    assert "Rendu le" in text_of(president.get(own_page))


def test_an_opinion_submitted_or_given_leads_to_the_next_then_says_there_is_none(body, letter):
    nearest, later = asking.deposited_and_asked(), asking.deposited_and_asked()
    Consultation.objects.filter(case=nearest, body=body).update(due_on=asking.in_days(5))
    asked = {one: asking.request_to(one, body) for one in (letter, nearest, later)}
    pages = {one: page_of(one, "opinion", asked[one].pk) for one in asked}

    def following(person: User, one: LetterOfIntent) -> list[str]:
        html = sign_in(person).get(pages[one]).content.decode()
        after = html.partition('id="ensuite"')[2].partition("</nav>")[0]
        return re.findall(r'href="([^"]+)"', after)

    desk = reverse("desks:opinions")
    reviewer, president = asking.reviewer(body), asking.president(body)
    writing = sign_in(reviewer).get(pages[letter]).content.decode()
    assert ('id="ensuite"' in writing, f'href="{desk}"' in writing) == (False, True)
    asking.draft(letter, body)
    assert following(reviewer, letter) == [pages[nearest], desk]
    asking.draft(later, body)
    # To validate comes first for whoever validates; the reviewer goes on with what is to write.
    assert following(president, letter) == [pages[later], desk]
    assert following(reviewer, later) == [pages[nearest], desk]
    asking.draft(nearest, body)
    assert following(reviewer, nearest) == [desk]
    assert "Aucun autre avis" in text_of(sign_in(reviewer).get(pages[nearest]))


def test_what_a_submission_lacks_is_said_beside_each_field(body, request_, own_page):
    client = sign_in(asking.reviewer(body))
    refused = client.post(
        own_page,
        typed(position="favourable_with_reserves", mark_territory="", action="submit"),
    )
    html = refused.content.decode()
    assert refused.status_code == 422
    assert 'href="#id_reserve_0"' in html
    assert 'href="#id_mark_territory"' in html
    assert "Énoncez au moins une réserve" in html
    assert "Notez le critère" in html
    assert "Un projet solide." in html
    assert not Opinion.objects.filter(consultation=request_).exists()


def test_a_text_too_long_is_refused_with_both_figures_and_kept(body, own_page):
    client = sign_in(asking.reviewer(body))
    refused = client.post(own_page, typed(text="m" * 20_001))
    assert refused.status_code == 422
    assert "20001 caractères" in refused.content.decode()
    assert "m" * 20_001 in refused.content.decode()


def test_reserves_are_added_and_removed_without_a_script(body, request_, own_page):
    client = sign_in(asking.reviewer(body))
    first = client.post(own_page, typed(reserve_0="Associer les infirmiers.", action="add"))
    assert first.headers["Location"] == f"{own_page}?reserves=2#id_reserve_1"
    assert client.get(f"{own_page}?reserves=2").content.decode().count('name="reserve_') == 2
    client.post(
        own_page,
        typed(
            revision="1",
            reserve_0="Associer les infirmiers.",
            reserve_1="Préciser l’est.",
            action="remove:0",
        ),
    )
    assert Opinion.objects.get(consultation=request_).reserves == ["Préciser l’est."]


def test_a_draft_changed_meanwhile_is_shown_beside_what_was_typed_and_nothing_is_lost(
    body, request_, own_page
):
    client = sign_in(asking.reviewer(body))
    draft_opinion(request_, user=asking.president(body), base_revision=0, text="Du président.")
    refused = client.post(own_page, typed(text="Du relecteur."))
    html = refused.content.decode()
    assert refused.status_code == 409
    for words in ("Du président.", "Du relecteur.", "a été modifié par", 'value="1"'):
        assert words in html
    assert client.post(own_page, typed(text="Du relecteur.", revision="1")).status_code == 302
    assert Opinion.objects.get(consultation=request_).text == "Du relecteur."


def test_the_president_sends_a_draft_back_with_a_comment(body, letter, request_, own_page):
    drafted = asking.draft(letter, body)
    president = sign_in(asking.president(body))
    url = page_of(letter, "opinion-return", request_.pk)
    empty = president.post(url, {"revision": drafted.revision, "comment": " "})
    assert empty.status_code == 422
    assert "Dites au rédacteur" in empty.content.decode()
    president.post(url, {"revision": drafted.revision, "comment": "Trop sévère."})
    page = text_of(sign_in(asking.reviewer(body)).get(own_page))
    assert "Le projet vous est renvoyé Trop sévère." in page


def test_validating_a_draft_changed_since_it_was_read_shows_it_again(body, letter, request_):
    asking.draft(letter, body)
    president = sign_in(asking.president(body))
    answer = president.post(
        page_of(letter, "opinion-validate", request_.pk), {"revision": "0"}, follow=True
    )
    assert "a été modifié par" in answer.content.decode()
    request_.refresh_from_db()
    assert request_.state == "requested"


def test_validating_twice_says_who_did_it(body, letter, request_):
    drafted = asking.draft(letter, body)
    president = sign_in(asking.president(body))
    url = page_of(letter, "opinion-validate", request_.pk)
    for _ in range(2):
        answer = president.post(url, {"revision": drafted.revision}, follow=True)
    assert "Action déjà effectuée par" in answer.content.decode()


def test_a_reviewer_may_not_validate_nor_send_back(body, letter, request_):
    drafted = asking.draft(letter, body)
    client = sign_in(asking.reviewer(body))
    answers = [
        client.post(page_of(letter, name, request_.pk), {"revision": drafted.revision, **data})
        for name, data in (("opinion-validate", {}), ("opinion-return", {"comment": "Non."}))
    ]
    assert [answer.status_code for answer in answers] == [403, 403]


def test_a_member_of_the_team_declares_or_steps_aside_before_writing(
    body, letter, request_, own_page
):
    reviewer = asking.reviewer(body)
    factories.team_member(letter.community, reviewer, role="reader")
    client = sign_in(reviewer)
    page = client.get(own_page)
    assert "Vous êtes dans l’équipe de cette CPTS" in page.content.decode()
    assert 'name="position"' not in page.content.decode()
    url = page_of(letter, "opinion-conflict", request_.pk)
    assert client.post(own_page, typed()).headers["Location"] == url
    refused = client.post(url, {"outcome": "none", "reason": ""})
    assert (refused.status_code, "Expliquez pourquoi" in refused.content.decode()) == (422, True)
    client.post(url, {"outcome": "none", "reason": "Lecteur seulement."})
    assert ConflictDeclaration.objects.get().outcome == "none"
    assert 'name="position"' in client.get(own_page).content.decode()


def test_whoever_writes_with_the_team_can_only_step_aside(body, letter, request_):
    reviewer = asking.reviewer(body)
    factories.team_member(letter.community, reviewer, role="editor")
    client = sign_in(reviewer)
    assert client.get(page_of(letter, "opinion", request_.pk)).status_code == 404


def test_a_member_steps_aside_from_a_tie_the_portal_cannot_see(body, letter, request_, own_page):
    client = sign_in(asking.reviewer(body))
    url = page_of(letter, "opinion-conflict", request_.pk)
    client.post(url, {"outcome": "withdrawn", "reason": "Mon associé écrit ce projet."})
    page = client.get(own_page).content.decode()
    assert "Vous vous êtes déporté" in page
    assert 'name="position"' not in page


def test_a_late_opinion_is_asked_for_shown_and_named_late(body, letter, request_, own_page):
    asking.overdue(request_, days=3)
    close_the_silent()
    client = sign_in(asking.president(body))
    before = text_of(client.get(own_page))
    assert "délai passé depuis 3 jours" in before
    assert "avis tardif" in before
    asking.give(letter, body)
    assert "Rendu hors délai, non compté" in text_of(client.get(own_page))
    board = text_of(sign_in(asking.coordinator()).get(page_of(letter)))
    assert "Rendu hors délai, non compté" in board
    assert "0 avis rendu sur 1 ; 1 avis tardif, non compté." in board.replace("\u00a0", " ")


def test_an_opinion_on_an_older_version_says_so(body, letter, own_page):
    asking.give(letter, body)
    Case.objects.filter(pk=letter.pk).update(version=2)
    for person in (asking.reviewer(body), asking.coordinator()):
        url = own_page if person.acting.organisation_id == body.pk else own_page + "suivi/"
        assert "sur une version antérieure" in text_of(sign_in(person).get(url))


def test_a_body_informed_only_is_asked_nothing():
    cases.reference_rows()
    caisse = cases.body("cpam", "32", "62")
    person = asking.member(caisse, "agent")
    letter = asking.deposited_and_asked("32", communes=("62041",))
    page = text_of(sign_in(person).get(page_of(letter), follow=True))
    assert "aucun avis n’est attendu" in page
    assert "Soumettre" not in page


# --- The office in charge --------------------------------------------------------------------


def test_the_board_shows_each_body_its_answer_and_its_last_message(letter, body):
    other = asking.urps("Infirmiers", with_members=False)
    letter = asking.deposited_and_asked()
    asking.give(letter, body)
    Mail.objects.update(sent_at="2026-03-01T10:00Z")
    page = text_of(sign_in(asking.coordinator()).get(page_of(letter)))
    for words in (
        "1 avis rendu sur 2",
        body.name,
        other.name,
        "Favorable",
        "Confidentiel",
        "Demande d’avis, le",
        "envoyé (2 personnes)",
        "2 · Satisfaisant",
        "attendez-le, relancez l’organisme",
        "Écrivez la synthèse",
    ):
        assert words in page


def test_the_office_gives_time_asks_again_and_stops_asking(letter, body, request_):
    other = asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    first, second = asking.request_to(letter, body), asking.request_to(letter, other)
    asking.give(letter, body)
    client = sign_in(asking.coordinator())
    later = asking.in_days(40).isoformat()
    answers = [
        client.post(page_of(letter, "consultation-extend", second.pk), {"due_on": later}),
        client.post(
            page_of(letter, "consultation-again", first.pk),
            {"due_on": later, "comment": "La lettre a changé."},
        ),
        client.post(page_of(letter, "consultation-revoke", second.pk), {"reason": "Absent."}),
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    states = {one.body_id: one.state for one in Consultation.objects.filter(case=letter)}
    assert states == {body.pk: "requested", other.pk: "revoked"}
    story = text_of(client.get(page_of(letter, "consultation", first.pk)))
    for words in ("La lettre a changé.", "Nouvel avis demandé", "Un avis rendu auparavant"):
        assert words in story


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("consultation-extend", {"due_on": "2020-01-01"}, "dans l’avenir"),
        ("consultation-extend", {"due_on": "demain"}, "ne peut pas être lue"),
        ("consultation-revoke", {"reason": ""}, "pourquoi son avis n’est plus demandé"),
    ],
)
def test_what_is_asked_of_a_body_is_refused_in_words(letter, request_, name, data, said):
    answer = sign_in(asking.coordinator()).post(page_of(letter, name, request_.pk), data)
    # At the top of the page, and beside the field.
    assert (answer.status_code, answer.content.decode().count(said)) == (422, 2)


def test_the_office_chooses_what_the_team_reads_and_sees_it(letter, body):
    other = asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    for one in (body, other):
        asking.give(letter, one)
    chosen = Opinion.objects.get(consultation__body=body, consultation__case=letter)
    rest = Opinion.objects.get(consultation__body=other)
    client = sign_in(asking.coordinator())
    url = page_of(letter, "opinions-communication")
    client.post(url, {"shown": [chosen.pk, rest.pk], "communicable": [chosen.pk]})
    assert dict(
        Opinion.objects.filter(consultation__case=letter).values_list("pk", "communicable")
    ) == {chosen.pk: True, rest.pk: False}
    preview = client.get(url).content.decode().partition('id="apercu"')[2]
    assert (body.name in preview, other.name in preview) == (True, False)
    # An opinion the page did not show keeps its setting.
    client.post(url, {"shown": [rest.pk]})
    chosen.refresh_from_db()
    assert chosen.communicable is True


def test_the_synthesis_is_written_beside_the_reserves_then_leaves(letter, body):
    asking.give(
        letter, body, position="favourable_with_reserves", reserves=["Associer les infirmiers."]
    )
    client = sign_in(asking.coordinator())
    url = page_of(letter, "opinions-synthesis")
    assert "Associer les infirmiers." in text_of(client.get(url))
    handover = page_of(letter, "opinions-handover")
    refused = client.post(handover)
    assert (refused.status_code, "Écrivez la synthèse" in text_of(refused)) == (409, True)
    client.post(url, {"revision": "0", "text": "Avis favorable."})
    assert "Valider" not in text_of(client.get(handover))
    sent = client.post(handover)
    assert sent.headers["Location"] == page_of(letter)
    assert asking.fresh(letter).state == "under_review"
    assert "Transmise le" in text_of(client.get(url))
    agent = sign_in(asking.member(asking.agency(), "agent"))
    assert "Avis favorable." in text_of(agent.get(url))
    assert "Transmise" in text_of(agent.get(url))


def test_a_synthesis_changed_meanwhile_is_shown_beside_what_was_typed(letter):
    asking.write_synthesis(letter, "Du coordinateur.")
    client = sign_in(asking.member(asking.guichet(), "reviewer"))
    url = page_of(letter, "opinions-synthesis")
    refused = client.post(url, {"revision": "0", "text": "Du relecteur."})
    html = refused.content.decode()
    assert refused.status_code == 409
    assert ("Du coordinateur." in html, "Du relecteur." in html) == (True, True)
    client.post(url, {"revision": "1", "text": "Du relecteur."})
    assert Synthesis.objects.get().text == "Du relecteur."


def test_elsewhere_the_office_closes_the_opinions_and_examines():
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    office = Organisation.objects.get(pk=letter.office_id)
    asking.give_committee(letter, committee)
    client = sign_in(asking.member(office, "agent"))
    board = text_of(client.get(page_of(letter)))
    assert "Clore les avis et instruire" in board
    client.post(page_of(letter, "opinions-handover"))
    assert asking.fresh(letter).state == "under_review"


def test_only_the_president_or_the_coordinator_of_the_guichet_hands_over(letter, body):
    asking.give(letter, body)
    asking.write_synthesis(letter)
    client = sign_in(asking.member(asking.guichet(), "reviewer"))
    assert "Le président ou le coordinateur" in text_of(client.get(page_of(letter)))
    assert client.post(page_of(letter, "opinions-handover")).status_code == 403
    assert asking.fresh(letter).state == "in_consultation"


# --- The team, the agency, and those who have nothing to do here ---------------------------------


def test_the_team_reads_what_is_communicated_and_nothing_else(letter, body):
    other = asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    lead = sign_in(letter.created_by)
    assert "Les avis sont en cours" in text_of(lead.get(page_of(letter)))
    asking.give(letter, body, text="Communiqué.")
    asking.give(letter, other, text="Gardé secret.")
    chosen = Opinion.objects.get(consultation__body=body, consultation__case=letter)
    set_communicable(chosen, user=asking.coordinator(), communicable=True)
    assert body.name not in text_of(lead.get(page_of(letter)))
    asking.write_synthesis(letter, "Pour l’ARS seulement.")
    perform(letter, "transmit", actor=asking.coordinator())
    page = text_of(lead.get(page_of(letter)))
    assert ("Communiqué." in page, body.name in page) == (True, True)
    for secret in ("Gardé secret.", other.name, "Pour l’ARS", str(asking.president(body))):
        assert secret not in page


def test_the_agency_reads_states_before_and_opinions_after(letter, body):
    asking.give(letter, body, text="Le fond.")
    agent = sign_in(asking.member(asking.agency(), "agent"))
    board = text_of(agent.get(page_of(letter)))
    request_ = asking.request_to(letter, body)
    assert (body.name in board, "Favorable" in board) == (True, False)
    follow = page_of(letter, "consultation", request_.pk)
    assert "Le fond." not in text_of(agent.get(follow))
    assert agent.get(page_of(letter, "opinions-synthesis")).status_code == 403
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    assert "Favorable" in text_of(agent.get(page_of(letter)))
    assert "Le fond." in text_of(agent.get(follow))


def test_pages_of_opinions_answer_as_the_decision_says(letter, body, request_):
    """404 for whoever does not see, 403 for whoever sees and may not act."""
    asking.draft(letter, body)
    pages = {
        "opinions": page_of(letter),
        "opinion": page_of(letter, "opinion", request_.pk),
        "conflict": page_of(letter, "opinion-conflict", request_.pk),
        "follow": page_of(letter, "consultation", request_.pk),
        "extend": page_of(letter, "consultation-extend", request_.pk),
        "again": page_of(letter, "consultation-again", request_.pk),
        "revoke": page_of(letter, "consultation-revoke", request_.pk),
        "communication": page_of(letter, "opinions-communication"),
        "synthesis": page_of(letter, "opinions-synthesis"),
        "handover": page_of(letter, "opinions-handover"),
    }
    people = {
        "reviewer": asking.reviewer(body),
        "coordinator of the body": asking.member(body, "coordinator"),
        "guichet": asking.coordinator(),
        "agency": asking.member(asking.agency(), "agent"),
        "owner": letter.created_by,
        "stranger": factories.user(),
        "other body": asking.president(asking.urps("Infirmiers")),
    }
    found = {
        who: {name: sign_in(person).get(url).status_code for name, url in pages.items()}
        for who, person in people.items()
    }
    follows = {"extend", "again", "revoke", "communication", "synthesis", "handover"}
    own = dict.fromkeys(pages, 200) | dict.fromkeys(follows, 403) | {"opinions": 302}
    office = dict.fromkeys(pages, 200) | {"opinion": 404, "conflict": 404}
    lead = (
        dict.fromkeys(pages, 404)
        | {"opinions": 200}
        | dict.fromkeys(("communication", "synthesis", "handover"), 403)
    )
    assert found == {
        "reviewer": own,
        "coordinator of the body": own,
        "guichet": office,
        "agency": office | dict.fromkeys(follows, 403),
        "owner": lead,
        "stranger": dict.fromkeys(pages, 404),
        "other body": dict.fromkeys(pages, 404),
    }


@pytest.mark.parametrize("count", [1, 10])
def test_no_page_of_opinions_costs_more_than_its_budget(count):
    bodies = [asking.urps(f"n° {number}") for number in range(count)]
    letter = asking.deposited_and_asked()
    for body in bodies:
        asking.draft(letter, body)
    drafted = _costs(letter, bodies[0])
    for body in bodies:
        opinion = Opinion.objects.get(consultation__body=body)
        request_ = asking.request_to(letter, body)
        send_back(
            request_, user=asking.president(body), revision=opinion.revision, comment="Encore."
        )
        declare_conflict(request_, user=asking.reviewer(body), outcome="none", reason="Aucun lien.")
        asking.give(letter, body, base_revision=opinion.revision)
    asking.write_synthesis(letter)
    assert ConsultationNotice.objects.count() >= 4 * count
    given = _costs(letter, bodies[0])
    assert {name: cost for name, cost in (drafted | given).items() if cost > MOST_QUERIES} == {}
    assert len(drafted | given) >= 12


def _costs(letter: LetterOfIntent, body: Organisation) -> dict[str, int]:
    state = Opinion.objects.filter(validated_at__isnull=False).exists()
    request_ = asking.request_to(letter, body)
    asked = [
        ("reviewer", asking.reviewer(body), page_of(letter, "opinion", request_.pk)),
        ("president", asking.president(body), page_of(letter, "opinion", request_.pk)),
        ("board", asking.coordinator(), page_of(letter)),
        ("follow", asking.coordinator(), page_of(letter, "consultation", request_.pk)),
        ("choice", asking.coordinator(), page_of(letter, "opinions-communication")),
        ("synthesis", asking.coordinator(), page_of(letter, "opinions-synthesis")),
        ("handover", asking.coordinator(), page_of(letter, "opinions-handover")),
        ("agency", asking.member(asking.agency(), "agent"), page_of(letter)),
        ("lead", letter.created_by, page_of(letter)),
    ]
    costs = {}
    for name, person, url in asked:
        client = sign_in(person)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.get(url)
        assert answer.status_code == 200, (name, answer.status_code)
        costs[f"{name}, {'given' if state else 'drafted'}"] = len(captured)
    return costs


# --- Every address, whoever asks -------------------------------------------------------------

# What each address is sent, when it writes.
WRITES: dict[str, dict[str, Any]] = {
    "opinion": typed(),
    "opinion-validate": {"revision": "1"},
    "opinion-return": {"revision": "1", "comment": "À revoir."},
    "opinion-conflict": {"outcome": "withdrawn", "reason": "Un lien."},
    "consultation-extend": {"due_on": "2030-01-01"},
    "consultation-again": {"due_on": "2030-01-01", "comment": "La lettre a changé."},
    "consultation-revoke": {"reason": "Absent."},
    "opinions-communication": {"shown": ["1"]},
    "opinions-synthesis": {"revision": "0", "text": "Un texte."},
    "opinions-handover": {},
}
READS_ONLY = {"opinions", "consultation"}
_WATCHED = (
    "workflow_case",
    "workflow_consultation",
    "workflow_opinion",
    "workflow_synthesis",
    "workflow_conflictdeclaration",
    "workflow_consultationlog",
    "workflow_consultationnotice",
    "outbox_outboxevent",
)


def everything_stored() -> dict[str, list[str]]:
    rows = {}
    with connection.cursor() as cursor:
        for table in _WATCHED:
            cursor.execute(f"SELECT row::text FROM {table} row ORDER BY 1")  # noqa: S608 - names the test gives
            rows[table] = [text for (text,) in cursor.fetchall()]
    return rows


def test_every_address_of_opinions_is_asked_for_here():
    named = {str(pattern.name) for pattern in urlpatterns}
    mine = {name for name in named if name.startswith(("opinion", "consultation"))}
    assert mine == set(WRITES) | READS_ONLY


def test_nobody_writes_at_an_address_that_is_not_for_them(letter, body, request_):
    asking.draft(letter, body)
    writes_with_the_team = asking.acting(
        factories.membership(
            factories.team_member(letter.community, role="editor").user, asking.guichet(), "agent"
        )
    )
    people = {
        "owner": letter.created_by,
        "stranger": factories.user(),
        "administrator": factories.user(is_staff=True, is_superuser=True),
        "agency": asking.member(asking.agency(), "agent"),
        "other body": asking.president(asking.urps("Infirmiers")),
        "signatory of the guichet who writes with the team": writes_with_the_team,
        "coordinator of the body": asking.member(body, "coordinator"),
        "member elsewhere": asking.member(body, "reviewer", "31"),
    }
    before = everything_stored()
    found = {}
    for who, person in people.items():
        client = sign_in(person)
        for name, data in WRITES.items():
            args = [] if name.startswith("opinions-") else [request_.pk]
            found[f"{who}, {name}"] = client.post(page_of(letter, name, *args), data).status_code
    assert {key: status for key, status in found.items() if status not in {403, 404}} == {}
    assert everything_stored() == before


def test_a_visitor_is_asked_to_sign_in(letter, request_):
    for name in (*WRITES, *READS_ONLY):
        args = [] if name.startswith("opinions") else [request_.pk]
        answer = Client().get(page_of(letter, name, *args))
        assert answer.headers["Location"].startswith(reverse("account_login"))


def test_a_body_that_has_answered_reads_that_its_opinion_is_given(client: Client) -> None:
    gave, asked = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    asking.give(letter, gave)
    said = {}
    for body in (gave, asked):
        client.force_login(asking.reviewer(body))
        for page in (f"/lettres/{letter.public_id}/", f"/dossiers/{letter.public_id}/suivi/"):
            said[body.name, page[:4]] = client.get(page).context["state"].label
    assert said == {
        (gave.name, "/let"): "Avis rendu",
        (gave.name, "/dos"): "Avis rendu",
        (asked.name, "/let"): "Avis demandé",
        (asked.name, "/dos"): "Avis demandé",
    }
