"""Contracts signed before the portal: what is understood of a file, then what is taken over."""

import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal
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
from communities.models import Community, TeamInvitation, TeamMember
from communities.services import accept_invitation
from contracts.existing import applying, cells, checking, scans
from contracts.existing.columns import columns, example
from contracts.funding import balances, importing, payments
from contracts.models import Contract, ContractScan, ContractVersion, ExistingImport, ExistingRow
from contracts.tasks import forget_imports
from cpts_portal.mojibake import has_lost_letters, mend
from cpts_portal.spreadsheets import TableFileError, csv_bytes, xlsx_bytes
from outbox.models import OutboxEvent
from outbox.services import deliver
from tests import factories
from tests.contracts.existing_list import as_csv, many, row
from workflow.models import TerritoryClaim
from workflow.services import ActionRefusedError

# --- Cells: no database ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("01/03/2022", date(2022, 3, 1)),
        ("2022-03-01", date(2022, 3, 1)),
        ("1er mars 2022", date(2022, 3, 1)),
        ("1 déc. 2021", date(2021, 12, 1)),
        ("44621", date(2022, 3, 1)),
        ("", None),
    ],
)
def test_a_day_is_read_however_it_was_typed(typed: str, read: date | None) -> None:
    assert cells.read_day(typed)[0] == read


def test_what_is_no_day_of_a_cpts_is_refused_in_words() -> None:
    said = []
    for typed in ("31/02/2022", "01/03/1922", "mars"):
        with pytest.raises(cells.CellError) as refused:
            cells.read_day(typed)
        said.append(str(refused.value))
    assert said == [
        "« 31/02/2022 » n’est pas une date : écrivez 15/03/2022.",
        (
            "« 01/03/1922 » ne peut pas être une date de CPTS : elles existent depuis 2016. "
            "Vérifiez l’année."
        ),
        "« mars » n’est pas une date : écrivez 15/03/2022.",
    ]


def test_zeros_that_a_spreadsheet_took_away_come_back() -> None:
    assert cells.read_codes("4019; 04062 / 4019")[0] == ["04019", "04062"]
    assert cells.read_bare("10 786 341", 9)[0] == "010786341"
    with pytest.raises(cells.CellError, match="arrondi par le tableur"):
        cells.read_bare("1,23457E+13", 14)
    with pytest.raises(cells.CellError, match="nombre à virgule"):
        cells.read_codes("33273.33281")


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("CrÃ©pieux", "Crépieux"),
        ("Croix-├á-Lauze", "Croix-à-Lauze"),
        ("Ãƒâ€°pinal dâ€™en haut", "Épinal d’en haut"),
        ("à «\u00a0Nîmes\u00a0»", "à «\u00a0Nîmes\u00a0»"),
    ],
)
def test_accents_read_with_the_wrong_alphabet_are_put_right(broken: str, whole: str) -> None:
    assert (mend(broken), has_lost_letters(whole)) == (whole, False)


# --- Reading a file -------------------------------------------------------------------------------


@pytest.fixture
def administrator(loaded_organisations: None) -> User:
    return factories.user(is_superuser=True)


def read(rows: list[dict[str, str]], by: User, **more: Any) -> ExistingImport:
    given = {"name": "liste.csv", "content": as_csv(rows), "by": by} | more
    return checking.read_file(**given)


def statuses(source: ExistingImport) -> list[str]:
    return list(source.rows.values_list("status", flat=True))


def said(source: ExistingImport, number: int, field: str = "faults") -> str:
    found = source.rows.values_list(field, flat=True)[number]
    return " ".join(found)


def work(source: ExistingImport) -> None:
    """What the worker does, until nothing is left."""
    while event := OutboxEvent.objects.filter(handler=applying.HANDLER, done_at=None).first():
        assert deliver(event.pk), OutboxEvent.objects.get(pk=event.pk).last_error
    source.refresh_from_db()


def take_over(rows: list[dict[str, str]], by: User, **more: Any) -> ExistingImport:
    source = read(rows, by)
    applying.start(source, **({"choices": {}, "invites": False, "by": by} | more))
    work(source)
    return source


