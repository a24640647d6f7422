"""The shared draft: opened, changed by each party, agreed to, frozen, taken back."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pypdfium2
import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.documents import contract_context
from contracts.drafts import concluding, drafting, freezing, negotiation, opening
from contracts.drafts.completeness import Surroundings, lacks
from contracts.drafts.drafting import StaleDraftError
from contracts.funding.engaging import engagement_signed
from contracts.funding.schedule import compute_schedule, five_years
from contracts.models import Contract, Draft, SigningRound
from contracts.signing import answers
from contracts.terms import (
    ContractTerms,
    MissionTerm,
    Party,
    Representative,
    from_data,
)
from contracts.texts import all_models, text_model
from contracts.versions import terms_on
from outbox.models import Mail, OutboxEvent
from outbox.services import deliver
from procedures.rates import cpom_rates, current_rates, delivered_rates
from signatures.codes import Seen
from territories.services import add_communes
from tests import factories
from tests.contracts import drafts, sealing, signed
from workflow.models import CaseDesk, Snapshot
from workflow.official import read_document
from workflow.services import ActionRefusedError, IncompleteError, perform
from workflow.states import CaseState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]


def test_a_draft_opens_with_what_is_known_on_the_desks_of_its_parties():
    people, contract, draft = drafts.opened()
    terms = draft.says
    assert (contract.state, draft.revision, terms.size, len(terms.communes)) == (
        CaseState.DRAFT,
        1,
        "T3",
        2,
    )
    assert [one.name for one in terms.parties] == [
        "Association du contrat",
        people.ars.name,
        people.cpam.name,
    ]
    assert [one.key for one in terms.missions] == [
        one.key for one in current_rates().missions if not one.is_optional
    ]
    assert set(
        CaseDesk.objects.filter(case_id=contract.pk).values_list("organisation", "kind")
    ) == {
        (people.cpam.pk, "in_charge"),
        (people.ars.pk, "informed"),
    }
    for user in (people.owner, people.agent, people.payer):
        assert Contract.objects.visible_to(user).filter(pk=contract.pk).exists()
        assert opening.open_contract(people.community, by=user, cpam=people.cpam).pk == contract.pk
    assert not Contract.objects.visible_to(factories.user()).filter(pk=contract.pk).exists()


def test_a_contract_opens_after_the_project_and_for_its_parties_only():
    people = drafts.parties(recognised=False)
    with pytest.raises(ActionRefusedError, match="n’est pas validé"):
        opening.open_contract(people.community, by=people.owner, cpam=people.cpam)
    editor = factories.team_member(people.community).user
    for stranger in (editor, factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        with pytest.raises(PermissionDenied):
            opening.open_contract(people.community, by=stranger, cpam=people.cpam)
    elsewhere = opening.Recognition(date(2020, 3, 2), "Courrier de l’ARS du 2 mars 2020")
    with pytest.raises(ActionRefusedError, match="n’est pas validé"):
        opening.open_contract(
            people.community, by=people.owner, cpam=people.cpam, recognised=elsewhere
        )
    with pytest.raises(ActionRefusedError, match="à venir"):
        opening.open_contract(
            people.community,
            by=people.agent,
            cpam=people.cpam,
            recognised=replace(elsewhere, on=timezone.localdate() + timedelta(days=1)),
        )
    contract = opening.open_contract(
        people.community, by=people.agent, cpam=people.cpam, recognised=elsewhere
    )
    stage = people.community.stages.get()
    assert (contract.state, stage.act, stage.opened_on) == (
        CaseState.DRAFT,
        elsewhere.act,
        elsewhere.on,
    )


def test_an_older_contract_binds_the_association_and_the_agency_alone():
    _people, contract, draft = drafts.opened(form="cpom")
    assert (contract.cpam, contract.office, draft.says.missions, draft.says.ans_code) == (
        None,
        contract.ars,
        (),
        "",
    )


def test_an_older_contract_is_signed_at_the_amount_it_says_for_two_years_at_most():
    people, contract, draft = drafts.opened(form="cpom")
    wanted = replace(
        draft.says,
        starts_on=drafts.STARTS,
        ends_on=date(2029, 1, 1),
        representatives=tuple(
            Representative(party=party, name=str(user), capacity="Qualité", user=user.pk)
            for party, user in (("cpts", people.owner), ("ars", people.agent))
        ),
        yearly_amount=Decimal(60_000),
    )
    for section in ("duration", "representatives", "rates"):
        draft = drafting.save_section(
            draft, section, wanted, by=people.agent, base_revision=draft.revision
        )
    assert [one.section for one in drafting.lacks_of(draft)] == ["duration", "rates"]
    wanted = replace(wanted, ends_on=date(2028, 12, 31), yearly_amount=Decimal(45_000))
    for section in ("duration", "rates"):
        draft = drafting.save_section(
            draft, section, wanted, by=people.agent, base_revision=draft.revision
        )
    assert drafting.lacks_of(draft) == []
    for user in (people.owner, people.agent):
        drafting.mark_agreement(draft, by=user, revision=draft.revision)
    freezing.freeze_contract(contract, by=people.owner, revision=draft.revision)
    frozen = Snapshot.objects.get(case_id=contract.pk)
    signed_terms = concluding.signed_as(frozen, drafts.STARTS)
    schedule = compute_schedule(engagement_signed(signed_terms, signed_terms.rates))
    assert [(one.due_on, one.amount) for one in schedule.lines] == [
        (drafts.STARTS, Decimal(45_000)),
        (date(2028, 1, 1), Decimal(45_000)),
    ]


def test_a_change_is_a_version_that_clears_what_was_agreed_and_says_so():
    people, _contract, draft = drafts.opened()
    drafting.mark_agreement(draft, by=people.agent, revision=1)
    wanted = replace(draft.says, starts_on=drafts.STARTS, ends_on=five_years(drafts.STARTS))
    draft = drafting.save_section(draft, "duration", wanted, by=people.payer, base_revision=1)
    version = draft.versions.get(number=2)
    assert (draft.revision, version.sections, version.party, version.note) == (
        2,
        ["duration"],
        "cpam",
        "Modifié\u00a0: durée",
    )
    agency = drafting.agreements_of(draft)[1]
    assert (agency.stands, agency.cleared_because, agency.cleared_by) == (
        False,
        "Modifié\u00a0: durée",
        people.payer,
    )
    assert OutboxEvent.objects.filter(handler="contracts.agreement_cleared").count() == 1
    with pytest.raises(ActionRefusedError, match="version 1"):
        drafting.mark_agreement(draft, by=people.agent, revision=1)
    same = drafting.save_section(draft, "duration", wanted, by=people.owner, base_revision=2)
    assert same.revision == 2


def test_two_people_change_two_sections_and_the_second_on_one_is_told():
    people, _contract, draft = drafts.opened()
    first = replace(draft.says, starts_on=drafts.STARTS)
    drafting.save_section(draft, "duration", first, by=people.agent, base_revision=1)
    other = replace(draft.says, size="T4")
    draft = drafting.save_section(draft, "size", other, by=people.payer, base_revision=1)
    assert (draft.says.starts_on, draft.says.size, draft.revision) == (drafts.STARTS, "T4", 3)
    with pytest.raises(StaleDraftError, match="rien n’est enregistré") as told:
        drafting.save_section(
            draft,
            "duration",
            replace(draft.says, starts_on=date(2028, 1, 1)),
            by=people.owner,
            base_revision=1,
        )
    assert told.value.theirs.starts_on == drafts.STARTS
    for stranger in (factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        with pytest.raises(PermissionDenied):
            drafting.save_section(draft, "size", other, by=stranger, base_revision=3)


def test_a_proposal_changes_the_draft_once_another_party_accepts_it():
    people, _contract, draft = drafts.opened()
    wanted = replace(draft.says, starts_on=drafts.STARTS, ends_on=five_years(drafts.STARTS))
    given = {"by": people.owner, "base_revision": 1, "reason": "Dès janvier"}
    proposal = negotiation.propose_section(draft, "duration", wanted, **given)
    with pytest.raises(PermissionDenied):
        negotiation.accept_proposal(proposal, by=people.owner)
    draft = negotiation.accept_proposal(proposal, by=people.payer)
    assert (draft.says.starts_on, draft.revision) == (drafts.STARTS, 2)
    with pytest.raises(ActionRefusedError, match="déjà effectuée"):
        negotiation.decline_proposal(proposal, by=people.agent)
    with pytest.raises(ActionRefusedError, match="la même chose"):
        negotiation.propose_section(draft, "duration", wanted, **given)
    late = negotiation.propose_section(draft, "duration", replace(wanted, starts_on=None), **given)
    with pytest.raises(ActionRefusedError, match="a changé depuis"):
        negotiation.accept_proposal(late, by=people.payer)
    negotiation.decline_proposal(late, by=people.owner)
    late.refresh_from_db()
    assert late.state == "taken_back"


def test_a_thread_is_settled_and_opens_again_when_answered():
    people, _contract, draft = drafts.opened()
    thread = negotiation.open_thread(draft, "size", "Taille 3 ?", by=people.payer, line="Taille")
    negotiation.settle_thread(thread, by=people.owner)
    thread.refresh_from_db()
    assert thread.resolved_by == people.owner
    negotiation.answer_thread(thread, "Oui.", by=people.agent)
    thread.refresh_from_db()
    said = [(one.party, one.text) for one in thread.remarks.all()]
    assert (thread.resolved_at, said) == (None, [("cpam", "Taille 3 ?"), ("ars", "Oui.")])
    with pytest.raises(ActionRefusedError, match="vide"):
        negotiation.answer_thread(thread, "  ", by=people.agent)


def test_the_contract_is_frozen_once_all_agree_and_comes_back_when_refused():
    people, contract, draft = drafts.opened()
    draft = drafts.filled_in(draft, people)
    with pytest.raises(IncompleteError) as lacking:
        freezing.freeze_contract(contract, by=people.owner, revision=draft.revision)
    assert lacking.value.missing == [
        f"{party}\u00a0: son accord sur la version 5 n’est pas marqué."
        for party in ("CPTS", "ARS", "CPAM")
    ]
    drafts.agreed(draft, people)
    freezing.freeze_contract(contract, by=people.payer, revision=draft.revision)
    frozen = Snapshot.objects.get(case_id=contract.pk)
    draft.refresh_from_db()
    assert (contract.state, contract.version, draft.state, contract.starts_on) == (
        CaseState.TO_SIGN,
        1,
        Draft.State.TO_SIGN,
        drafts.STARTS,
    )
    assert from_data(frozen.content["terms"]) == draft.says
    with pytest.raises(ActionRefusedError, match="plus en négociation"):
        drafting.save_section(draft, "size", draft.says, by=people.owner, base_revision=5)
    perform(contract, "reopen", actor=None, comment="La date ne convient pas.")
    draft.refresh_from_db()
    assert (contract.state, draft.state, contract.reference) == (
        CaseState.DRAFT,
        Draft.State.OPEN,
        frozen.content["reference"],
    )
    assert [one.cleared_because for one in drafting.agreements_of(draft)] == [
        "Texte repris\u00a0: La date ne convient pas"
    ] * 3


def test_a_territory_that_has_grown_is_said_and_taken_again_before_freezing():
    people, contract, draft = drafts.opened(drafts.parties("81004"))
    draft = drafts.filled_in(draft, people)
    assert draft.says.size == "T2"
    # The agreement gives no amount for that size: nothing is signed on a guess.
    assert {one.section for one in drafting.lacks_of(draft)} == {"rates"}
    add_communes(drafts.territory_of(people.community), ["81065"])
    assert {one.section for one in drafting.lacks_of(draft)} == {"territory", "size", "rates"}
    draft = drafting.refresh_ground(draft, by=people.agent)
    assert (draft.says.size, drafting.lacks_of(draft)) == ("T3", [])
    contract.refresh_from_db()
    assert contract.state == CaseState.DRAFT


def test_a_party_gives_the_contract_up_with_a_reason():
    people, contract, draft = drafts.opened()
    with pytest.raises(ActionRefusedError, match="pourquoi"):
        freezing.give_up(contract, by=people.owner, reason=" ")
    freezing.give_up(contract, by=people.owner, reason="Le projet change.")
    draft.refresh_from_db()
    assert (contract.state, draft.state) == (CaseState.WITHDRAWN, Draft.State.DROPPED)
    again = opening.open_contract(people.community, by=people.owner, cpam=people.cpam)
    assert again.pk != contract.pk


TODAY = date(2026, 11, 22)
AROUND = Surroundings(delivered_rates(), None, TODAY, (("prevention", 12),))
GOOD = ContractTerms(
    parties=(
        Party(role="cpts", name="Association", legal_form="Association", rna="W812345678"),
        Party(role="ars", name="ARS"),
        Party(role="cpam", name="CPAM"),
    ),
    representatives=tuple(
        Representative(party=party, name=party, capacity="Qualité", valid_to=TODAY)
        for party in ("cpts", "ars", "cpam")
    ),
    communes=ContractTerms().communes,
    population=90_000,
    population_year=2023,
    population_source="Insee",
    size="T3",
    starts_on=drafts.STARTS,
    ends_on=five_years(drafts.STARTS),
    missions=tuple(
        MissionTerm(key=one.key, starts_on=drafts.STARTS)
        for one in delivered_rates().missions
        if not one.is_optional
    ),
)


@pytest.mark.parametrize(
    ("changes", "section", "said"),
    [
        ({}, "territory", "Le territoire est vide"),
        ({"missions": GOOD.missions[1:]}, "missions", "cette mission est obligatoire"),
        (
            {"missions": (*GOOD.missions, MissionTerm(key="quality_relevance"))},
            "missions",
            "n’a pas de date de début",
        ),
        (
            {
                "missions": (
                    replace(GOOD.missions[0], starts_on=date(2040, 1, 1)),
                    *GOOD.missions[1:],
                )
            },
            "missions",
            "après la fin du contrat",
        ),
        (
            {"missions": tuple(replace(one, starts_on=date(2028, 2, 1)) for one in GOOD.missions)},
            "missions",
            "au plus tard 12 mois",
        ),
        ({"ends_on": date(2026, 1, 1)}, "duration", "avant de commencer"),
        ({"ends_on": date(2033, 1, 1)}, "duration", "dure cinq ans"),
        ({"size": "T2"}, "size", "font une taille 3"),
        ({"size": "T2", "population": 50_000}, "rates", "confirm"),
        ({"population_year": 2031}, "territory", "vérifiez l’année"),
        (
            {
                "representatives": tuple(
                    replace(one, valid_to=date(2026, 11, 21)) for one in GOOD.representatives
                )
            },
            "representatives",
            "a pris fin le 21 novembre 2026",
        ),
        ({"representatives": ()}, "representatives", "personne ne signe"),
        (
            {"representatives": tuple(replace(one, user=7) for one in GOOD.representatives)},
            "representatives",
            "signe deux fois",
        ),
        (
            {"indicators": drafts.measures("prevention")},
            "indicators",
            "aucun indicateur ne suit ces missions",
        ),
    ],
)
def test_what_cannot_be_signed_is_said(changes, section, said):
    found = lacks(replace(GOOD, **changes), AROUND)
    assert [one for one in found if one.section == section and said in one.sentence], found


def test_each_model_of_text_is_printed_whole_for_a_draft_that_says_nothing():
    assert [(one.key, one.version) for one in all_models()] == [("aci", 1), ("cpom", 1)]
    for form in ("aci", "cpom"):
        model = text_model(form)
        found = contract_context(
            ContractTerms(form=form), delivered_rates(), model, name="CPTS du Lac"
        )
        assert len(found["articles"]) == len(model.articles)
        text = str(found)
        assert "{" + "cpts}" not in text
        assert "à compléter" in text


def test_an_older_contract_names_its_agency_and_its_missions_in_words():
    named = drafts.measures("prevention")
    found = contract_context(
        ContractTerms(
            form="cpom",
            parties=(Party(role="ars", name="Agence régionale de santé Occitanie"),),
            indicators=named,
        ),
        cpom_rates(Decimal(45_000)),
        text_model("cpom"),
        name="CPTS du Lac",
    )
    assert (
        found["articles"][0]
        .paragraphs[0]
        .startswith("L’Agence régionale de santé Occitanie soutient")
    )
    annexes = found["annexes"]
    assert ([one["mission"] for one in annexes["indicators"]], annexes["most"]) == (
        ["Prévention"],
        "",
    )


def test_the_annexed_schedule_is_that_of_the_agreement():
    money = contract_context(
        replace(
            GOOD,
            missions=tuple(
                MissionTerm(key=one.key, starts_on=drafts.STARTS)
                for one in delivered_rates().missions
            ),
        ),
        delivered_rates(),
        text_model("aci"),
        name="CPTS du Lac",
    )["annexes"]["money"]
    assert [year["total"] for year in money["years"]] == ["397\u00a0500\u00a0€"] * 5


def test_the_frozen_document_is_issued_once_and_its_parties_are_told():
    people, contract, draft = drafts.opened()
    drafts.agreed(drafts.filled_in(draft, people), people)
    draft.refresh_from_db()
    freezing.freeze_contract(contract, by=people.owner, revision=draft.revision)
    while left := list(OutboxEvent.objects.filter(done_at=None).order_by("pk")):
        for event in left:
            deliver(event.pk)
    frozen = Snapshot.objects.get(case_id=contract.pk)
    concluding.issue_and_open(snapshot_id=frozen.pk)
    issued = frozen.documents.get()
    assert (issued.kind, issued.document.number) == ("contract", f"{contract.reference}-V1")
    pdf = read_document(issued.document)
    text = "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf))
    assert "Article 13" in text
    assert "397 500 €" in " ".join(text.split())
    assert set(Mail.objects.values_list("recipient", flat=True)) >= {
        people.owner.email,
        people.agent.email,
        people.payer.email,
    }


def to_sign() -> tuple[drafts.Parties, Contract, SigningRound]:
    """A T3 contract with the six missions, frozen, its document before those who sign it."""
    people, contract, draft = drafts.opened()
    drafts.agreed(drafts.filled_in(draft, people), people)
    draft.refresh_from_db()
    freezing.freeze_contract(contract, by=people.owner, revision=draft.revision)
    concluding.issue_and_open(snapshot_id=Snapshot.objects.get(case_id=contract.pk).pk)
    for person in (people.agent, people.payer):
        sealing.equip(person)
    return people, contract, concluding.rounds_of(contract)[0]


def test_the_last_signature_puts_the_contract_in_force_with_its_schedule_once():
    people, contract, opened = to_sign()
    assert [one.party for one in opened.signers.all()] == ["cpts", "ars", "cpam"]
    sealing.sign(opened, "cpam", "cpts")
    contract = Contract.objects.get(pk=contract.pk)
    assert (contract.state, contract.versions.count()) == (CaseState.TO_SIGN, 0)
    sealing.sign(opened, "ars")
    contract = Contract.objects.get(pk=contract.pk)
    version, draft = contract.versions.get(), contract.drafts.get()
    assert (contract.state, contract.signed_on, draft.state) == (
        CaseState.ACCEPTED,
        timezone.localdate(),
        Draft.State.SIGNED,
    )
    assert terms_on(contract, drafts.STARTS) == version.says == draft.says
    lines = contract.schedules.get().lines.all()
    first = [one for one in lines if one.year == 1]
    by_share = {
        share: sum(one.amount for one in first if one.share == share)
        for share in ("operating", "fixed", "variable")
    }
    assert by_share == {"operating": 75_000, "fixed": 200_000, "variable": 122_500}
    assert sum(one.amount for one in lines) == 5 * 397_500
    with pytest.raises(ActionRefusedError):
        concluding.take_back(contract, by=people.owner, reason="Trop tard")


def test_a_refusal_to_sign_brings_the_draft_back_and_it_is_signed_again():
    people, contract, opened = to_sign()
    signer = sealing.signer(opened, "ars")
    answers.refuse(signer, reason="La date ne convient pas.", by=signer.user, seen=Seen())
    contract = Contract.objects.get(pk=contract.pk)
    draft = contract.drafts.get()
    assert (contract.state, draft.state) == (CaseState.DRAFT, Draft.State.OPEN)
    assert contract.transition_logs.get(transition="reopen").comment == "La date ne convient pas."
    client = Client()
    client.force_login(people.owner)
    page = client.get(reverse("contracts:draft", args=[contract.public_id])).content.decode()
    assert "La signature a été refusée" in page
    assert "«\u00a0La date ne convient pas.\u00a0»" in page
    drafts.agreed(draft, people)
    freezing.freeze_contract(contract, by=people.payer, revision=draft.revision)
    concluding.issue_and_open(snapshot_id=Snapshot.objects.get(case_id=contract.pk, version=2).pk)
    again = concluding.rounds_of(contract)
    assert [one.state for one in again] == ["open", "refused"]
    add_communes(drafts.territory_of(people.community), ["31555"])
    with pytest.raises(ActionRefusedError, match="taille 3 à la taille 4"):
        sealing.sign(again[0], "cpam")
    concluding.take_back(contract, by=people.owner, reason="La taille a changé.")
    assert [one.state for one in concluding.rounds_of(contract)] == ["cancelled", "refused"]
    assert contract.drafts.get().state == Draft.State.OPEN
