import pytest
from hypothesis import given
from hypothesis import strategies as st

from territories.normalise import normalise


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Toulouse", "toulouse"),
        ("  SAINT-SULPICE  ", "saint sulpice"),
        ("St Sulpice", "saint sulpice"),
        ("St. Sulpice", "saint sulpice"),
        ("ste-colombe", "sainte colombe"),
        ("Les Stes-Maries", "les saintes maries"),
        ("L’Haÿ-les-Roses", "l hay les roses"),
        ("L'Haÿ-les-Roses", "l hay les roses"),
        ("Œting", "oeting"),
        ("OETING", "oeting"),
        ("Massac, Séran", "massac seran"),
        ("Stenay", "stenay"),
        ("Paris 5e Arrondissement", "paris 5 arrondissement"),
        ("Marseille 1er", "marseille 1"),
        ("2A004", "2a004"),
        ("Bors (Canton de Charente-Sud)", "bors canton de charente sud"),
        ("é", "e"),
        ("—", ""),
        ("", ""),
    ],
)
def test_one_spelling_for_a_name(typed: str, expected: str) -> None:
    assert normalise(typed) == expected


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_only_plain_words_are_left(text: str) -> None:
    words = normalise(text)
    assert words == " ".join(words.split())
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in words.split())


@given(st.text(alphabet="abcdeéèêçôœ '-sSTtEe", max_size=30))
def test_case_and_punctuation_never_matter(text: str) -> None:
    assert normalise(text.upper()) == normalise(text)
    assert normalise(text.replace("-", "'").replace("'", "’")) == normalise(text)
