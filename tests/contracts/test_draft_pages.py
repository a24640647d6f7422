"""The pages of a contract under negotiation: who sees and does what, and what each page says."""

from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from contracts.drafts import drafting, negotiation
from contracts.drafts import urls as draft_urls
from contracts.drafts.forms import SECTION_FORMS
from contracts.drafts.forms.indicators import read_target, typed_target
from contracts.drafts.markup import together
from contracts.models import Contract
from contracts.terms import SECTIONS
from tests import factories
from tests.contracts import drafts, signed
from workflow import urls as workflow_urls
from workflow.states import CaseState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]

# Address, arguments after the contract, data when it is sent.
ALL: Final[tuple[tuple[str, tuple[Any, ...], dict[str, str] | None], ...]] = (
    ("draft", (), None),
    ("draft-section", ("size",), None),
    ("draft-section", ("indicators",), None),
    ("draft-versions", (), None),
    ("draft-text", (), None),
    ("document", (), None),
    ("data-file", (), None),
    ("draft-indicator-add", (), None),
    ("draft-indicator", ("inconnu",), None),
    ("draft-give-up", (), None),
    ("draft-take-back", (), None),
    ("draft-section", ("size",), {}),
    ("draft-remark", ("size",), {"text": ""}),
    ("draft-indicator-remove", ("inconnu",), {}),
    ("draft-proposal", ("0",), {}),
    ("draft-refresh", ("territoire",), {}),
    ("draft-agree", (), {"revision": "0"}),
    ("draft-freeze", (), {"revision": "1"}),
)
READS: Final = {"draft", "draft-section", "draft-versions", "draft-text", "data-file"}


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(name: str, contract: Contract, *args: Any) -> str:
    return reverse(f"contracts:{name}", args=[contract.public_id, *args])


def text(response: Any) -> str:
    return response.content.decode().replace("\u00a0", " ")


def statuses(client: Client, contract: Contract) -> dict[str, int]:
    found = {}
    for name, args, data in ALL:
        asked = url(name, contract, *args)
        response = client.get(asked) if data is None else client.post(asked, data)
        mark = " ".join([name, *map(str, args), *([] if data is None else ["sent"])])
        found[mark] = response.status_code
    return found


def test_every_address_answers_those_it_concerns_and_nobody_else() -> None:
    people, contract, _draft = drafts.opened()
    covered = {name for name, _args, _data in ALL} | {"draft-open"}
    assert covered == {one.name for one in draft_urls.urlpatterns}
    nothing = statuses(browser(factories.user()), contract)
    assert set(nothing.values()) == {404}
    for stranger in (
        signed.agent(signed.cpam("31", "Haute-Garonne")),
        factories.user(is_staff=True, is_superuser=True),
    ):
        assert statuses(browser(stranger), contract) == nothing
    reader = factories.team_member(people.community, role="reader").user
    of_readers = {
        mark: (200 if mark.split()[0] in READS and "sent" not in mark else 403) for mark in nothing
    } | {"document": 404}
    assert statuses(browser(reader), contract) == of_readers
    writes = of_readers | {
        "draft-indicator-add": 200,
        "draft-indicator inconnu": 404,
        "draft-section size sent": 422,
        "draft-remark size sent": 302,
        "draft-indicator-remove inconnu sent": 302,
        "draft-proposal 0 sent": 404,
        "draft-refresh territoire sent": 302,
    }
    # An editor writes, and does not commit the CPTS.
    editor = factories.team_member(people.community, role="editor").user
    assert statuses(browser(editor), contract) == writes
    commits = writes | {
        "draft-give-up": 200,
        "draft-agree sent": 302,
        "draft-freeze sent": 302,
    }
    for person in (people.owner, people.agent, people.payer):
        assert statuses(browser(person), contract) == commits
    contract.refresh_from_db()
    assert contract.state == CaseState.DRAFT


def test_a_contract_opens_from_its_page_for_its_parties_only() -> None:
    people = drafts.parties()
    page = reverse("contracts:draft-open", args=[people.community.public_id])
    editor = factories.team_member(people.community).user
    assert browser(factories.user()).get(page).status_code == 404
    of_editor = browser(editor)
    assert "Ouvrir le projet" not in text(of_editor.get(page))
    assert of_editor.post(page, {"form": "aci"}).status_code == 403
    client = browser(people.payer)
    assert "Ouvrir le projet de contrat" in text(client.get(page))
    assert client.post(page, {"form": "aci"}).status_code == 422
    answer = client.post(page, {"form": "aci", "cpam": people.cpam.pk}, follow=True)
    assert "Le projet de contrat est ouvert" in text(answer)
    contract = Contract.objects.get(community=people.community)
    assert client.get(page)["Location"] == url("draft", contract)
    assert client.get(url("money", contract))["Location"] == url("draft", contract)


