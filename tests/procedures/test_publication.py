"""A published procedure never changes; its receipt says what the law asks."""

import pytest
from django.core.management import CommandError, call_command

from procedures import publication, registry
from procedures.circuit import Silence
from procedures.publication import PublishedFileChangedError, changed_files, publish, published
from procedures.schema import RECEIPT_PLACEHOLDERS
from tests.procedures.small import write


def test_no_published_file_has_changed():
    assert changed_files() == []


def test_a_file_is_published_once(tmp_path):
    write(tmp_path)
    assert publish(tmp_path) == ["essai-1.toml"]
    assert publish(tmp_path) == []
    assert list(published(tmp_path)) == ["essai-1.toml"]
    assert changed_files(tmp_path) == []


def test_a_published_file_that_was_edited_is_refused_and_nothing_is_recorded(tmp_path):
    write(tmp_path)
    publish(tmp_path)
    before = published(tmp_path)
    write(tmp_path, ("Bureau", "Guichet"))
    write(tmp_path, ("version = 1", "version = 2"), name="essai-2.toml")
    with pytest.raises(PublishedFileChangedError) as caught:
        publish(tmp_path)
    assert caught.value.files == ["essai-1.toml"]
    assert published(tmp_path) == before


def test_a_published_file_that_was_removed_is_told(tmp_path):
    write(tmp_path)
    publish(tmp_path)
    (tmp_path / "essai-1.toml").unlink()
    assert changed_files(tmp_path) == ["essai-1.toml"]


def test_the_record_is_no_procedure(tmp_path):
    write(tmp_path)
    publish(tmp_path)
    assert [procedure.key for procedure in registry.load(tmp_path).procedures] == ["essai"]


def test_the_command_says_what_it_published_or_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(publication, "REGIONS_FOLDER", tmp_path)
    write(tmp_path)
    call_command("publish_procedures")
    call_command("publish_procedures")
    assert capsys.readouterr().out.replace("\u00a0", " ") == (
        "essai-1.toml : publié.\nToutes les procédures étaient déjà publiées.\n"
    )
    write(tmp_path, ("Bureau", "Guichet"))
    with pytest.raises(CommandError, match=r"Déjà publié, donc jamais modifié.*essai-1\.toml"):
        call_command("publish_procedures")


OF_SILENCE = {
    Silence.REFUSAL: ["Le silence vaut rejet", "sous réserve qu’elle soit complète", "L. 231-4"],
    # An acceptance by silence is attested on request (CRPA, R. 112-11-1 and L. 232-3).
    Silence.ACCEPTANCE: [
        "Le silence vaut validation",
        "sous réserve qu’il soit complet",
        "L. 1434-12",
        "L. 232-3",
    ],
}


@pytest.mark.parametrize("procedure", registry.all_procedures(), ids=lambda p: p.key)
def test_the_receipt_says_what_the_law_asks(procedure):
    values = {name: f"<{name}>" for name in RECEIPT_PLACEHOLDERS}
    texts = vars(procedure.receipt.filled(values))
    whole = " ".join(texts.values())
    assert "{" not in whole
    asked = [
        "<reference>",
        "<deposited_on>",
        "<office>",
        "<office_contact>",
        "<silence_date>",
        *OF_SILENCE[procedure.circuit.period.silence],
        "deux mois",
        "recours gracieux",
        "recours hiérarchique",
        "tribunal administratif",
        "R. 112-5",
        "R. 112-11-1",
    ]
    assert [words for words in asked if words not in whole] == []