@pytest.mark.django_db
def test_each_row_says_what_was_understood_and_what_is_wrong(administrator: User) -> None:
    source = read(
        [
            row(),
            row(name="CPTS d’Anetz", communes="44004", region="Pays de la Loire", rna="W1"),
            row(name="CPTS de l’Ubaye", communes="04019, 04120"),
            row(name="CPTS Cr?pieux", communes="99999 04070", signed_on="demain"),
            row(name="CPTS sans ville", communes="", mission_prevention="01/01/2030"),
            row(name="CPTS courte", communes="13055 13201", ends_on="01/01/2020"),
        ],
        administrator,
    )
    assert statuses(source) == ["ready", "wrong", "ready", "wrong", "wrong", "wrong"]
    assert "RNA : un numéro RNA commence par W" in said(source, 1)
    assert "Le code 44004 n’est plus en vigueur" in said(source, 1, "notices")
    assert "04019) est aussi à la ligne 2" in said(source, 2, "notices")
    assert "a perdu des lettres accentuées" in said(source, 3)
    assert "99999 n’est le code INSEE d’aucune commune" in said(source, 3)
    assert "« demain » n’est pas une date" in said(source, 3)
    assert "le territoire manque" in said(source, 4)
    assert "hors du contrat" in said(source, 4)
    assert "compteraient deux fois" in said(source, 5)
    assert "précède le premier jour" in said(source, 5)
    assert Community.objects.count() == 0


@pytest.mark.django_db
def test_one_cpts_written_twice_is_kept_once(administrator: User) -> None:
    number = {"rna": "W041000123"}
    source = read(
        [
            row(**number),
            row(name="Vallée de l’Ubaye (CPTS)", communes="04226", **number),
            row(name="CPTS de la Vallée de l’Ubaye", communes="04086 04226"),
        ],
        administrator,
    )
    assert statuses(source) == ["ready", "wrong", "wrong"]
    assert said(source, 1) == "RNA : ce numéro est déjà à la ligne 2. Gardez une seule des deux."
    assert "la ligne 2 a le même nom et 1 commune en commun" in said(source, 2)


@pytest.mark.django_db
def test_a_coordinator_takes_over_only_their_region(loaded_organisations: None) -> None:
    from accounts.models import Organisation  # noqa: PLC0415 - as the fixture has loaded them

    agency = Organisation.objects.get(code="ars-provence-alpes-cote-d-azur")
    coordinator = factories.membership(None, agency, "coordinator").user
    coordinator.acting = coordinator.memberships.get()
    source = read([row(), row(name="CPTS ailleurs", communes="44114", region="")], coordinator)
    assert statuses(source) == ["ready", "wrong"]
    assert "d’une autre région que la vôtre" in said(source, 1)
    assert list(ExistingImport.objects.visible_to(coordinator)) == [source]
    agent = factories.membership(None, agency, "agent").user
    agent.acting = agent.memberships.get()
    with pytest.raises(PermissionDenied):
        read([row()], agent)
    assert not ExistingImport.objects.visible_to(agent).exists()


@pytest.mark.django_db
def test_files_of_every_make_are_read(administrator: User) -> None:
    labels = list(columns().values())
    assert statuses(read([row()], administrator, content=as_csv([row()], "cp1252"))) == ["ready"]
    twice = as_csv([row()]).decode("utf-8").encode("utf-8").decode("cp1252", "replace")
    broken = read([row()], administrator, content=twice.encode("utf-8"))
    assert broken.rows.get().name == "CPTS Vallée de l’Ubaye"
    model = xlsx_bytes("Feuille", labels, [example()])
    assert statuses(read([], administrator, name="modele.xlsx", content=model)) == ["ready"]
    apart = csv_bytes(["CPTS", "Code INSEE"], [["CPTS Vallée de l'Ubaye", "4019"]])
    split = read([row(communes="")], administrator, territories=("communes.csv", apart))
    assert split.rows.get().values["codes"] == ["04019"]
    with pytest.raises(TableFileError, match="Il manque au fichier"):
        read([], administrator, content=csv_bytes(["Nom"], [["CPTS"]]))


