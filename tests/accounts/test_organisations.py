import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import organisation_files
from accounts.models import Organisation
from accounts.organisations import office_for, offices_for, one_stop_desk, regional_agency
from outbox.models import Mail
from procedures import registry
from territories.models import Region

Kind = Organisation.Kind
pytestmark = pytest.mark.django_db


def line(**values: str) -> list[str]:
    """A right line, with what the test changes."""
    right = {
        "code": "ars-occitanie",
        "kind": "ars",
        "name": "Agence régionale de santé Occitanie",
        "region": "76",
        "to_complete": "oui",
        "is_demo": "non",
    }
    return [(right | values).get(column, "") for column in organisation_files.COLUMNS]


def write(folder: Path, *lines: list[str], name: str = "essai.csv", header=None) -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(header or organisation_files.COLUMNS)
        writer.writerows(lines)
    return folder


def load(folder: Path, **options) -> list[str]:
    """Run the command; return what it says, line by line."""
    said = StringIO()
    call_command("load_organisations", str(folder), stdout=said, **options)
    return said.getvalue().splitlines()


# --- The bodies that come with the portal ----------------------------------------------


def test_every_region_has_its_agency_and_every_departement_its_office(
    loaded_organisations: None,
) -> None:
    agencies = Organisation.objects.filter(kind=Kind.ARS)
    assert set(agencies.values_list("region", flat=True)) == set(
        Region.objects.filter(has_ars=True).values_list("code", flat=True)
    )
    assert agencies.count() == 18
    offices = Organisation.objects.filter(kind=Kind.ARS_BRANCH)
    assert offices.count() == offices.values("department").distinct().count() == 101
    assert all(office.parent.kind == Kind.ARS for office in offices.select_related("parent"))
    assert {office.parent.region_id == office.region_id for office in offices} == {True}


def test_the_five_offices_of_hauts_de_france_are_complete(loaded_organisations: None) -> None:
    offices = Organisation.objects.filter(kind=Kind.ARS_BRANCH, region="32").order_by("department")
    assert list(
        offices.values_list("department", "name", "service", "address", "email", "to_complete")
    ) == [
        (
            code,
            f"Pôle de proximité {name}",
            "Direction de l’Offre de Soins",
            address,
            f"ars-hdf-dos-pole-{box}@ars.sante.fr",
            False,
        )
        for code, name, address, box in [
            ("02", "Aisne", "Cité administrative - CS 60672\n02016 Laon cedex", "aisne"),
            ("59", "Nord", "556 avenue Willy Brandt\n59777 Euralille", "nord"),
            ("60", "Oise", "13 rue Biot - BP 10584\n60005 Beauvais cedex", "oise"),
            ("62", "Pas-de-Calais", "14 Voie Bossuet\n62016 Arras Cedex", "pasdecalais"),
            ("80", "Somme", "52 rue Daire\n80000 Amiens cedex", "somme"),
        ]
    ]


def test_the_files_and_the_procedures_give_the_same_addresses(loaded_organisations: None) -> None:
    by_department = {
        office.department: (list(office.address), office.email)
        for office in registry.current("hauts-de-france").addressee.offices
    }
    assert by_department == {
        office.department_id: (office.address.split("\n"), office.email)
        for office in Organisation.objects.filter(kind=Kind.ARS_BRANCH, region="32")
    }
    (desk,) = registry.current("occitanie").addressee.offices
    guichet = one_stop_desk("76")
    assert (desk.name, list(desk.address), desk.email, desk.phone) == (
        guichet.name,
        guichet.address.split("\n"),
        guichet.email,
        guichet.phone,
    )
    (agency,) = registry.current("pays-de-la-loire").addressee.offices
    assert agency.email == regional_agency("52").email