def test_a_contract_is_written_section_by_section_agreed_and_frozen_without_script() -> None:
    people, contract, _draft = drafts.opened()
    delegate = signed.agent(people.ars, role="signatory")
    director = signed.agent(people.cpam, role="signatory")
    owner, ars, cpam = (browser(one) for one in (people.owner, delegate, director))

    def send(client: Client, section: str, **data: str) -> str:
        draft = drafting.draft_of(contract)
        assert draft
        given = {"base_revision": str(draft.revision), "action": "save", **data}
        answer = client.post(url("draft-section", contract, section), given, follow=True)
        assert answer.status_code == 200, text(answer)
        return text(answer)

    assert "version 2" in send(owner, "duration", starts_on="2027-01-01")
    missions = {
        f"start_{key}": "2027-01-01"
        for key in ("access_to_care", "care_pathways", "prevention", "health_crisis")
    }
    refused = owner.post(
        url("draft-section", contract, "missions"),
        missions | {"base_revision": "2", "with_quality_relevance": "on"},
    )
    assert "sans date de début" in text(refused)
    send(cpam, "missions", **missions)
    send(
        owner,
        "representatives",
        name_1="Claire Fabre",
        email_1=people.owner.email,
        capacity_1="Présidente",
    )
    for client, who in ((ars, delegate), (cpam, director)):
        key = f"{who.pk}-0"
        send(client, "representatives", **{f"sign_{key}": "on", f"capacity_{key}": "Directrice"})
    wrong = owner.post(
        url("draft-section", contract, "bank"),
        {"base_revision": "6", "holder": "CPTS", "iban": "FR76 3000 6000 0112 3456 7890 188"},
    )
    assert "n’est pas un IBAN" in text(wrong)
    send(owner, "bank", holder="CPTS", iban="FR76 3000 6000 0112 3456 7890 189")
    library = text(ars.get(url("draft-section", contract, "indicators")))
    assert "Choisir dans la bibliothèque" in library
    assert library.count("Aucun indicateur") == 4
    for revision, key in enumerate(
        ("directory", "pathway_written", "prevention_actions", "crisis_plan"), start=7
    ):
        # Taken from the library, it is saved as it is shown.
        page = ars.get(url("draft-indicator-add", contract), {"modele": key})
        shown = page.context["form"]
        given = {one.html_name: one.value() or "" for one in shown}
        if key == "prevention_actions":
            wrong = ars.post(page.request["PATH_INFO"], given | {"target_1": "oui"})
            assert "écrivez un nombre" in text(wrong)
            given |= {"kind": "ladder", "target_1": "69,7 : 50 % ; 75 : 100 %"}
        given |= {"base_revision": str(revision), "action": "save"}
        added = ars.post(page.request["PATH_INFO"], given, follow=True)
    assert "au moins 69,7 actions : 50 % ; au moins 75 actions : 100 %" in text(added)
    assert "Aucun indicateur" not in text(added)
    draft = drafting.draft_of(contract)
    assert draft
    assert [one.sentence for one in drafting.lacks_of(draft)] == []
    assert draft.says.bank.masked_iban == "FR76 •••• 0189"
    changes = text(owner.get(url("draft-versions", contract), {"de": "1", "a": "11"}))
    assert "1er janvier 2027" in changes
    assert "Article 13" in text(owner.get(url("draft-text", contract)))
    for client in (owner, ars, cpam):
        client.post(url("draft-agree", contract), {"revision": str(draft.revision)})
    data = owner.get(url("data-file", contract)).json()
    assert (data["type_engagement"], data["contenu"]["parties"][0]["rna"]) == ("ACI", "W812345678")
    assert people.owner.email not in str(data)
    page = text(owner.get(url("draft", contract)))
    assert "Figer la version 11" in page
    told = owner.post(url("draft-freeze", contract), {"revision": str(draft.revision)}, follow=True)
    assert "Le contrat est figé, à signer" in text(told)


def test_a_second_change_to_a_section_is_shown_beside_the_first() -> None:
    people, contract, draft = drafts.opened()
    page = url("draft-section", contract, "duration")
    first = {"base_revision": "1", "starts_on": "2027-01-01"}
    browser(people.agent).post(page, first)
    answer = browser(people.owner).post(page, first | {"starts_on": "2027-07-01"})
    said = text(answer)
    assert answer.status_code == 422
    assert "rien n’est enregistré" in said
    assert "Enregistré maintenant" in said
    assert 'name="base_revision" type="hidden" value="2"' in said
    draft.refresh_from_db()
    assert draft.revision == 2