# --- Taking over ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_row_becomes_a_cpts_with_its_territory_and_its_contract(administrator: User) -> None:
    source = take_over(
        [
            row(
                rna="W041000123",
                siret="12345678200010",
                finess="010786341",
                address="4 place de la Mairie",
                postal_code="4400",
                city="Barcelonnette",
                last_name="Fabre",
                first_name="Claire",
                email="claire@exemple.test",
            )
        ],
        administrator,
        invites=True,
    )
    contract = Contract.objects.get()
    community = contract.community
    version = ContractVersion.objects.get()
    assert source.finished_at
    assert (contract.state, contract.is_signed_outside, contract.size_class) == (
        "accepted",
        True,
        "T3",
    )
    assert (contract.signed_on, contract.ends_on) == (date(2023, 7, 1), date(2028, 6, 30))
    assert str(contract.cpam) == "CPAM des Alpes-de-Haute-Provence"
    assert sorted(community.territory.communes.values_list("code", flat=True)) == [
        "04019", "04062", "04073", "04086",
    ]  # fmt: skip
    party = version.says.party("cpts")
    assert party is not None
    assert (party.rna, party.siret, party.finess) == (
        "W041000123",
        "12345678200010",
        "010786341",
    )
    assert [one.name for one in version.says.representatives] == ["Claire Fabre"]
    assert community.legal_entities.get().postal_code == "04400"
    assert [str(one.act) for one in community.stages.all()] == [
        "Reconnaissance de la CPTS, hors portail"
    ]
    assert contract.schedules.count() == 1
    # The first who accepts runs the CPTS.
    invitation = TeamInvitation.objects.get()
    president = factories.user("claire@exemple.test")
    assert accept_invitation(invitation, user=president).role == TeamMember.Role.OWNER


@pytest.mark.django_db
def test_nothing_is_taken_over_twice(administrator: User) -> None:
    rows = [row(rna="W041000123"), row(name="CPTS d’à côté", communes="04226")]
    first = take_over(rows, administrator)
    again = read(rows, administrator)
    assert (statuses(first), statuses(again)) == (["done", "done"], ["known", "known"])
    with pytest.raises(ActionRefusedError, match="Aucune ligne"):
        applying.start(again, choices={}, invites=False, by=administrator)
    # A file read before the other one was taken over stops at the database.
    ExistingRow.objects.filter(source=again).update(status="ready", faults=[], notices=[])
    applying.start(again, choices={}, invites=False, by=administrator)
    work(again)
    assert (statuses(again), Contract.objects.count()) == (["refused", "refused"], 2)
    assert "reprise par un autre import" in said(again, 1)


@pytest.mark.django_db
def test_a_namesake_waits_for_somebody_to_decide(administrator: User) -> None:
    from territories.services import add_communes  # noqa: PLC0415 - one test wants it

    home = factories.region("93", "Provence-Alpes-Côte d’Azur")
    known = factories.community(name="Cpts Vallée de l'Ubaye", region_=home)
    add_communes(known.territory, ["04019"])
    source = read([row()], administrator)
    assert statuses(source) == ["doubtful"]
    applying.start(source, choices={2: "join"}, invites=False, by=administrator)
    work(source)
    assert (statuses(source), Contract.objects.get().community) == (["done"], known)
    notices = said(source, 0, "notices")
    assert ("dites si" in notices, "sur votre décision" in notices) == (False, True)
    assert list(known.territory.communes.values_list("code", flat=True)) == ["04019"]


@pytest.mark.django_db
def test_two_cpts_on_one_commune_both_hold_it_until_it_is_settled(administrator: User) -> None:
    take_over([row(), row(name="CPTS voisine", communes="04019 04226")], administrator)
    claims = TerritoryClaim.objects.filter(commune="04019").order_by("case")
    assert list(claims.values_list("stage", "part_key")) == [
        ("decided", ""),
        ("decided", "barcelonnette"),
    ]
    assert "à arbitrer entre les deux" in " ".join(ExistingRow.objects.get(number=3).notices)


