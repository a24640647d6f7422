"""A diagnosis asked of an office: who asks, what leaves, who answers, what each page costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from diagnosis import asking
from diagnosis.asking import DiagnosisError
from diagnosis.models import DiagnosisRequest, Topic
from documents.services import FileRefusedError
from notifications.models import Notification
from territories.services import add_communes
from tests import factories
from tests.diagnosis import drawing

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def in_days(count: int) -> Any:
    return timezone.localdate() + timedelta(days=count)


def as_(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def asked(community: Community | None = None, **changes: Any) -> DiagnosisRequest:
    community = community or drawing.drawn(drawing.LAVAUR)
    data: dict[str, Any] = {
        "by": community.created_by,
        "recipient": drawing.desk(),
        "topics": Topic.values,
        "wanted_on": in_days(20),
    }
    return asking.ask(community, **{**data, **changes})


def told(kind: str) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("recipient", "title"))


def test_a_request_freezes_the_communes_of_the_day_and_tells_the_office() -> None:
    community = drawing.drawn(drawing.LAVAUR)
    coordinator = drawing.agent(drawing.desk())

    made = asked(community, message="  Une étude de 2024 existe. ")
    add_communes(community.territory, [drawing.SAINT_SULPICE])

    kept = DiagnosisRequest.objects.get(pk=made.pk)
    population = community.territory.communes.get(code=drawing.LAVAUR).population
    assert kept.communes == [
        {
            "code": "81140",
            "name": "Lavaur",
            "part": "",
            "department": "81",
            "population": population,
        }
    ]
    assert (kept.commune_count, kept.population, kept.department_codes) == (1, population, ["81"])
    assert (kept.state, kept.message) == ("sent", "Une étude de 2024 existe.")
    assert told("diagnosis_requested") == [
        (coordinator.email, "Demande de diagnostic du territoire")
    ]


def test_what_cannot_be_asked_is_refused_with_the_reason() -> None:
    empty = drawing.drawn()
    with pytest.raises(DiagnosisError, match="encore vide"):
        asked(empty)
    community = drawing.drawn(drawing.LAVAUR)
    with pytest.raises(DiagnosisError, match="au moins un thème"):
        asked(community, topics=[])
    for day in (in_days(0), in_days(-3), in_days(400)):
        with pytest.raises(DiagnosisError, match="jour à venir"):
            asked(community, wanted_on=day)
    with pytest.raises(DiagnosisError, match="ne reçoit pas"):
        asked(community, recipient=factories.organisation("cpam"))
    with pytest.raises(PermissionDenied):
        asked(community, by=factories.team_member(community, role="reader").user)
    asked(community)
    with pytest.raises(DiagnosisError, match="déjà une demande"):
        asked(community)
    assert DiagnosisRequest.objects.count() == 1


def test_the_office_announces_answers_and_completes_its_answer() -> None:
    request = asked()
    coordinator = drawing.agent(drawing.desk())

    asking.take(request, by=coordinator, promised_on=in_days(10))
    asking.answer(request, by=coordinator, text="Ci-joint.", files=[_pdf("etude.pdf")])
    asking.answer(request, by=coordinator, text="", files=[_pdf("carte.pdf")])

    kept = DiagnosisRequest.objects.get(pk=request.pk)
    assert (kept.state, kept.answer, kept.answer_count) == ("answered", "Ci-joint.", 2)
    assert [link.attachment.name for link in kept.files.all()] == ["etude.pdf", "carte.pdf"]
    team = kept.community.created_by.email
    assert told("diagnosis_answered") == [
        (team, "Diagnostic en préparation"),
        (team, "Diagnostic du territoire reçu"),
        (team, "Diagnostic du territoire reçu"),
    ]
    with pytest.raises(DiagnosisError, match="déjà répondue"):
        asking.decline(kept, by=coordinator, reason="Trop tard.")
    with pytest.raises(DiagnosisError, match="déjà répondue"):
        asking.withdraw(kept, by=kept.community.created_by)


def _pdf(name: str, content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def test_a_disguised_file_is_refused_and_nothing_of_the_answer_is_kept() -> None:
    request = asked()
    page = reverse("diagnosis:answer", args=[request.public_id])
    client = as_(drawing.agent(drawing.desk()))

    sent = {"answer-text": "Voici.", "answer-documents": [_pdf("a.pdf"), _pdf("b.pdf", b"MZ\x90")]}
    refused = client.post(page, sent)

    assert refused.status_code == 422
    assert "« b.pdf » n’est pas accepté ici" in text(refused)
    kept = DiagnosisRequest.objects.get(pk=request.pk)
    assert (kept.state, kept.files.count()) == ("sent", 0)
    with pytest.raises(DiagnosisError, match="rien n’est à envoyer"):
        asking.answer(kept, by=drawing.agent(drawing.desk()), text=" ")
    with pytest.raises(FileRefusedError, match="est vide"):
        asking.answer(kept, by=drawing.agent(drawing.desk()), text="", files=[_pdf("c.pdf", b"")])


def test_an_office_is_reminded_once_of_each_day_that_passed() -> None:
    request = asked()
    DiagnosisRequest.objects.filter(pk=request.pk).update(wanted_on=in_days(-1))
    asking.remind_late()
    asking.remind_late()
    assert [title for _, title in told("diagnosis_requested")] == [
        "Demande de diagnostic du territoire",
        "Diagnostic attendu",
    ]


def test_each_address_answers_those_it_is_for_and_nobody_else() -> None:
    community = drawing.drawn(drawing.LAVAUR)
    made = asked(community)
    coordinator = drawing.agent(drawing.desk())
    asking.answer(made, by=coordinator, text="Voici.", files=[_pdf("etude.pdf")])
    file = made.files.get().attachment_id
    team, one = [community.public_id], [made.public_id]
    pages = {
        "overview": reverse("diagnosis:overview", args=team),
        "ask": reverse("diagnosis:ask", args=team),
        "request": reverse("diagnosis:request", args=one),
        "file": reverse("diagnosis:file", args=[*one, file]),
        "received": reverse("diagnosis:received"),
    }
    acts = {
        name: reverse(f"diagnosis:{name}", args=one)
        for name in ("withdraw", "take", "answer", "decline")
    }
    body = drawing.desk()
    people: dict[str, tuple[User, list[int], list[int]]] = {
        "owner": (community.created_by, [200, 200, 200, 200, 302], [302, 403, 403, 403]),
        "reader": (
            factories.team_member(community, role="reader").user,
            [200, 403, 200, 200, 302],
            [403, 403, 403, 403],
        ),
        "coordinator": (coordinator, [404, 404, 200, 200, 200], [403, 422, 422, 422]),
        "agent elsewhere": (
            drawing.agent(body, "agent", "31"),
            [404, 404, 404, 404, 200],
            [404, 404, 404, 404],
        ),
        "signatory": (drawing.agent(body, "signatory"), [404, 404, 200, 200, 200], [403] * 4),
        "stranger": (factories.user(), [404, 404, 404, 404, 302], [404] * 4),
        "other body": (
            drawing.agent(factories.organisation("urps")),
            [404, 404, 404, 404, 302],
            [404] * 4,
        ),
    }
    for who, (person, reads, writes) in people.items():
        client = as_(person)
        assert (who, [_read(client, url) for url in pages.values()]) == (who, reads)
        assert (who, [_posted(client, url) for url in acts.values()]) == (who, writes)
    visitor = Client()
    assert {visitor.get(url).status_code for url in pages.values()} == {302}


def _read(client: Client, url: str) -> int:
    response = client.get(url)
    b"".join(response)  # closes the file that is sent
    return response.status_code


def _posted(client: Client, url: str) -> int:
    # A day that is past: what may be sent is refused with the reason.
    return client.post(url, {"take-promised_on": "2001-01-01"}).status_code


def test_a_request_goes_from_page_to_page() -> None:
    community = drawing.drawn(drawing.LAVAUR)
    team, office = as_(community.created_by), as_(drawing.agent(drawing.desk()))
    typed = {
        "recipient": drawing.desk().pk,
        "topics": ["population"],
        "wanted_on": in_days(9).isoformat(),
        "message": "",
    }
    ask = reverse("diagnosis:ask", args=[community.public_id])

    assert "81140" in text(team.get(ask))
    assert team.post(ask, {**typed, "topics": []}).status_code == 422
    assert team.post(ask, typed).status_code == 302
    made = DiagnosisRequest.objects.get()
    assert made.topics == ["population"]
    assert community.name in text(office.get(reverse("diagnosis:received")))
    promised = {"take-promised_on": in_days(5).isoformat()}
    assert (
        office.post(reverse("diagnosis:take", args=[made.public_id]), promised).status_code == 302
    )
    said = {"answer-text": "Rien de plus que l’étude de 2024."}
    assert office.post(reverse("diagnosis:answer", args=[made.public_id]), said).status_code == 302
    page = text(team.get(reverse("diagnosis:request", args=[made.public_id])))
    assert "Rien de plus que l’étude de 2024." in page
    assert "Répondue" in text(team.get(reverse("diagnosis:overview", args=[community.public_id])))
    assert "Aucune demande ici" in text(office.get(reverse("diagnosis:received")))
    assert community.name in text(office.get(reverse("diagnosis:received") + "?etat=repondues"))


def test_the_list_costs_the_same_for_one_request_and_for_thirty() -> None:
    client = as_(drawing.agent(drawing.desk()))
    page = reverse("diagnosis:received")
    asked()
    client.get(page)
    with CaptureQueriesContext(connection) as one:
        client.get(page)
    community = drawing.drawn(drawing.LAVAUR)
    made = asked(community)
    others = [factories.community(region_=community.region) for _ in range(28)]
    for other in others:
        made.pk, made.community, made.public_id = None, other, None
        made.public_id = DiagnosisRequest._meta.get_field("public_id").get_default()
        made.save(force_insert=True)
    with CaptureQueriesContext(connection) as thirty:
        shown = client.get(page)
    assert len(thirty) == len(one)
    assert "30 demandes" in text(shown)
    assert shown.content.decode().count('scope="row"') == 25