def test_a_cpts_names_as_many_signers_as_it_wants_each_by_their_own_address() -> None:
    people, contract, _draft = drafts.opened()
    page, client = url("draft-section", contract, "representatives"), browser(people.owner)

    def person(seat: int, **changes: str) -> dict[str, str]:
        given = {"name": f"Personne {seat}", "email": f"p{seat}@exemple.test", "capacity": "Élue"}
        return {f"{name}_{seat}": value for name, value in (given | changes).items()}

    def names() -> list[str]:
        draft = drafting.draft_of(contract)
        assert draft
        return [one.name for one in draft.says.representatives]

    assert "Ajouter une personne" in text(client.get(page))
    # One more group of fields each time, and what was typed stays: nothing is saved yet.
    typed = {"base_revision": "1"} | person(1, email="pas une adresse")
    for seat in (2, 3):
        answer = client.post(page, typed | {"action": "more"})
        said = text(answer)
        shown = (f'name="name_{seat}"' in said, "pas une adresse" in said, "fr-error-text" in said)
        assert (answer.status_code, shown, names()) == (200, (True, True, False), [])
        typed |= person(seat)
    same = client.post(page, typed | person(1) | {"email_3": "P2@exemple.test", "action": "save"})
    assert "Une autre personne a déjà cette adresse" in text(same)
    lacking = client.post(page, typed | person(1) | {"capacity_3": "", "action": "save"})
    assert "Écrivez : qualité." in text(lacking)
    client.post(page, typed | person(1) | {"action": "save"})
    assert names() == ["Personne 1", "Personne 2", "Personne 3"]
    kept = typed | person(1) | {"base_revision": "2", "action": "save"}
    assert "cochez la case" in text(
        client.post(page, kept | person(3, name="", email="", capacity=""))
    )
    client.post(page, kept | {"remove_2": "on"})
    assert names() == ["Personne 1", "Personne 3"]


def test_a_page_costs_the_same_with_one_or_thirty_of_everything() -> None:
    people, contract, draft = drafts.opened()
    client = browser(people.owner)

    def cost(name: str, *args: str) -> int:
        client.get(url(name, contract, *args))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url(name, contract, *args)).status_code == 200
        return len(queries)

    def costs() -> list[int]:
        return [
            cost("draft"),
            cost("draft-versions"),
            *(cost("draft-section", section) for section in ("size", "indicators")),
        ]

    def fill(count: int) -> None:
        nonlocal draft
        for _ in range(count):
            negotiation.open_thread(draft, "size", "Une remarque", by=people.agent)
            other = {"T3": "T4", "T4": "T3"}[draft.says.size]
            asked = type(draft.says)(**{**vars(draft.says), "size": other})
            negotiation.propose_section(
                draft, "size", asked, by=people.agent, base_revision=draft.revision, reason=""
            )
            draft = drafting.save_section(
                draft, "size", asked, by=people.payer, base_revision=draft.revision
            )

    fill(1)
    once = costs()
    fill(29)
    assert costs() == once


def test_each_section_has_a_form_or_a_page_of_its_own() -> None:
    assert set(SECTIONS) - set(SECTION_FORMS) == {"indicators", "rates"}
    for typed in ("oui", "80", "69,7 : 50 % ; 75 : 100 %"):
        target = read_target(typed, 1)
        assert target
        assert read_target(typed_target(target), 1) == target


def test_the_shared_pages_and_lists_stand_a_contract_under_negotiation() -> None:
    people, contract, _draft = drafts.opened()
    pages = [
        reverse(f"cases:{one.name}", args=[contract.public_id])
        for one in workflow_urls.urlpatterns
        if one.pattern.converters == {} and one.pattern.regex.groups == 0
    ]
    assert len(pages) > 10
    for person in (people.owner, people.payer, people.agent):
        client = browser(person)
        assert [page for page in pages if client.get(page).status_code >= 500] == []
    desk = text(browser(people.payer).get(reverse("desks:inbox") + "?onglet=tous"))
    assert (contract.title in desk, "En négociation" in desk) == (True, True)
    assert browser(people.owner).get(reverse("desks:home")).status_code == 200


def test_the_communes_of_a_contract_are_read_on_one_line() -> None:
    lines = [
        ("Nombre de communes", "2"),
        ("Commune 81139", "Lautrec (81139)"),
        ("Commune 81222", "Réalmont (81222)"),
    ]
    assert together(lines) == [
        ("Nombre de communes", "2"),
        ("Communes", "Lautrec (81139), Réalmont (81222)"),
    ]