@pytest.mark.django_db
def test_a_killed_worker_does_no_row_twice_and_a_row_costs_a_bounded_number_of_queries(
    administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "BATCH", 2)
    source = read(many(5), administrator)
    assert statuses(source) == ["ready"] * 5
    applying.start(source, choices={}, invites=False, by=administrator)
    first = OutboxEvent.objects.get(handler=applying.HANDLER)
    with CaptureQueriesContext(
        connection,
    ) as spent:
        assert deliver(first.pk)
    assert len(spent) < 2 * 90
    # Delivered again by a worker that never learnt it was done: the same rows, nothing more.
    applying.take_over_batch(source=source.pk, after=0)
    work(source)
    assert (statuses(source), Contract.objects.count()) == (["done"] * 5, 5)
    assert applying.progress(source)["taken"] == 5


# --- Pages ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_pages_are_those_of_who_imports_and_cost_the_same_for_one_row_and_thirty(
    administrator: User,
) -> None:
    client = Client()
    client.force_login(administrator)
    upload = SimpleUploadedFile("liste.csv", as_csv(many(30)))
    answer = client.post(reverse("existing:imports"), {"file": upload})
    thirty = ExistingImport.objects.get()
    assert answer.headers["Location"] == reverse("existing:report", args=[thirty.pk])
    one = read([row()], administrator)
    costs = []
    for source in (one, thirty):
        with CaptureQueriesContext(connection) as spent:
            page = client.get(reverse("existing:report", args=[source.pk]))
        costs.append((page.status_code, len(spent)))
    assert costs[0] == costs[1]
    address = reverse("existing:file", args=[one.pk, "csv"])
    assert "CPTS Vallée de l’Ubaye" in client.get(address).content.decode()
    assert client.get(reverse("existing:template", args=["xlsx"])).status_code == 200
    assert client.get(reverse("existing:imports")).status_code == 200
    client.post(reverse("existing:forget", args=[one.pk]))
    client.post(reverse("existing:report", args=[thirty.pk]), {"invites": "1"})
    assert [str(one) for one in ExistingImport.objects.filter(started_at__isnull=False)] == [
        "liste.csv"
    ]
    assert ExistingImport.objects.count() == 1
    stranger = Client()
    stranger.force_login(factories.user())
    for url in ("existing:imports", "existing:report"):
        args = [thirty.pk] if url.endswith("report") else []
        assert stranger.get(reverse(url, args=args)).status_code == 403


@pytest.mark.django_db
def test_scanned_contracts_join_the_contract_that_names_them(administrator: User) -> None:
    archive = io.BytesIO()
    pdf = b"%PDF-1.7\n"
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("contrats/Vallée de l’Ubaye.PDF", pdf + b"1")
        inside.writestr("contrats/page.pdf", b"<html>")
        inside.writestr("__MACOSX/._x.pdf", pdf)
    source = take_over(
        [
            row(file="vallee de l'ubaye.pdf"),
            row(name="CPTS voisine", communes="04226", rna="W041000123", file="page.pdf"),
        ],
        administrator,
    )
    files = [
        SimpleUploadedFile("lot.zip", archive.getvalue()),
        SimpleUploadedFile("Contrat W041000123 signé.pdf", pdf + b"2"),
        SimpleUploadedFile("inconnu.pdf", pdf + b"3"),
        SimpleUploadedFile("cassé.zip", b"PK\x03\x04"),
    ]
    outcomes = scans.attach(source, files, by=administrator)
    first, second = Contract.objects.order_by("pk")
    assert [(one.name, one.contract) for one in outcomes] == [
        ("Vallée de l’Ubaye.PDF", first),
        ("page.pdf", None),
        ("Contrat W041000123 signé.pdf", second),
        ("inconnu.pdf", None),
        ("cassé.zip", None),
    ]
    assert "d’après son contenu" in outcomes[1].refusal
    again = scans.attach(
        source, [SimpleUploadedFile("W041000123.pdf", pdf + b"2")], by=administrator
    )
    assert [one.refusal for one in again] == ["Ce fichier est déjà joint à ce contrat."]
    kept = ContractScan.objects.get(contract=second).attachment_id
    client = Client()
    client.force_login(administrator)
    assert client.get(reverse("existing:scan", args=[kept])).status_code == 404
    member = factories.team_member(second.community).user
    client.force_login(member)
    sent = client.get(reverse("existing:scan", args=[kept]))
    assert sent.getvalue() == pdf + b"2"
    assert client.get(reverse("existing:scans", args=[source.pk])).status_code == 403