def test_offices_bear_the_word_of_their_region(loaded_organisations: None) -> None:
    assert [
        office_for(region, department).name
        for region, department in [("76", "31"), ("52", "44"), ("32", "62"), ("94", "2A")]
    ] == [
        "Délégation départementale de la Haute-Garonne",
        "Délégation territoriale de la Loire-Atlantique",
        "Pôle de proximité Pas-de-Calais",
        "Délégation départementale de la Corse-du-Sud",
    ]


def test_what_no_source_gives_is_empty_and_to_complete(loaded_organisations: None) -> None:
    unknown = Organisation.objects.filter(kind=Kind.ARS_BRANCH).exclude(region="32")
    assert set(unknown.values_list("address", "email", "phone", "to_complete")) == {
        ("", "", "", True)
    }


def test_occitanie_has_its_guichet_and_ten_urps(loaded_organisations: None) -> None:
    urps = Organisation.objects.filter(kind=Kind.URPS, region="76")
    assert (urps.count(), urps.filter(is_demo=True).count()) == (10, 0)
    guichet = one_stop_desk("76")
    assert (guichet.name, guichet.to_complete) == ("Guichet CPTS Occitanie", False)


def test_elsewhere_urps_and_cpam_are_demonstration_data(loaded_organisations: None) -> None:
    invented = Organisation.objects.filter(is_demo=True)
    assert set(invented.values_list("kind", flat=True)) == {Kind.URPS, Kind.CPAM}
    assert invented.filter(kind=Kind.URPS).count() == 17 * 10
    assert invented.filter(kind=Kind.CPAM).count() == 101
    assert not Organisation.objects.filter(kind=Kind.CPAM, is_demo=False).exists()


def test_pays_de_la_loire_has_its_committees(loaded_organisations: None) -> None:
    committees = Organisation.objects.filter(kind=Kind.COMMITTEE)
    assert set(committees.values_list("region", flat=True)) == {"52"}
    assert sorted(committees.values_list("code", flat=True)) == sorted(
        ["comite-regional-de-suivi-pays-de-la-loire", "corecs-pays-de-la-loire"]
        + [f"{body}-{code}" for body in ("cats", "cts") for code in ("44", "49", "53", "72", "85")]
    )


def test_loading_sends_nothing(loaded_organisations: None) -> None:
    assert mail.outbox == []
    assert not Mail.objects.exists()


# --- Routing ---------------------------------------------------------------------------


def test_routing_finds_the_bodies_of_a_place(
    loaded_organisations: None, django_assert_num_queries
) -> None:
    assert regional_agency("52").email == "ARS-PDL-DOSA-ASP@ars.sante.fr"
    with django_assert_num_queries(1):
        assert [office.code for office in offices_for("76", ["81", "31"])] == [
            "ars-occitanie-31",
            "ars-occitanie-81",
        ]
    assert offices_for("76", ["44"]) == []
    with pytest.raises(Organisation.DoesNotExist):
        one_stop_desk("32")


def test_a_departement_without_office_is_served_by_the_agency(loaded_organisations: None) -> None:
    Organisation.objects.filter(code="ars-mayotte-976").delete()
    assert office_for("06", "976").code == "ars-mayotte"


# --- Loading again ---------------------------------------------------------------------


def test_loading_again_changes_nothing(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        line(code="bureau", kind="ars_branch", name="Bureau", parent="ars", department="31"),
        line(code="ars"),
    )
    assert load(folder) == ["Organismes : 2 dans les fichiers, 2 créés, 0 complétés."]
    assert Organisation.objects.get(code="bureau").parent.code == "ars"
    before = list(Organisation.objects.order_by("pk").values())
    assert load(folder) == ["Organismes : 2 dans les fichiers, 0 créés, 0 complétés."]
    assert list(Organisation.objects.order_by("pk").values()) == before


