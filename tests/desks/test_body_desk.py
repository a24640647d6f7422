"""The desk of a body that gives opinions: five lists, their counts, and its mandates."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organisation, User
from tests import factories
from tests.mailbox import link_in, mails
from tests.workflow import asking
from workflow.consultations import close_the_silent, revoke
from workflow.models import Consultation, Mandate
from workflow.opinions import draft_opinion, validate_opinion

pytestmark = pytest.mark.django_db

URL = "/bureau/avis/"


@pytest.fixture
def body() -> Organisation:
    return asking.urps("Médecins")


def sign_in(person: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    client.post("/compte/role/", {"membership": person.acting.pk if person.acting else ""})
    return client


def counts(page: Any) -> dict[str, int]:
    """What the tabs say: label and figure."""
    html = page.content.decode()
    tabs = html.partition('aria-label="Listes d’avis"')[2].partition("</nav>")[0]
    return {label.strip(): int(n) for label, n in re.findall(r">([^<]+) \((\d+)\)</a>", tabs)}


def listed(client: Client, tab: str) -> list[str]:
    html = client.get(URL, {"onglet": tab}).content.decode()
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a>', html)


def test_each_consultation_is_in_one_list_and_the_counts_match_the_lists(body):
    letters = [asking.deposited_and_asked() for _ in range(7)]
    waiting, drafted, submitted, given, late, tardy, stopped = letters
    asking.draft(drafted, body, submit=False)
    asking.draft(submitted, body)
    asking.give(given, body)
    for letter in (late, tardy):
        asking.overdue(asking.request_to(letter, body))
    close_the_silent()
    asking.give(tardy, body)
    revoke(asking.request_to(stopped, body), user=asking.coordinator(), reason="Sans objet.")
    client = sign_in(asking.reviewer(body))
    found = {
        tab: sorted(listed(client, tab))
        for tab in ("a-rendre", "rediges", "a-valider", "rendus", "en-retard")
    }
    assert found == {
        "a-rendre": [waiting.reference],
        "rediges": [drafted.reference],
        "a-valider": [submitted.reference],
        "rendus": sorted([given.reference, tardy.reference]),
        "en-retard": [late.reference],
    }
    assert counts(client.get(URL)) == {
        "À rendre": 1,
        "Rédigés": 1,
        "À valider": 1,
        "Rendus": 2,
        "En retard": 1,
    }


def test_the_nearest_deadline_comes_first_and_is_said_in_words(body):
    far, near = asking.deposited_and_asked(), asking.deposited_and_asked()
    Consultation.objects.filter(case=near).update(due_on=asking.in_days(1))
    client = sign_in(asking.reviewer(body))
    assert listed(client, "a-rendre") == [near.reference, far.reference]
    page = client.get(URL).content.decode()
    assert ("il reste 1 jour<" in page, "il reste 21 jours" in page) == (True, True)


def test_the_desk_opens_where_the_person_has_something_to_do(body):
    asking.draft(asking.deposited_and_asked(), body)
    asking.deposited_and_asked()
    titles = [
        re.findall(r"<title>([^<]+)", sign_in(one).get(URL).content.decode())[0]
        for one in (asking.reviewer(body), asking.president(body))
    ]
    assert titles == ["Avis, à rendre – Portail CPTS", "Avis, à valider – Portail CPTS"]


def test_a_body_signs_in_on_its_desk_and_others_do_not_find_it(body):
    client = sign_in(asking.reviewer(body))
    assert client.get("/accueil/").headers["Location"] == URL
    assert f'href="{URL}"' in client.get(URL).content.decode()
    office = sign_in(asking.coordinator())
    assert office.get(URL).headers["Location"] == "/accueil/"
    assert f'href="{URL}"' not in office.get("/bureau/").content.decode()
    assert sign_in(factories.user()).get(URL).headers["Location"] == "/accueil/"


def test_a_reviewer_of_one_departement_sees_its_requests_only(body):
    asking.deposited_and_asked()
    elsewhere = asking.deposited_and_asked(communes=("31149",))
    assert listed(sign_in(asking.member(body, "reviewer", "31")), "a-rendre") == [
        elsewhere.reference
    ]


def test_thirty_rows_cost_no_more_queries_than_one(body):
    def cost(tab: str) -> int:
        client = sign_in(asking.reviewer(body))
        with CaptureQueriesContext(connection) as captured:
            client.get(URL, {"onglet": tab})
        return len(captured)

    def check_thirty(tab: str) -> None:
        client = sign_in(asking.reviewer(body))
        assert len(listed(client, tab)) == 25
        rest = client.get(URL, {"onglet": tab, "page": "2"}).content.decode()
        assert rest.count('<th scope="row">') == 5

    letters = [asking.deposited_and_asked()]
    one_to_give = cost("a-rendre")
    letters += [asking.deposited_and_asked() for _ in range(29)]
    assert cost("a-rendre") == one_to_give
    check_thirty("a-rendre")

    asking.give(letters[0], body)
    one_given = cost("rendus")
    for letter in letters[1:]:
        asking.give(letter, body)
    assert cost("rendus") == one_given
    check_thirty("rendus")


def test_a_mail_leads_straight_to_the_form_whatever_the_role_one_is_in(body, deliver_outbox):
    letter = asking.deposited_and_asked()
    deliver_outbox()
    reviewer = asking.reviewer(body)
    link = link_in(mails(reviewer.email)[-1])
    assert link.endswith(f"/avis/{asking.request_to(letter, body).pk}/")
    own_name = User.objects.get(pk=reviewer.pk)
    client = sign_in(own_name)
    asked = client.get(link)
    html = asked.content.decode()
    assert (asked.status_code, "Agir en tant que relecteur" in html) == (404, True)
    assert letter.title not in html
    switched = client.post(
        "/compte/role/", {"membership": reviewer.acting.pk, "next": link}, follow=True
    )
    assert switched.redirect_chain == [(link, 302)]
    assert "Soumettre à validation" in switched.content.decode()


def test_switching_role_never_leads_out_of_the_portal(body):
    reviewer = asking.reviewer(body)
    client = sign_in(reviewer)
    for address in ("https://ailleurs.test/", "//ailleurs.test/", "javascript:alert(1)"):
        answer = client.post("/compte/role/", {"membership": reviewer.acting.pk, "next": address})
        assert answer.headers["Location"] == "/accueil/"


# --- Mandates --------------------------------------------------------------------------------


def give(client: Client, holder: User, days: tuple[int, int]) -> Any:
    return client.post(
        f"{URL}mandats/",
        {
            "holder": holder.pk,
            "valid_from": asking.in_days(days[0]).isoformat(),
            "valid_to": asking.in_days(days[1]).isoformat(),
        },
    )


def test_a_president_gives_a_mandate_its_holder_validates_then_loses_it(body):
    president, reviewer = sign_in(asking.president(body)), asking.reviewer(body)
    first, second = asking.deposited_and_asked(), asking.deposited_and_asked()
    assert give(president, reviewer, (0, 10)).status_code == 302
    asking.draft(first, body)
    request_ = asking.request_to(first, body)
    assert validate_opinion(request_, user=reviewer, revision=1).mandate is not None
    page = president.get(f"{URL}mandats/").content.decode()
    assert ("En cours" in page, str(reviewer) in page) == (True, True)
    mandate = Mandate.objects.get()
    assert (
        "Retirer un mandat" in president.get(f"{URL}mandats/{mandate.pk}/retirer/").content.decode()
    )
    president.post(f"{URL}mandats/{mandate.pk}/retirer/")
    assert "Retiré le" in president.get(f"{URL}mandats/").content.decode()
    draft_opinion(
        asking.request_to(second, body), user=reviewer, base_revision=0, **asking.favourable()
    )
    held = sign_in(reviewer).get(f"/dossiers/{second.public_id}/avis/", follow=True)
    assert "a été retiré le" in held.content.decode()


@pytest.mark.parametrize(
    ("days", "said"), [((5, 2), "précède son début"), ((0, 400), "un an au plus")]
)
def test_dates_of_a_mandate_are_refused_in_words(body, days, said):
    answer = give(sign_in(asking.president(body)), asking.reviewer(body), days)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)


def test_a_mandate_goes_to_a_member_only(body):
    answer = give(sign_in(asking.president(body)), factories.user(), (0, 10))
    assert answer.status_code == 422
    assert "n’est pas membre de votre organisme" in answer.content.decode()


def test_only_the_president_gives_and_ends_mandates(body):
    president, reviewer = asking.president(body), asking.reviewer(body)
    give(sign_in(president), reviewer, (0, 10))
    client = sign_in(reviewer)
    assert client.get(f"{URL}mandats/").status_code == 200
    mandate = Mandate.objects.get()
    refused = [
        give(client, reviewer, (0, 10)).status_code,
        client.post(f"{URL}mandats/{mandate.pk}/retirer/").status_code,
        sign_in(asking.president(asking.urps("Infirmiers")))
        .post(f"{URL}mandats/{mandate.pk}/retirer/")
        .status_code,
        sign_in(asking.coordinator()).get(f"{URL}mandats/").status_code,
    ]
    assert refused == [403, 403, 404, 403]


def test_a_fund_reads_that_its_signatory_validates_as_it_has_no_president():
    fund = factories.organisation(Organisation.Kind.CPAM, name="CPAM du Tarn")
    agent = sign_in(asking.member(fund, "agent"))
    for path in (URL, f"{URL}mandats/"):
        html = agent.get(path).content.decode()
        assert ("signataire" in html, "président" in html) == (True, False)


def test_thirty_mandates_cost_no_more_queries_than_one(body):
    president, reviewer = asking.president(body), asking.reviewer(body)

    def cost(count: int) -> int:
        start = timezone.localdate()
        Mandate.objects.bulk_create(
            Mandate(
                body=body,
                holder=reviewer,
                given_by=president,
                valid_from=start,
                valid_to=start + timedelta(days=day),
            )
            for day in range(count)
        )
        client = sign_in(president)
        with CaptureQueriesContext(connection) as captured:
            client.get(f"{URL}mandats/")
        return len(captured)

    assert cost(1) == cost(29)