@pytest.mark.django_db
def test_a_cpom_is_between_the_cpts_and_its_agency_which_pays_it(administrator: User) -> None:
    pays = {"region": "Pays de la Loire", "communes": "44114", "form": "CPOM", "size": ""}
    days = {"signed_on": "01/07/2019", "starts_on": "01/07/2019", "recognised_on": ""}
    cpom = pays | days | {"mission:access_to_care": ""}
    source = take_over(
        [
            row(**cpom, name="CPTS Erdre", yearly="45 000", ends_on=""),
            row(**cpom, name="CPTS longue", yearly="60000", ends_on="30/06/2024"),
        ],
        administrator,
    )
    assert statuses(source) == ["done", "wrong"]
    assert "jusqu’à 50\u00a0000\u00a0€ par an" in said(source, 1)
    assert "deux ans au plus" in said(source, 1)
    contract = Contract.objects.get()
    assert (contract.cpam, contract.size_class, contract.ends_on) == (None, "", date(2021, 6, 30))
    lines = balances.current_lines(contract)[1]
    assert [(one.due_on, one.amount) for one in lines] == [
        (date(2019, 7, 1), Decimal("45000.00")),
        (date(2020, 7, 1), Decimal("45000.00")),
    ]
    agent = factories.membership(None, contract.ars, "agent").user
    agent.acting = agent.memberships.get()
    payment = payments.record_payment(
        contract, paid_on=date(2019, 8, 1), amount=Decimal(45000), reference="FIR-1", by=agent
    )
    assert payment.payer == contract.ars


# --- What was paid before, and what is forgotten --------------------------------------------------


@pytest.mark.parametrize("typed", ["", "0", "0,00 €", "–"])
def test_nothing_paid_before_is_nothing(typed: str) -> None:
    assert cells.read_paid(typed) is None


def test_an_amount_paid_before_is_a_possible_one() -> None:
    assert cells.read_paid("182 500,50 €") == Decimal("182500.50")
    refusals = {
        "-75 000": "est négatif",
        "1e12": "n’est pas un montant",
        "1" + 12 * "0": "dépasse",
    }
    for typed, words in refusals.items():
        with pytest.raises(cells.CellError, match=words):
            cells.read_paid(typed)


