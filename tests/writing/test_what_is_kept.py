"""What a process keeps of a page follows what changes: nothing stale is ever shown."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from documents.models import Attachment
from letters.models import LetterOfIntent
from territories.models import Commune, Department, Region
from territories.services import add_communes, declare_population, remove_communes
from tests import factories
from tests.letters import cases
from tests.writing import pages
from tests.writing.test_attachments import file
from workflow.models import Answer
from writing import services as writing_services
from writing.content import procedure_of
from writing.links import addresses

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(loaded_territories: None) -> LetterOfIntent:
    return cases.draft("76")


@pytest.fixture
def owner(client: Client, letter: LetterOfIntent) -> Client:
    client.force_login(letter.created_by)
    return client


def _step_with(letter: LetterOfIntent, kind: str) -> str:
    """The step that holds the first field of this kind."""
    for section in procedure_of(letter).sections:
        if any(field.kind == kind for field in section.fields):
            return reverse("letters:step", args=[letter.public_id, section.key])
    raise LookupError(kind)


def _text(client: Client, address: str) -> str:
    return " ".join(pages.text_of(client.get(address)).split())


def test_the_territory_of_a_step_follows_its_communes_and_its_figures(
    owner: Client, letter: LetterOfIntent
) -> None:
    step = _step_with(letter, "territory")
    add_communes(letter.community.territory, ["81140"])
    before = _text(owner, step)
    assert before == _text(owner, step)

    Commune.objects.filter(code="81140").update(name="Lavaur-le-Neuf", population=12_345)
    renamed = _text(owner, step)
    declare_population(letter.community.territory, 15_000, "Les quartiers neufs.")
    declared = _text(owner, step)

    assert ["Lavaur-le-Neuf" in text for text in (before, renamed, declared)] == [
        False,
        True,
        True,
    ]
    assert ["12 345 habitants" in text for text in (before, renamed)] == [False, True]
    assert ["Les quartiers neufs." in text for text in (renamed, declared)] == [False, True]


def test_the_page_of_the_territory_follows_its_communes_and_its_figures(
    owner: Client, letter: LetterOfIntent
) -> None:
    page = reverse("letters:territory", args=[letter.public_id])
    add_communes(letter.community.territory, ["81140"])
    before = _text(owner, page)
    Commune.objects.filter(code="81140").update(name="Lavaur-le-Neuf", population=12_345)
    renamed = _text(owner, page)
    add_communes(letter.community.territory, ["81271"])
    added = _text(owner, page)
    remove_communes(letter.community.territory, ["81140"])
    removed = _text(owner, page)

    seen = (before, renamed, added, removed)
    assert ["Lavaur-le-Neuf" in text for text in seen] == [False, True, True, False]
    assert ["12 345 habitants" in text for text in seen] == [False, True, False, False]
    assert ["Saint-Sulpice-la-Pointe" in text for text in seen] == [False, False, True, True]


def test_the_lists_of_departments_follow_their_names_and_what_was_chosen(
    owner: Client, letter: LetterOfIntent
) -> None:
    page = reverse("letters:territory", args=[letter.public_id])
    answers = [owner.get(page), owner.get(page, {"dans": "81"}), owner.get(page, {"dans": "31"})]
    Department.objects.filter(code="81").update(name="Tarn rebaptisé")
    answers.append(owner.get(page))

    lists = [str(answer.context["departments"]) for answer in answers]
    assert ['value="81" selected' in one for one in lists] == [False, True, False, False]
    assert ['value="31" selected' in one for one in lists] == [False, False, True, False]
    assert ["Tarn rebaptisé" in one for one in lists] == [False, False, False, True]


def test_the_letter_read_again_before_its_deposit_follows_all_that_it_holds(
    owner: Client, letter: LetterOfIntent
) -> None:
    page = reverse("letters:deposit", args=[letter.public_id])
    procedure = procedure_of(letter)
    add_communes(letter.community.territory, ["81140"])
    cases.fill(letter)
    texts = [_text(owner, page)]
    Commune.objects.filter(code="81140").update(name="Lavaur-le-Neuf")
    texts.append(_text(owner, page))
    writing_services.attach(letter, procedure.attachments[0], file(), user=letter.created_by)
    Attachment.objects.update(name="carte-corrigee.pdf")
    texts.append(_text(owner, page))
    field = next(field for field in procedure.answer_fields if field.kind == "paragraph")
    Answer.objects.filter(case_id=letter.pk, key=field.key).update(value="Une réponse récrite.")
    texts.append(_text(owner, page))
    User.objects.update(first_name="Apolline", last_name="Vernhes")
    form = owner.get(page).content.decode()

    assert [
        ["Lavaur-le-Neuf" in text for text in texts],
        ["carte-corrigee.pdf" in text for text in texts],
        ["Une réponse récrite." in text for text in texts],
    ] == [[False, True, True, True], [False, False, True, True], [False, False, False, True]]
    assert 'value="Apolline Vernhes"' in form


def test_the_population_of_a_step_follows_the_territory(
    owner: Client, letter: LetterOfIntent
) -> None:
    step = _step_with(letter, "population")
    add_communes(letter.community.territory, ["81140"])
    alone = _text(owner, step)
    add_communes(letter.community.territory, ["81271"])
    both = _text(owner, step)

    assert ["pour 1 commune " in alone, "pour 2 communes " in both] == [True, True]


def test_a_slot_of_a_step_follows_its_files(owner: Client, letter: LetterOfIntent) -> None:
    step = _step_with(letter, "attachment")
    section = procedure_of(letter).section(step.rstrip("/").rpartition("/")[2])
    slot = next(field.key for field in section.fields if field.kind == "attachment")
    empty = _text(owner, step)
    writing_services.attach(letter, procedure_of(letter).slot(slot), file(), user=letter.created_by)
    given = _text(owner, step)
    Attachment.objects.update(name="carte-corrigee.pdf")
    renamed = _text(owner, step)

    assert ["fichier joint" in text for text in (empty, given, renamed)] == [False, True, True]
    assert ["carte-corrigee.pdf" in text for text in (given, renamed)] == [False, True]


def test_the_list_of_regions_follows_their_names(client: Client, loaded_territories: None) -> None:
    client.force_login(factories.user())
    create = reverse("letters:create")
    before = _text(client, create)
    Region.objects.filter(code="28").update(name="Normandie nouvelle")
    after = _text(client, create)

    assert ["Normandie nouvelle" in text for text in (before, after)] == [False, True]


def test_each_letter_has_its_own_addresses(letter: LetterOfIntent) -> None:
    other = cases.draft("76")

    assert [addresses(one).deposit for one in (letter, other, letter)] == [
        reverse("letters:deposit", args=[one.public_id]) for one in (letter, other, letter)
    ]
    assert addresses(other).fields + "title/" == reverse(
        "letters:autosave", args=[other.public_id, "title"]
    )


def _statements(client: Client, method: str, address: str, data: Any = None) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        getattr(client, method)(address, data)
    return [query["sql"].partition(" ")[0] for query in captured]


def test_a_page_that_is_read_opens_no_transaction_and_its_form_is_one(
    owner: Client, letter: LetterOfIntent
) -> None:
    step = _step_with(letter, "territory")

    read = _statements(owner, "get", step)
    posted = _statements(owner, "post", step, {"go": "stay"})

    # Inside a test, a transaction is a savepoint.
    assert (read.count("SAVEPOINT"), posted.count("SAVEPOINT") > 0) == (0, True)