def test_what_an_administrator_completed_is_kept(tmp_path: Path) -> None:
    load(write(tmp_path, line()))
    Organisation.objects.filter(code="ars-occitanie").update(
        name="ARS Occitanie", address="26 rue du Test", to_complete=False
    )
    folder = write(tmp_path, line(address="1 place du Fichier", email="ars@exemple.test"))
    assert load(folder) == [
        "ars-occitanie, nom : valeur conservée, le fichier en donne une autre.",
        "ars-occitanie, adresse postale : valeur conservée, le fichier en donne une autre.",
        "Organismes : 1 dans les fichiers, 0 créés, 1 complétés.",
    ]
    agency = Organisation.objects.get(code="ars-occitanie")
    assert (agency.name, agency.address, agency.email, agency.to_complete) == (
        "ARS Occitanie",
        "26 rue du Test",
        "ars@exemple.test",
        False,
    )
    load(folder, overwrite=True)
    agency.refresh_from_db()
    assert (agency.name, agency.address, agency.to_complete) == (
        "Agence régionale de santé Occitanie",
        "1 place du Fichier",
        True,
    )


def test_better_files_complete_an_office(tmp_path: Path) -> None:
    load(write(tmp_path, line()))
    load(write(tmp_path, line(address="26 rue du Test", to_complete="non")))
    agency = Organisation.objects.get(code="ars-occitanie")
    assert (agency.address, agency.to_complete) == ("26 rue du Test", False)


# --- Bad files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"kind": "mairie"},
            (
                "clé « kind » : nature « mairie » inconnue (connues : ars, "
                "ars_branch, one_stop_desk, urps, cpam, msa, committee)."
            ),
        ),
        (
            {"code": "été 1"},
            ("clé « code » : « été 1 » : lettres sans accent, chiffres et tirets seulement."),
        ),
        ({"name": ""}, "clé « name » : le nom manque."),
        ({"name": "x" * 201}, "clé « name » : plus de 200 signes."),
        ({"region": "99"}, "clé « region » : région « 99 » inconnue."),
        (
            {"department": "44"},
            ("clé « department » : « 44 » n’est pas un département de la région 76."),
        ),
        ({"parent": "inconnu"}, "clé « parent » : organisme « inconnu » inconnu."),
        (
            {"email": "guichet(at)exemple"},
            ("clé « email » : « guichet(at)exemple » n’est pas une adresse possible."),
        ),
        ({"to_complete": "peut-être"}, "clé « to_complete » : « peut-être » : oui ou non attendu."),
    ],
)
def test_a_bad_line_is_named_and_nothing_changes(
    tmp_path: Path, values: dict[str, str], expected: str
) -> None:
    folder = write(tmp_path, line(code="ars-bonne"), line(**values))
    with pytest.raises(CommandError) as refused:
        load(folder)
    assert str(refused.value) == (
        f"Le chargement est refusé, rien n’a été modifié.\nessai.csv, ligne 3, {expected}"
    )
    assert not Organisation.objects.exists()


def test_a_code_given_twice_is_named(tmp_path: Path) -> None:
    write(tmp_path, line(), name="1.csv")
    folder = write(tmp_path, line(), name="2.csv")
    with pytest.raises(CommandError, match="est déjà donné"):
        load(folder)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "code,kind\n",
            (
                "essai.csv, ligne 1, clé « name, parent, region, department, service, "
                "address, email, phone, to_complete, is_demo » : manquante."
            ),
        ),
        (
            ",".join(organisation_files.COLUMNS) + "\nars,ars\n",
            "essai.csv, ligne 2, clé « colonnes » : 2 colonnes au lieu de 12.",
        ),
    ],
)
def test_a_file_of_another_shape_is_named(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "essai.csv").write_text(content)
    with pytest.raises(CommandError) as refused:
        load(tmp_path)
    assert str(refused.value).split("\n")[1].startswith(expected)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "essai.csv").write_bytes("é".encode("latin-1"))
    with pytest.raises(CommandError, match="le texte n’est pas en UTF-8"):
        load(tmp_path)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"aucun fichier \.csv"):
        load(tmp_path)


def test_territories_come_first(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE territories_region CASCADE")
    with pytest.raises(CommandError, match="Lancez d’abord la commande load_territories"):
        load(write(tmp_path, line()))