@pytest.mark.django_db
def test_what_was_paid_before_makes_the_balances_right_from_the_first_day(
    administrator: User,
) -> None:
    paid = {"paid:2023": "142 500", "paid:2024": "60 000,50"}
    names = [f"CPTS n° {one}" for one in range(8)]
    places = ["04019", "04062", "04073", "04086", "04226", "04120", "04006", "04016"]
    source = take_over(
        [
            row(name=names[0], communes=places[0], **paid),
            row(name=names[1], communes=places[1], paid="75000", paid_on="31/12/2023"),
            row(name=names[2], communes=places[2], paid="75000", **paid),
            row(name=names[3], communes=places[3], paid="9 999 999", paid_on="31/12/2023"),
            row(name=names[4], communes=places[4], **{"paid:2022": "-5", "paid:2024": "1e12"}),
            row(name=names[5], communes=places[5], paid="5", paid_on="01/01/2023"),
            row(name=names[6], communes=places[6], **{"paid:2022": "10"}),
            row(name=names[7], communes=places[7], size="Taille 1", paid="90000"),
        ],
        administrator,
    )
    assert statuses(source) == ["done", "done", "wrong", "wrong", "wrong", "wrong", "wrong", "done"]
    assert "142\u00a0500\u00a0€ au 31 décembre 2023" in said(source, 0, "notices")
    assert "compteraient deux fois" in said(source, 2)
    assert "plus que tout ce que le contrat prévoit" in said(source, 3)
    assert [words in said(source, 4) for words in ("est négatif", "n’est pas un montant")] == [
        True,
        True,
    ]
    assert "rien n’a pu être payé le 1" in said(source, 5)
    assert "rien n’a pu être payé avant" in said(source, 6)
    assert "ne sont pas tous connus" in said(source, 7, "notices")
    first, second, third = Contract.objects.order_by("pk")
    recorded = first.payments.order_by("paid_on")
    assert [(one.paid_on, one.amount, one.is_before_portal) for one in recorded] == [
        (date(2023, 12, 31), Decimal("142500.00"), True),
        (date(2024, 12, 31), Decimal("60000.50"), True),
    ]
    years = first.money_years.filter(paid__gt=0).order_by("year").values_list("year", "paid")
    assert list(years) == [(2023, Decimal("142500.00")), (2024, Decimal("60000.50"))]
    account = balances.account_of(first, on=date(2026, 1, 1))
    assert (account.paid, account.unallocated) == (Decimal("202500.50"), Decimal(0))
    assert balances.account_of(third, on=date(2026, 1, 1)).unallocated == Decimal(90000)
    # The CPAM does not record again what the sum holds.
    assert second.cpam
    agent = factories.membership(None, second.cpam, "agent").user
    agent.acting = agent.memberships.get()
    with pytest.raises(ActionRefusedError, match="est déjà compté, en un montant repris"):
        payments.record_payment(
            second, paid_on=date(2023, 9, 1), amount=Decimal(10), reference="V1", by=agent
        )
    payments.record_payment(
        second, paid_on=date(2024, 9, 1), amount=Decimal(10), reference="V1", by=agent
    )
    exported = importing.exported(second.payments.select_related("contract"))
    again = importing.read_file(
        second.cpam,
        name="paiements.csv",
        content=csv_bytes(list(importing.EXPORT_HEADINGS), exported),
        by=agent,
    )
    assert {one.status for one in importing.rows_of(again)} == {"known"}


@pytest.mark.django_db
def test_what_a_list_says_of_people_is_forgotten_after_fifteen_days(administrator: User) -> None:
    president = {"last_name": "Fabre", "first_name": "Claire", "email": "claire@exemple.test"}
    source = take_over(
        [row(file="ubaye.pdf", **president), row(name="CPTS fausse", communes="99999")],
        administrator,
    )
    waiting = read([row(name="CPTS seule", communes="04226", **president)], administrator)
    forget_imports()
    assert ExistingImport.objects.count() == 2
    old = timezone.now() - timedelta(days=16)
    ExistingImport.objects.filter(pk=waiting.pk).update(created_at=old)
    ExistingImport.objects.filter(pk=source.pk).update(created_at=old, finished_at=old)
    forget_imports()
    assert list(ExistingImport.objects.all()) == [source]
    done, wrong = source.rows.order_by("number")
    assert (done.cells, done.faults, done.notices) == ({}, [], [])
    assert done.values == {
        "rna": "",
        "siret": "",
        "finess": "",
        "file": "ubaye.pdf",
        "codes": ["04019", "04062", "04073", "04086"],
        "signed_on": "2023-07-01",
    }
    assert (wrong.status, wrong.name, wrong.faults) == ("wrong", "CPTS fausse", [])
    client = Client()
    client.force_login(administrator)
    page = client.get(reverse("existing:report", args=[source.pk])).content.decode()
    assert "Le détail des lignes a été effacé le" in page
    assert client.get(reverse("existing:file", args=[source.pk, "csv"])).status_code == 200
    # It is still known, and its scanned contract still finds it.
    assert statuses(read([row()], administrator)) == ["known"]
    scan = SimpleUploadedFile("ubaye.pdf", b"%PDF-1.7\n")
    assert [one.refusal for one in scans.attach(source, [scan], by=administrator)] == [""]
