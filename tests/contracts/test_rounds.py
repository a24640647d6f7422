"""A frozen document is signed by all its parties, or by none; and takes effect once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pyotp
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import second_factor
from accounts.models import SecondFactor
from contracts.models import RoundPaper, RoundSignature, RoundSigner, SigningRound
from contracts.signing import answers, collecting, papers, providers, purposes, rounds, signers
from documents.services import FileRefusedError
from outbox.models import Mail
from outbox.services import deliver_pending
from signatures.codes import Seen, WrongCodeError
from tests import factories
from tests.contracts import sealing, signed
from tests.contracts.sealing import president, signatory
from workflow.official import read_document
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
Done = list[tuple[str, int, int | None]]


@pytest.fixture(autouse=True)
def done() -> Iterator[Done]:
    """What the rounds of the test ended in."""
    written: Done = []
    with sealing.purpose_declared(written):
        yield written


def parties(of: SigningRound) -> list[str]:
    return [one.party for one in signers.awaited(of)]


def test_it_takes_effect_when_all_have_signed_and_not_before(done: Done) -> None:
    opened = sealing.opened()
    assert parties(opened) == ["cpts", "cpam", "ars"]
    sealing.sign(opened, "ars", "cpts")
    assert (done, parties(opened)) == ([], ["cpam"])
    agent = sealing.signer(opened, "cpam").user
    assert agent
    sealing.sign(opened, "cpam")

    opened.refresh_from_db()
    assert done == [("signed", opened.pk, agent.pk)]
    assert (opened.state, opened.signed_on) == ("signed", timezone.localdate())
    assert list(
        opened.signatures.order_by("party").values_list("party", "method", "document_sha256")
    ) == [
        ("ars", "application", opened.document_sha256),
        ("cpam", "application", opened.document_sha256),
        ("cpts", "email_code", opened.document_sha256),
    ]
    evidence = opened.signatures.get(party="cpts").evidence
    assert evidence.pop("code_sent_at")
    assert evidence == {
        "address": f"p…{sealing.signer(opened, 'cpts').email.split('@')[0][-1]}@exemple.test",
        "network": "192.0.2.0/24",
        "browser": "Autre",
    }
    assert opened.document_sha256 == opened.document.document.sha256


def test_a_second_press_changes_nothing(done: Done) -> None:
    opened = sealing.opened()
    one = sealing.signer(opened, "cpts")
    code = sealing.code_of(one)
    answers.sign(one, code=code, seen=Seen(), by=None)
    with pytest.raises(AlreadyDoneError, match="a déjà signé"):
        answers.sign(one, code=code, seen=Seen(), by=None)
    sealing.sign(opened, "cpam", "ars")
    last = sealing.signer(opened, "ars")
    with pytest.raises(AlreadyDoneError):
        answers.sign(last, code="000000", seen=Seen(), by=last.user)
    assert (RoundSignature.objects.count(), len(done)) == (3, 1)


def test_what_the_last_signature_cannot_do_undoes_it() -> None:
    def refuses(*_args: object, **_more: object) -> None:
        raise ActionRefusedError("Le tarif n’est pas confirmé.")

    opened = sealing.opened()
    sealing.sign(opened, "cpts", "cpam")
    purposes.when_signed(sealing.PURPOSE, refuses)
    with pytest.raises(ActionRefusedError, match="tarif"):
        sealing.sign(opened, "ars")
    opened.refresh_from_db()
    assert (opened.state, parties(opened)) == ("open", ["ars"])


def test_parties_sign_in_the_order_that_was_set() -> None:
    contract = signed.contract()
    assert contract.cpam
    two = [signatory(contract.ars), signatory(contract.ars)]
    by_party = {"cpam": [signatory(contract.cpam)], "ars": two, "cpts": [president()]}
    opened = sealing.opened(contract, signers=by_party, in_order=True)
    last = sealing.signer(opened, "cpts")
    code = sealing.code_of(last)
    with pytest.raises(ActionRefusedError, match="Ce n’est pas encore votre tour"):
        answers.sign(last, code=code, seen=Seen(), by=None)
    told = RoundSigner.objects.exclude(told_at=None).values_list("party", flat=True)
    assert (parties(opened), list(told)) == (["cpam"], ["cpam"])
    sealing.sign(opened, "cpam")
    assert parties(opened) == ["ars", "ars"]
    assert two[0].user
    assert [one.round for one in signers.awaiting(two[0].user, 9)] == [opened]


def test_a_party_sets_the_order_until_somebody_has_signed() -> None:
    opened = sealing.opened()
    agent = signed.agent(opened.contract.ars)
    with pytest.raises(ActionRefusedError, match="une fois, et une seule"):
        rounds.set_order(opened, ["ars", "ars", "cpts"], by=agent)
    with pytest.raises(PermissionDenied):
        rounds.set_order(opened, [], by=factories.user())
    ordered = rounds.set_order(opened, ["ars", "cpam", "cpts"], by=agent)
    assert parties(ordered) == ["ars"]
    assert dict(ordered.signers.values_list("party", "told_at"))["cpts"] is None
    assert parties(rounds.set_order(opened, [], by=agent)) == ["cpts", "cpam", "ars"]
    ordered = rounds.set_order(opened, ["cpam", "cpts", "ars"], by=agent)
    sealing.sign(ordered, "cpam")
    assert parties(ordered) == ["cpts"]
    with pytest.raises(ActionRefusedError, match="ne change plus"):
        rounds.set_order(opened, [], by=agent)


def test_only_the_signer_signs_in_the_role_that_lets_them() -> None:
    opened = sealing.opened()
    one = sealing.signer(opened, "cpam")
    assert one.user
    other = signed.agent(opened.contract.ars, "signatory")
    sealing.equip(other)
    for by in (None, other, opened.contract.created_by):
        with pytest.raises(PermissionDenied):
            answers.sign(one, code=sealing.code_of(one), seen=Seen(), by=by)
    membership = one.user.acting
    one.user.acting = None
    with pytest.raises(PermissionDenied):
        answers.sign(one, code=sealing.code_of(one), seen=Seen(), by=one.user)
    one.user.acting = membership
    one.user.memberships.update(is_active=False)
    with pytest.raises(PermissionDenied, match="a pris fin"):
        answers.sign(one, code=sealing.code_of(one), seen=Seen(), by=one.user)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (0, 0, ""),
        (-30, 0, ""),
        (None, None, ""),
        (1, 30, "commence le"),
        (-30, -1, "a pris fin le"),
    ],
)
def test_a_power_holds_from_its_first_day_to_its_last(
    first: int | None, last: int | None, said: str
) -> None:
    today = timezone.localdate()
    signer = RoundSigner(
        name="Camille",
        power="Arrêté",
        valid_from=None if first is None else today + timedelta(first),
        valid_to=None if last is None else today + timedelta(last),
    )
    problems = signers.power_problems(signer, today)
    assert (not said and not problems) or said in problems[0]


def test_an_expired_or_withdrawn_power_keeps_from_signing_and_says_so() -> None:
    opened = sealing.opened()
    one = sealing.signer(opened, "ars")
    RoundSigner.objects.filter(pk=one.pk).update(valid_to=timezone.localdate())
    sealing.sign(opened, "cpts")
    RoundSigner.objects.filter(pk=one.pk).update(valid_to=timezone.localdate() - timedelta(1))
    with pytest.raises(ActionRefusedError, match="faites renouveler l’acte"):
        sealing.sign(opened, "ars")


def test_a_round_that_nobody_could_sign_does_not_open() -> None:
    contract = signed.contract()
    assert contract.cpam
    ended = timezone.localdate() - timedelta(1)
    with pytest.raises(IncompleteError) as refused:
        sealing.opened(
            contract,
            signers={
                "cpts": [president(email="a@exemple.test"), president(email="A@exemple.test")],
                "cpam": [president(name="Sans compte"), president(name="Fini", valid_to=ended)],
            },
        )
    said = " ".join(refused.value.missing)
    for words in ("pour l’ARS", "signe deux fois", "Sans compte signe pour", "Fini a pris"):
        assert words in said
    assert SigningRound.objects.count() == 0
    with pytest.raises(LookupError):
        rounds.open_round(contract, "unknown", 1, sealing.document(contract), {}, by=None)


def test_the_same_document_is_opened_once() -> None:
    opened = sealing.opened()
    again = {"cpts": [president()]}
    same = rounds.open_round(
        opened.contract, sealing.PURPOSE, opened.target_id, opened.document, again, by=None
    )
    assert same == opened
    with pytest.raises(AlreadyDoneError):
        sealing.opened(opened.contract)


def test_a_check_of_the_purpose_keeps_from_signing() -> None:
    opened = sealing.opened()
    purposes.blocked_when(sealing.PURPOSE, lambda _round: ["La taille a changé depuis."])
    with pytest.raises(ActionRefusedError, match="La taille a changé"):
        sealing.sign(opened, "ars")


# --- Refusing -------------------------------------------------------------------------------------


def test_a_refusal_has_a_reason_and_ends_the_round_for_all(done: Done) -> None:
    opened = sealing.opened()
    sealing.sign(opened, "cpts")
    one = sealing.signer(opened, "cpam")
    with pytest.raises(ActionRefusedError, match="Écrivez pourquoi"):
        answers.refuse(one, reason="  ", seen=Seen(), by=one.user)
    answers.refuse(one, reason="La durée n’est pas la bonne.", seen=Seen(), by=one.user)
    opened.refresh_from_db()
    assert (opened.state, opened.end_reason) == ("refused", "La durée n’est pas la bonne.")
    assert one.user
    assert done == [("refused", opened.pk, one.user.pk)]
    with pytest.raises(AlreadyDoneError, match="a refusé de signer"):
        sealing.sign(opened, "ars")
    assert sealing.opened(opened.contract).state == "open"


def test_the_link_alone_refuses_nothing() -> None:
    one = sealing.signer(sealing.opened(), "cpts")
    with pytest.raises(WrongCodeError):
        answers.refuse(one, reason="Non.", seen=Seen(), by=None, code="123456")
    answers.refuse(one, reason="Non.", seen=Seen(), by=None, code=sealing.code_of(one))


def test_the_database_keeps_signatures_as_they_were_given() -> None:
    opened = sealing.opened()
    (signature,) = sealing.sign(opened, "cpts")
    rounds.cancel_round(opened, reason="Une faute dans le texte.", by=opened.contract.created_by)
    one = sealing.signer(opened, "ars")
    fields = {
        name: getattr(signature, name)
        for name in ("for_whom", "name", "capacity", "power", "document_sha256", "method")
    }
    changes: list[tuple[str, Any]] = [
        ("written_once", lambda: RoundSignature.objects.update(name="Autre")),
        ("written_once", lambda: RoundSignature.objects.all().delete()),
        (
            "signature_open",
            lambda: RoundSignature.objects.create(round=opened, signer=one, party="ars", **fields),
        ),
    ]
    for name, change in changes:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            change()


# --- Codes ----------------------------------------------------------------------------------------


def test_a_code_of_the_application_serves_once_and_wrong_ones_are_counted() -> None:
    opened = sealing.opened()
    one = sealing.signer(opened, "ars")
    assert one.user
    for _ in range(second_factor.MOST_FAILURES):
        with pytest.raises(WrongCodeError, match="Ce n’est pas le code"):
            answers.sign(one, code="abc", seen=Seen(), by=one.user)
    with pytest.raises(WrongCodeError, match="attendez un quart d’heure"):
        answers.sign(one, code=sealing.code_of(one), seen=Seen(), by=one.user)
    told = Mail.objects.filter(recipient=one.user.email, subject__startswith="Cinq codes faux")
    assert told.count() == 1
    SecondFactor.objects.update(failures=0)
    code = sealing.code_of(one)
    assert second_factor.try_code(one.user, code) == (second_factor.Means.APPLICATION, "")
    assert "déjà servi" in second_factor.try_code(one.user, code)[1]
    SecondFactor.objects.all().delete()
    with pytest.raises(WrongCodeError, match="activez d’abord"):
        answers.sign(one, code=code, seen=Seen(), by=one.user)


def test_setting_up_an_application_gives_ten_codes_that_each_serve_once() -> None:
    person = factories.user()
    setup = second_factor.begin(person)
    assert second_factor.begin(person, setup.nonce) == setup
    with pytest.raises(second_factor.SecondFactorError):
        second_factor.confirm(person, setup.nonce, "000")
    step = second_factor.step_now()
    codes = second_factor.confirm(
        person, setup.nonce, second_factor.code_at(person, setup.nonce, step)
    )
    assert len(set(codes)) == 10
    typed = codes[0].upper().replace("-", " ")
    assert second_factor.try_code(person, typed) == (second_factor.Means.RECOVERY, "")
    assert second_factor.try_code(person, typed)[0] is None
    later = second_factor.code_at(person, setup.nonce, step + 1)
    renewed = second_factor.renew_recovery_codes(person, later)
    assert second_factor.try_code(person, codes[1])[0] is None
    second_factor.remove(person, renewed[0])
    assert not second_factor.has_second_factor(person)
    assert Mail.objects.filter(recipient=person.email).count() == 4


@pytest.mark.django_db
def test_the_key_shown_gives_the_codes_of_any_application() -> None:
    user = factories.user()
    setup = second_factor.begin(user)
    application = pyotp.TOTP(setup.key.replace(" ", ""))  # six digits, thirty seconds, SHA-1
    step = second_factor.step_now()
    assert second_factor.code_at(user, setup.nonce, step) == application.at(
        step * second_factor.STEP_SECONDS
    )


# --- On paper -------------------------------------------------------------------------------------


def scan(content: bytes = sealing.PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile("contrat.pdf", content)


def test_a_paper_copy_is_checked_by_another_party_then_counts_for_all(done: Done) -> None:
    opened = sealing.opened()
    contract = opened.contract
    assert contract.cpam
    sealing.sign(opened, "ars")
    sender, colleague = signed.agent(contract.cpam), signed.agent(contract.cpam)
    day = timezone.localdate() - timedelta(2)
    with pytest.raises(FileRefusedError):
        papers.upload_paper(opened, scan(b"no pdf"), signed_on=day, by=sender)
    with pytest.raises(PermissionDenied):
        papers.upload_paper(opened, scan(), signed_on=day, by=factories.user())
    with pytest.raises(ActionRefusedError, match="un jour à venir"):
        papers.upload_paper(opened, scan(), signed_on=day + timedelta(3), by=sender)
    paper = papers.upload_paper(opened, scan(), signed_on=day, by=sender)
    with pytest.raises(AlreadyDoneError, match="attend déjà"):
        papers.upload_paper(opened, scan(), signed_on=day, by=contract.created_by)
    with pytest.raises(ActionRefusedError, match="attend d’être vérifié"):
        sealing.sign(opened, "cpts")
    for by in (sender, colleague):
        with pytest.raises(PermissionDenied):
            papers.check_paper(paper, accept=True, by=by)
    ars = signed.agent(contract.ars)
    with pytest.raises(ActionRefusedError, match="Écrivez ce qui ne va pas"):
        papers.check_paper(paper, accept=False, by=ars)
    papers.check_paper(paper, accept=False, reason="Il manque la page 4.", by=ars)
    again = papers.upload_paper(opened, scan(), signed_on=day, by=sender)
    papers.check_paper(again, accept=True, by=ars)
    with pytest.raises(AlreadyDoneError):
        papers.check_paper(again, accept=True, by=ars)

    opened.refresh_from_db()
    assert (opened.state, opened.signed_on, done) == (
        "signed",
        day,
        [("signed", opened.pk, ars.pk)],
    )
    assert dict(opened.signatures.values_list("party", "method")) == {
        "ars": "application",
        "cpam": "paper",
        "cpts": "paper",
    }
    with pytest.raises(IntegrityError, match="by_another_party"), transaction.atomic():
        RoundPaper.objects.filter(pk=again.pk).update(checked_party="cpam")


# --- Telling --------------------------------------------------------------------------------------


def test_reminders_wait_a_day() -> None:
    opened = sealing.opened()
    ars = signed.agent(opened.contract.ars)
    with pytest.raises(ActionRefusedError, match="moins de 24 heures"):
        rounds.remind(opened, by=ars)
    opened.signers.filter(party="cpts").update(told_at=timezone.now() - timedelta(hours=25))
    assert [one.party for one in rounds.remind(opened, by=ars)] == ["cpts"]
    with pytest.raises(PermissionDenied):
        rounds.remind(opened, by=factories.user())


# --- At once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_last_signatures_in_the_same_second_complete_once(done: Done) -> None:
    opened = sealing.opened()
    sealing.sign(opened, "cpts")
    last = [sealing.signer(opened, party) for party in ("cpam", "ars")]
    codes = {one.pk: sealing.code_of(one) for one in last}
    barrier = Barrier(4)

    def run(one: RoundSigner) -> str:
        try:
            barrier.wait(timeout=30)
            answers.sign(one, code=codes[one.pk], seen=Seen(), by=one.user)
        except (ActionRefusedError, WrongCodeError):
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(run, [*last, *last]))
    assert sorted(said) == ["done", "done", "refused", "refused"]
    assert [(word, pk) for word, pk, _by in done] == [("signed", opened.pk)]
    assert SigningRound.objects.get().state == "signed"
    assert RoundSignature.objects.count() == 3


# --- Elsewhere ------------------------------------------------------------------------------------


def test_a_provider_takes_a_document_in_a_folder_and_gives_it_back_signed(
    done: Done, settings: Any, tmp_path: Path
) -> None:
    settings.SIGNATURE_PROVIDER, settings.SIGNATURE_FOLDER = "folder", tmp_path
    opened = sealing.opened()
    deliver_pending()
    given = tmp_path / "a-signer" / str(opened.public_id)
    asked = json.loads((given / "demande.json").read_text())
    assert (given / "document.pdf").read_bytes() == sealing.PDF
    assert asked["document_sha256"] == opened.document_sha256
    assert [one["party"] for one in asked["signers"]] == ["cpts", "cpam", "ars"]
    assert not Mail.objects.exists()
    with pytest.raises(ActionRefusedError, match="prestataire"):
        sealing.sign(opened, "cpts")

    back = tmp_path / "signes" / str(opened.public_id)
    back.mkdir(parents=True)
    answer = {
        "document_sha256": opened.document_sha256,
        "signed_on": timezone.localdate().isoformat(),
        "reference": "PR-1",
        "signers": [{"id": one["id"], "proof": "certificat qualifié"} for one in asked["signers"]],
    }
    refused: list[dict[str, Any]] = [
        {"document_sha256": "0" * 64},
        {"signers": answer["signers"][:2]},
        {"signed_on": "demain"},
    ]
    (back / "document.pdf").write_bytes(sealing.PDF + b"sealed")
    for wrong in refused:
        (back / "preuve.json").write_text(json.dumps(answer | wrong))
        assert collecting.collect() == 0
    assert opened.logs.filter(action="provider_refused").count() == 1
    (back / "preuve.json").write_text(json.dumps(answer))
    assert [collecting.collect(), collecting.collect()] == [1, 0]

    opened.refresh_from_db()
    copy = providers.signed_copy(opened)
    assert copy
    assert read_document(copy.document) == sealing.PDF + b"sealed"
    assert (opened.state, done) == ("signed", [("signed", opened.pk, None)])
    assert set(opened.signatures.values_list("method", flat=True)) == {"provider"}


def test_a_refusal_at_a_provider_ends_the_round(done: Done, settings: Any, tmp_path: Path) -> None:
    settings.SIGNATURE_PROVIDER, settings.SIGNATURE_FOLDER = "folder", tmp_path
    opened = sealing.opened()
    back = tmp_path / "signes" / str(opened.public_id)
    back.mkdir(parents=True)
    answer = {"refused_by": sealing.signer(opened, "ars").pk, "reason": "La durée."}
    (back / "preuve.json").write_text(json.dumps(answer))
    assert collecting.collect() == 1
    opened.refresh_from_db()
    assert (opened.state, opened.end_reason) == ("refused", "La durée.")
    assert done == [("refused", opened.pk, None)]
