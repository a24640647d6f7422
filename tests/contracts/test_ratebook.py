"""Tables of rates: loaded once, prepared, published, never changed afterwards."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from contracts.funding import ratebook
from contracts.models import RateLine, RateTable
from procedures.rates import current_rates, delivered_rates, yearly_funding
from tests import factories

pytestmark = pytest.mark.django_db

ON = date(2026, 11, 22)
LIST = "/administration/contracts/ratetable/"


@pytest.fixture
def tables() -> list[RateTable]:
    return ratebook.load_delivered_rates().tables


@pytest.fixture
def administrator() -> User:
    return factories.user(is_staff=True, is_superuser=True)


def draft_of(table: RateTable, administrator: User, **changes: object) -> RateTable:
    draft = ratebook.prepare_version(table, by=administrator)
    for name, value in ({"source": "Un texte publié"} | changes).items():
        setattr(draft, name, value)
    draft.save()
    return draft


def test_the_delivered_rates_are_loaded_once_and_read_as_the_files_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("load_rates")
    call_command("load_rates")

    assert capsys.readouterr().out.splitlines() == [
        (
            "Publiée : Accord conventionnel interprofessionnel du 20 juin 2019 (version 1), à "
            "partir du 25/08/2019."
        ),
        "Publiée : Accord du 20 juin 2019, avenant 2 (version 2), à partir du 31/03/2022.",
        "Le portail a déjà des tarifs : rien n’a changé.",
    ]
    for size in ("T1", "T2", "T3", "T4"):
        for on in (date(2020, 1, 1), ON):
            assert yearly_funding(current_rates(), size, on) == yearly_funding(
                delivered_rates(), size, on
            )
    assert yearly_funding(current_rates(), "T3", ON).total == Decimal(397_500)
    assert ratebook.holes() == []


def test_a_page_reads_the_rates_once(tables: list[RateTable]) -> None:
    ratebook._forget()
    with CaptureQueriesContext(connection) as queries:
        assert current_rates() is current_rates()
    ratebook._stop()
    assert len(queries) == 1


def test_a_new_version_for_later_days_ends_the_one_before_and_changes_the_simulator(
    tables: list[RateTable], administrator: User
) -> None:
    draft = draft_of(tables[1], administrator, valid_from=date(2026, 1, 1))
    assert draft.lines.count() == 28
    draft.lines.filter(mission="", size_class="T3").update(fixed_share=Decimal("80000.50"))

    assert ratebook.consequences(draft) == [
        "«\u00a0Accord du 20 juin 2019, avenant 2 (version 2)\u00a0» prend fin le 31 décembre 2025."
    ]
    assert [(one.what, one.before, one.after) for one in ratebook.compare(tables[1], draft)] == [
        (
            "Fonctionnement, taille\u00a03",
            "75\u00a0000\u00a0€ par an (confirmé)",
            "80\u00a0000,50\u00a0€ par an (confirmé)",
        )
    ]
    ratebook.publish(draft)

    assert list(
        RateTable.objects.order_by("version").values_list("version", "valid_until", "status")
    ) == [
        (1, date(2022, 3, 30), "published"),
        (2, date(2025, 12, 31), "published"),
        (3, None, "published"),
    ]
    assert yearly_funding(current_rates(), "T3", ON).total == Decimal("402500.50")


def test_a_new_version_for_the_same_days_takes_the_place_of_the_other(
    tables: list[RateTable], administrator: User
) -> None:
    ratebook.publish(draft_of(tables[1], administrator))

    assert list(RateTable.objects.order_by("version").values_list("status", flat=True)) == [
        "published",
        "replaced",
        "published",
    ]


def test_a_draft_that_lacks_something_or_overlaps_a_later_table_is_refused(
    tables: list[RateTable], administrator: User
) -> None:
    draft = draft_of(tables[0], administrator, source=" ", valid_from=date(2021, 1, 1),
                     valid_until=None)  # fmt: skip
    draft.lines.update(is_confirmed=False)

    with pytest.raises(ratebook.RatesRefusedError) as refused:
        ratebook.publish(draft)

    assert refused.value.sentences == [
        "La table n’a pas de source\u00a0: écrivez le texte qui porte ces tarifs.",
        "Aucun tarif de cette table n’est confirmé\u00a0: confirmez-en au moins un.",
        (
            "«\u00a0Accord du 20 juin 2019, avenant 2 (version 2)\u00a0» vaut à partir du 31 mars "
            "2022\u00a0: donnez à cette table un dernier jour avant cette date."
        ),
    ]


def test_days_without_rates_are_said(tables: list[RateTable], administrator: User) -> None:
    ratebook.publish(
        draft_of(
            tables[1], administrator, valid_from=date(2022, 3, 31), valid_until=date(2024, 12, 31)
        )
    )
    ratebook.publish(
        draft_of(
            tables[1], administrator, valid_from=date(2025, 2, 1), valid_until=date(2026, 12, 31)
        )
    )

    assert [one.replace("\u00a0", " ") for one in ratebook.holes()] == [
        (
            "Aucun tarif du 1er janvier 2025 au 31 janvier 2025 : un contrat qui couvre ces jours "
            "ne peut pas être signé. Préparez une table pour eux."
        ),
        "Aucun tarif après le 31 décembre 2026 : préparez la table suivante.",
    ]


def test_the_database_keeps_a_published_table_and_its_lines_as_they_are(
    tables: list[RateTable],
) -> None:
    one = tables[0]
    line = one.lines.first()
    assert line
    for change in (
        lambda: RateTable.objects.filter(pk=one.pk).update(label="Autre"),
        lambda: RateTable.objects.filter(pk=one.pk).update(valid_until=None),
        lambda: RateTable.objects.filter(pk=one.pk).update(status="draft", published_at=None),
        lambda: RateTable.objects.filter(pk=one.pk)._raw_delete("default"),
        lambda: RateLine.objects.filter(pk=line.pk).update(fixed_share=1),
        lambda: RateLine.objects.filter(pk=line.pk)._raw_delete("default"),
        lambda: RateLine.objects.create(table=one, mission="prevention", size_class="T1"),
    ):
        with pytest.raises(DatabaseError, match="never_changes"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"fixed_share": Decimal("-0.01")}, "rate_line_possible_amounts"),
        (
            {"mission": "prevention", "variable_share": Decimal("10000000.01")},
            "rate_line_possible_amounts",
        ),
        ({"mission": "", "crisis_share": 1}, "rate_line_operating_is_fixed"),
        ({"is_confirmed": True, "source": ""}, "rate_line_confirmed_has_a_source"),
        ({"mission": "prevention", "size_class": "T3"}, "rate_line_once"),
    ],
)
def test_the_database_refuses_rates_that_make_no_sense(
    tables: list[RateTable], administrator: User, values: dict[str, object], constraint: str
) -> None:
    draft = ratebook.prepare_version(tables[1], by=administrator)
    draft.lines.exclude(mission="prevention", size_class="T3").delete()
    line = {"table": draft, "mission": "", "size_class": "T4"} | values

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RateLine.objects.create(**line)


def test_two_tables_are_never_published_for_the_same_day(tables: list[RateTable]) -> None:
    with (
        pytest.raises(IntegrityError, match="rate_table_one_published_a_day"),
        transaction.atomic(),
    ):
        RateTable.objects.create(
            version=9, label="Autre", source="Un texte", valid_from=date(2030, 1, 1),
            status="published", published_at=tables[0].created_at,
        )  # fmt: skip


# --- Administration -----------------------------------------------------------------------------


def test_the_national_administrator_copies_edits_compares_and_publishes(
    tables: list[RateTable], administrator: User
) -> None:
    client = Client()
    client.force_login(administrator)
    one = tables[1]
    shown = client.get(f"{LIST}{one.pk}/change/")
    assert (shown.status_code, b'name="lines-0-fixed_share"' in shown.content) == (200, False)
    assert client.get(LIST).status_code == 200

    made = client.post(f"{LIST}{one.pk}/copier/")
    draft = RateTable.objects.get(status="draft")
    assert made.headers["Location"] == f"{LIST}{draft.pk}/change/"
    page = client.get(f"{LIST}{draft.pk}/change/")
    form = page.context["inline_admin_formsets"][0].formset
    data = {f"{form.prefix}-{name}": form.management_form[name].value() for name in
            ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}  # fmt: skip
    for each in form.forms:
        for field in each.fields:
            value = each[field].value()
            if value not in (None, False):
                data[each.add_prefix(field)] = value
            if field == "fixed_share" and each["mission"].value() == "":
                data[each.add_prefix(field)] = "61 000,50"
    data |= {"kind": "amendment", "label": "Avenant 4", "source": "Un texte publié",
             "valid_from": "01/01/2027"}  # fmt: skip
    saved = client.post(f"{LIST}{draft.pk}/change/", data)
    assert saved.status_code == 302, saved.context["errors"]
    assert set(draft.lines.filter(mission="").values_list("fixed_share", flat=True)) == {
        Decimal("61000.50")
    }
    assert client.get(f"{LIST}{draft.pk}/comparer/{one.pk}/").status_code == 200
    preview = client.get(f"{LIST}{draft.pk}/publier/")
    assert len(preview.context["differences"]) == 4
    client.post(f"{LIST}{draft.pk}/publier/")
    draft.refresh_from_db()
    assert draft.status == "published"
    again = client.post(f"{LIST}{draft.pk}/publier/", follow=True)
    assert "Cette table est déjà publiée" in again.content.decode()


def test_nobody_else_opens_the_rates(tables: list[RateTable]) -> None:
    client = Client()
    client.force_login(factories.user(is_staff=True))
    one = tables[0].pk
    assert [
        client.get(LIST).status_code,
        client.post(f"{LIST}{one}/copier/").status_code,
        client.post(f"{LIST}{one}/publier/").status_code,
        client.get(f"{LIST}{one}/comparer/{one}/").status_code,
    ] == [403, 403, 403, 404]
