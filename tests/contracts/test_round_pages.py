"""The pages of a round: who sees and does what, by an account or by a personal link."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import second_factor
from accounts.models import SecondFactor, User
from contracts.models import RoundPaper, SigningRound
from contracts.signing import rounds
from contracts.signing.evidence import PROOF, proof_of
from contracts.signing.link_urls import urlpatterns as link_patterns
from contracts.signing.telling import link_path
from contracts.signing.urls import urlpatterns
from cpts_portal.logs import masked
from documents.models import OfficialDocument
from notifications.models import Notification
from outbox.models import Mail
from outbox.services import deliver_pending
from tests import factories
from tests.contracts import sealing, signed
from tests.contracts.sealing import president, signatory, signer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def done() -> Iterator[list[Any]]:
    written: list[Any] = []
    with sealing.purpose_declared(written):
        yield written


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(of: SigningRound, name: str = "round", *more: Any) -> str:
    return reverse(f"contracts:{name}", args=[of.contract.public_id, of.public_id, *more])


def text(response: Any) -> str:
    return response.content.decode().replace("\u00a0", " ")


def scan() -> SimpleUploadedFile:
    return SimpleUploadedFile("contrat.pdf", sealing.PDF)


def test_every_address_answers_those_it_concerns_and_nobody_else() -> None:
    opened = sealing.opened()
    contract = opened.contract
    assert contract.cpam
    sent = {"signed_on": timezone.localdate().isoformat(), "file": scan()}
    sender = browser(signed.agent(contract.cpam))
    assert sender.post(url(opened, "round-paper"), sent).status_code == 302
    (paper,) = RoundPaper.objects.all()
    asked: list[tuple[str, tuple[int, ...], dict[str, Any] | None]] = [
        ("round", (), None),
        ("round-document", (), None),
        ("round-proof", (), None),
        ("round-sealed", (), None),
        ("round-sign", (), None),
        ("round-sign", (), {"answer": "sign", "code": "1"}),
        ("round-remind", (), {}),
        ("round-order", (), None),
        ("round-order", (), {"order": "libre"}),
        ("round-order", (), {"order": "ars"}),
        ("round-paper", (), None),
        ("round-paper", (), {}),
        ("round-check", (paper.pk,), None),
        ("round-check", (paper.pk,), {"answer": "return", "reason": ""}),
        ("round-paper-file", (paper.pk,), None),
    ]
    assert {name for name, *_ in asked} == {pattern.name for pattern in urlpatterns}

    def statuses(client: Client) -> list[int]:
        found = []
        for name, more, data in asked:
            at = url(opened, name, *more)
            response = client.get(at) if data is None else client.post(at, data)
            if response.streaming:
                b"".join(response.streaming_content)  # a file is closed once it is read
            found.append(response.status_code)
        return found

    reader = factories.team_member(contract.community, role="reader").user
    ars = signer(opened, "ars").user
    assert ars
    other = signed.agent(signed.cpam("31", "Haute-Garonne"))
    nothing, reads = [404] * len(asked), [200, 200, 404, 404]
    acts = [302, 200, 302, 422, 200, 422]
    assert {
        "stranger": statuses(browser(factories.user())),
        "other fund": statuses(browser(other)),
        "reader": statuses(browser(reader)),
        "owner": statuses(browser(contract.created_by)),
        "colleague of the sender": statuses(sender),
        "signer": statuses(browser(ars)),
        "nobody": statuses(Client()),
    } == {
        "stranger": nothing,
        "other fund": nothing,
        "reader": [*reads, *[403] * 10, 200],
        "owner": [*reads, 403, 403, *acts, 200, 422, 200],
        "colleague of the sender": [*reads, 403, 403, *acts, 403, 403, 200],
        "signer": [*reads, 200, 422, *acts, 200, 422, 200],
        "nobody": [302] * len(asked),
    }


def test_the_president_signs_by_their_link_without_an_account() -> None:
    opened = sealing.opened()
    deliver_pending()
    one = signer(opened, "cpts")
    mail = Mail.objects.get(recipient=one.email)
    found = re.search(r"/signer/contrat/[\w-]+/", mail.text_body)
    assert found
    path = found[0]
    assert path == link_path(one)

    assert masked(f"GET {path}code/ 302") == "GET /signer/contrat/…/code/ 302"
    client = Client()
    page = text(client.get(path))
    assert (one.name in page, one.email in page) == (True, False)
    assert signer(opened, "ars").name not in page
    assert client.get(f"{path}document.pdf").content == sealing.PDF
    assert client.post(f"{path}code/").headers["Location"] == f"{path}signer/"
    assert client.post(f"{path}code/").status_code == 429
    wrong = client.post(f"{path}signer/", {"code": "12", "answer": "sign"})
    assert (wrong.status_code, "Ce n’est pas le code reçu" in text(wrong)) == (422, True)
    lacks = client.post(f"{path}signer/", {"code": "12", "answer": "decline"})
    assert "Écrivez pourquoi vous ne signez pas" in text(lacks)
    one.refresh_from_db()
    one.code_sent_at = None
    one.save()
    code = sealing.code_of(one)
    done = client.post(f"{path}signer/", {"code": code, "answer": "sign"}, follow=True)
    assert "C’est signé" in text(done)
    assert "D’autres signatures sont encore attendues" in text(done)
    unknown = reverse("contract-signing:page", args=["x" * 43])
    assert [client.get(unknown + tail).status_code for tail in ("", "document.pdf")] == [404, 404]
    assert {pattern.name for pattern in link_patterns} == {
        *("page", "document", "proof", "code", "answer")
    }
    assert client.get(f"{path}preuve.pdf").status_code == 404


def test_an_agent_signs_with_their_application_once_they_have_one() -> None:
    opened = sealing.opened()
    sealing.sign(opened, "cpts", "cpam")
    person = signer(opened, "ars").user
    assert person
    SecondFactor.objects.filter(user=person).delete()
    client, at = browser(person), url(opened, "round-sign")
    setup = f"{reverse('accounts:second_factor')}?suite={at}"
    assert setup in text(client.get(at))

    again = client.get(setup)
    assert again.status_code == 302
    client.post(again.headers["Location"], {"password": factories.PASSWORD})
    shown = client.get(setup)
    nonce = client.session["second_factor_nonce"]
    assert "data:image/svg+xml" in text(shown)
    refused = client.post(setup, {"code": "1"})
    assert (refused.status_code, client.session["second_factor_nonce"]) == (422, nonce)
    step = second_factor.step_now()
    codes = client.post(setup, {"code": second_factor.code_at(person, nonce, step)})
    assert (len(re.findall(r"<li>\w{5}-\w{5}</li>", text(codes))), at in text(codes)) == (10, True)

    assert "Écrivez les six chiffres" in text(client.post(at, {"answer": "sign"}))
    later = second_factor.code_at(person, nonce, step + 1)
    done = client.post(at, {"answer": "sign", "code": later}, follow=True)
    assert "Signé par tous" in text(done)
    assert client.get(at).headers["Location"] == url(opened)
    assert "Activé" in text(client.get(reverse("accounts:second_factor")))


def test_a_refusal_is_told_to_all_and_its_reason_read_on_the_page() -> None:
    opened = sealing.opened()
    deliver_pending()
    person = signer(opened, "cpam").user
    assert person
    client, at = browser(person), url(opened, "round-sign")
    lacks = client.post(at, {"answer": "refuse", "reason": " "})
    assert (lacks.status_code, "Écrivez pourquoi" in text(lacks)) == (422, True)
    said = client.post(at, {"answer": "refuse", "reason": "La durée."}, follow=True)
    assert ("La durée." in text(said), "Refusé" in text(said)) == (True, True)
    deliver_pending()
    told = Mail.objects.filter(subject__contains="une signature est refusée")
    ars, cpts = signer(opened, "ars"), signer(opened, "cpts")
    assert {one.recipient for one in told} >= {
        ars.email,
        cpts.email,
        person.email,
        opened.contract.created_by.email,
    }
    assert not told.filter(text_body__contains="La durée.").exists()
    assert "La durée." in text(Client().get(link_path(cpts)))


def test_the_president_refuses_by_their_link_before_their_turn_and_does_not_sign() -> None:
    opened = sealing.opened()
    agent = signed.agent(opened.contract.ars)
    opened = rounds.set_order(opened, ["cpam", "ars", "cpts"], by=agent)
    visitor, link = Client(), link_path(signer(opened, "cpts"))
    first = text(visitor.get(link))
    assert "pas encore votre tour" in first
    assert ("Recevoir un code pour refuser" in first, "Recevoir mon code" in first) == (True, False)
    code = sealing.code_of(signer(opened, "cpts"))
    asked = text(visitor.get(f"{link}signer/"))
    assert ('value="sign"' in asked, 'value="decline"' in asked) == (False, True)
    early = visitor.post(f"{link}signer/", {"answer": "sign", "code": code})
    assert (early.status_code, "pas encore votre tour" in text(early)) == (422, True)
    reason = {"answer": "decline", "code": code, "reason": "La durée."}
    assert "La durée." in text(visitor.post(f"{link}signer/", reason, follow=True))
    opened.refresh_from_db()
    assert (opened.state, opened.signatures.count()) == ("refused", 0)


def test_a_copy_signed_on_paper_goes_from_one_party_to_another() -> None:
    opened = sealing.opened()
    owner, agent = opened.contract.created_by, signed.agent(opened.contract.ars)
    client = browser(owner)
    late = {"signed_on": (timezone.localdate() + timedelta(1)).isoformat(), "file": scan()}
    assert "un jour à venir" in text(client.post(url(opened, "round-paper"), late))
    bad = {"signed_on": "2026-01-02", "file": SimpleUploadedFile("a.pdf", b"PK\x03\x04 no")}
    assert "n’est pas accepté ici" in text(client.post(url(opened, "round-paper"), bad))
    client.post(url(opened, "round-paper"), {"signed_on": "2026-01-02", "file": scan()})
    paper = RoundPaper.objects.get()
    deliver_pending()
    told = Notification.objects.filter(path=url(opened), title__contains="à vérifier")
    assert {one.recipient for one in told} == {
        signer(opened, "cpam").email,
        signer(opened, "ars").email,
    }

    at = url(opened, "round-check", paper.pk)
    page = text(browser(agent).get(at))
    assert signer(opened, "cpts").name in page
    done = browser(agent).post(at, {"answer": "accept"}, follow=True)
    assert "signé par toutes les parties" in text(done)
    assert "Sur papier" in text(done)


def test_the_evidence_is_a_numbered_document_issued_once() -> None:
    opened = sealing.opened()
    sealing.sign(opened, "cpts", "ars", "cpam")
    for _ in range(2):
        deliver_pending()
    issued = OfficialDocument.objects.get(kind=PROOF)
    assert issued.number.startswith("DP-76-")
    page = browser(opened.contract.created_by)
    assert page.get(url(opened, "round-proof")).content.startswith(b"%PDF")
    assert Client().get(f"{link_path(signer(opened, 'cpts'))}preuve.pdf").status_code == 200
    opened.refresh_from_db()
    proof = proof_of(opened)
    ars = signer(opened, "ars")
    assert (proof.number, proof.sha256) == (
        opened.document.document.number,
        opened.document_sha256,
    )
    assert [one.name for one in proof.lines] == [
        signer(opened, party).name for party in ("cpts", "cpam", "ars")
    ]
    assert (proof.lines[2].capacity, proof.lines[2].power, proof.lines[2].how) == (
        ars.capacity,
        ars.power,
        "Compte et code d’une application",
    )


def test_a_round_costs_the_same_whatever_it_holds() -> None:
    def cost(signers: int) -> int:
        contract = signed.contract()
        assert contract.cpam
        opened = sealing.opened(
            contract,
            signers={
                "cpts": [president() for _ in range(signers)],
                "cpam": [signatory(contract.cpam)],
                "ars": [signatory(contract.ars)],
            },
        )
        client = browser(contract.created_by)
        client.get(url(opened))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url(opened)).status_code == 200
        return len(queries)

    assert cost(1) == cost(25) <= 20


def test_the_desk_and_the_contract_lead_to_what_is_signed() -> None:
    opened = sealing.opened()
    person = signer(opened, "ars").user
    assert person
    desk = reverse("contract-desk:todo") + "?voir=a-signer"
    assert url(opened, "round-sign") in text(browser(person).get(desk))
    page = reverse("contract-desk:contract", args=[opened.contract.public_id])
    assert url(opened) in text(browser(opened.contract.created_by).get(page))
    sealing.sign(opened, "ars")
    assert url(opened, "round-sign") not in text(browser(person).get(desk))
