from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from territories import building, loading, services
from territories.models import Commune, Territory, Vintage
from territories.reference import Source
from tests import factories
from tests.territories import mini

pytestmark = pytest.mark.django_db

UPLOAD = "/administration/territories/vintage/charger/"
CONFIRM = "/administration/territories/vintage/charger/confirmer/"
GONE = "L’archive vérifiée n’est plus là\u00a0: rien n’a été chargé. Choisissez-la à nouveau."
LIST = "/administration/territories/vintage/"


@pytest.fixture
def administrator(client: Client) -> User:
    person = User.objects.create_superuser("admin@exemple.test", factories.PASSWORD)
    client.force_login(person)
    return person


@pytest.fixture
def little_country(db: None, tmp_path: Path) -> None:
    """In force: the three communes of `mini`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE territories_region, territories_intercommunality, territories_vintage CASCADE"
        )
    loading.load(Source(mini.write(tmp_path / "first", mini.files(tmp_path / "package"))))


def archive(tmp_path: Path, communes: list | None = None, version: str = "7.0.0", **replaced):
    files = mini.files(tmp_path / "newer", communes, version) | replaced
    return SimpleUploadedFile("territoires.zip", building.as_archive(files))


NEWER = [
    mini.commune("81004", "Albi-la-Rouge", 51_000),
    mini.commune("81062", "Fontrieu", 900),
    mini.commune("81999", "Neuve", None),
]


def test_an_archive_is_shown_then_loaded(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    services.add_communes(Territory.objects.create(), ["81144"])
    shown = client.post(UPLOAD, {"archive": archive(tmp_path, NEWER)}, follow=True)
    comparison = shown.context["comparison"]
    assert {one.kind.name: (one.count, one.examples) for one in comparison.lists} == {
        "MERGED": (0, ()),
        "SPLIT": (0, ()),
        "RENUMBERED": (0, ()),
        "REDRAWN": (0, ()),
        "CREATED": (1, ("Neuve (81999)",)),
        "RETIRED": (1, ("Lescure-d'Albigeois (81144)",)),
        "RENAMED": (1, ("Albi → Albi-la-Rouge (81004)",)),
        "DEPARTMENT": (0, ()),
        "INTERCOMMUNALITY": (0, ()),
        "POPULATION": (
            1,
            ("Albi-la-Rouge (81004)\u00a0: 50\u00a0000 → 51\u00a0000\u00a0habitants",),
        ),
    }
    assert comparison.warnings == (
        (
            "1 commune disparaît sans que le fichier dise ce qu’elle devient\u00a0: vérifiez qu’il "
            "est complet."
        ),
        (
            "1 territoire de CPTS nomme une commune qui ne sera plus en vigueur\u00a0: elle y "
            "restera, mais ne pourra plus être ajoutée ailleurs, et un brouillon ne pourra pas "
            "être déposé avec elle."
        ),
    )
    assert Commune.objects.get(code="81004").name == "Albi"
    done = client.post(CONFIRM, {"digest": shown.context["digest"]}, follow=True)
    assert [str(message) for message in done.context["messages"]] == [
        "En vigueur : COG 2027, population légale 2024."
    ]
    assert list(
        Commune.objects.order_by("code").values_list("code", "name", "population", "is_active")
    ) == [
        ("81004", "Albi-la-Rouge", 51_000, True),
        ("81062", "Fontrieu", 900, True),
        ("81144", "Lescure-d'Albigeois", 4_500, False),
        ("81999", "Neuve", None, True),
    ]
    assert LogEntry.objects.get().user == administrator
    assert default_storage.listdir("territories/waiting") == ([], [])


def test_each_figure_opens_its_list(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    digest = client.post(UPLOAD, {"archive": archive(tmp_path, NEWER)}, follow=True).context[
        "digest"
    ]
    page = client.get(f"{UPLOAD}{digest}/noms/")
    assert page.context["sentences"] == ["Albi → Albi-la-Rouge (81004)"]
    assert client.get(f"{UPLOAD}{digest}/dossiers/").context["cases"] == []
    assert client.get(f"{UPLOAD}{digest}/autre/").status_code == 404
    gone = client.get(f"{UPLOAD}{'0' * 64}/noms/", follow=True)
    assert [str(message) for message in gone.context["messages"]] == [GONE]


def test_a_long_list_is_cut_in_pages(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    many = [mini.commune(f"{81500 + number}", f"Neuve {number}") for number in range(60)]
    shown = client.post(
        UPLOAD, {"archive": archive(tmp_path, [*mini.COMMUNES, *many])}, follow=True
    )
    url = f"{UPLOAD}{shown.context['digest']}/nouvelles/"
    assert len(client.get(url).context["sentences"]) == 50
    assert client.get(f"{url}?page=2").context["sentences"][-1] == "Neuve 59 (81559)"


def test_whoever_renounces_leaves_no_trace(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    before = list(Commune.objects.order_by("code").values())
    client.post(UPLOAD, {"archive": archive(tmp_path, NEWER)})
    done = client.post(f"{UPLOAD}renoncer/", follow=True)
    assert [str(message) for message in done.context["messages"]] == [
        "Rien n’a été chargé, et l’archive est effacée."
    ]
    assert list(Commune.objects.order_by("code").values()) == before
    assert default_storage.listdir("territories/waiting") == ([], [])
    assert Vintage.objects.count() == 1
    assert not LogEntry.objects.exists()
    assert client.get(f"{UPLOAD}renoncer/").status_code == 405


def test_a_bad_archive_names_its_lines_and_changes_nothing(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    bad = [mini.commune("8104", "Albi"), mini.commune("81062", "Fontrieu", departement="99")]
    response = client.post(UPLOAD, {"archive": archive(tmp_path, bad)})
    assert response.context["form"].errors["archive"] == [
        (
            "communes.csv.gz, ligne 2 : code INSEE « 8104 » : il faut cinq signes, "
            "par exemple 01001 ou 2A004. Un tableur a pu retirer les zéros du début."
        ),
        ("communes.csv.gz, ligne 3 : département « 99 » inconnu (commune 81062 Fontrieu)."),
    ]
    assert Vintage.objects.count() == 1
    assert Commune.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"%PDF-1.7",
            (
                "territoires.zip : ce n’est ni une archive .zip ni une archive .tar.gz, ou elle "
                "est abîmée. Produisez-la avec la commande build_territories --archive."
            ),
        ),
        (b"", "Le fichier choisi est vide. Choisissez l’archive à charger."),
    ],
)
def test_another_file_is_refused(
    client: Client, administrator: User, content: bytes, expected: str
) -> None:
    upload = SimpleUploadedFile("territoires.zip", content)
    response = client.post(UPLOAD, {"archive": upload})
    assert response.context["form"].errors["archive"] == [expected]
    assert client.post(UPLOAD).context["form"].errors["archive"] == [
        "Choisissez l’archive à charger."
    ]


def test_what_is_in_force_is_not_loaded_again(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    same = archive(tmp_path, None, "6.0.0")
    response = client.post(UPLOAD, {"archive": same}, follow=True)
    assert [str(message) for message in response.context["messages"]] == [
        "Ces fichiers sont déjà en vigueur : COG 2026, population légale 2023."
    ]


def test_an_older_file_is_loaded_with_a_warning_only(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    shown = client.post(UPLOAD, {"archive": archive(tmp_path, None, "5.3.0")}, follow=True)
    assert shown.context["comparison"].warnings == (
        (
            "Ce fichier est plus ancien que les données en vigueur (COG 2026, population légale "
            "2023). Vérifiez que c’est bien lui que vous voulez charger."
        ),
    )


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 64])
def test_an_archive_that_is_gone_is_said(client: Client, administrator: User, digest: str) -> None:
    response = client.post(CONFIRM, {"digest": digest}, follow=True)
    assert [str(message) for message in response.context["messages"]] == [
        "L’archive vérifiée n’est plus là : rien n’a été chargé. Choisissez-la à nouveau."
    ]


def test_vintages_are_a_history_nobody_edits(client: Client, administrator: User) -> None:
    page = client.get(LIST)
    assert "Charger des données plus récentes" in page.content.decode()
    assert "2026</a>" in page.content.decode()
    vintage = Vintage.objects.get(is_current=True)
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{vintage.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LIST}{vintage.pk}/change/", {"cog_year": 1}).status_code == 403
    assert client.get(reverse("admin:territories_vintage_upload")).status_code == 200
    assert client.get(CONFIRM).status_code == 405


def test_only_those_who_may_load_see_the_page(client: Client) -> None:
    person = factories.user(is_staff=True)
    client.force_login(person)
    assert client.get(UPLOAD).status_code == 403
    assert client.post(CONFIRM).status_code == 403
    client.force_login(factories.user())
    assert client.get(UPLOAD).status_code == 302


def test_pages_have_no_inline_script(
    client: Client, administrator: User, little_country: None, tmp_path: Path
) -> None:
    for page in (
        client.get(UPLOAD),
        client.post(UPLOAD, {"archive": archive(tmp_path, NEWER)}, follow=True),
    ):
        html = page.content.decode()
        assert "<script>" not in html
        assert " onclick=" not in html
        assert " style=" not in html
