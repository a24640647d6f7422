"""The RPPS number: read as people write it, checked by its last digit, kept for oneself."""

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.rpps import bare, is_written_in, problem
from tests import factories

NUMBER = "10101010105"


@given(st.integers(min_value=0, max_value=10**10 - 1), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(ten: int, rank: int, shift: int) -> None:
    (good,) = [f"{ten:010}{key}" for key in range(10) if not problem(f"{ten:010}{key}")]
    wrong = good[:rank] + str((int(good[rank]) + shift) % 10) + good[rank + 1 :]
    assert (problem(good), bool(problem(wrong))) == ("", True)


@pytest.mark.parametrize(
    "text", ["1010101010", "101010101055", "1010101010a", "１０１０１０１０１０５"]
)
def test_what_has_not_eleven_digits_is_refused_in_words(text):
    assert "11 chiffres" in problem(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Dr Fabre, RPPS {NUMBER}.", True),
        ("RPPS : 101 0101 0105", True),
        ("RPPS : 10.10.10.10.10.5", True),
        (f"9{NUMBER}", False),
        (f"{NUMBER}9", False),
        ("05 61 22 33 44", False),
    ],
)
def test_a_number_is_found_however_it_is_spaced(text, found):
    assert (is_written_in(NUMBER, text), bare("10 101-010.105")) == (found, NUMBER)


@pytest.mark.django_db
def test_a_person_gives_corrects_and_withdraws_their_number(client):
    person = factories.user()
    client.force_login(person)
    names = {"first_name": "Claire", "last_name": "Fabre", "profession": ""}

    def save(number: str) -> tuple[int, str]:
        answer = client.post("/compte/", names | {"rpps": number})
        return answer.status_code, User.objects.get(pk=person.pk).rpps

    assert save("101 0101 0105") == (302, NUMBER)
    assert save("10101010106") == (200, NUMBER)
    page = client.post("/compte/", names | {"rpps": "10101010106"}).content.decode()
    assert "n’existe pas" in page
    assert 'href="#id_rpps"' in page
    assert save("") == (302, "")


@pytest.mark.django_db
def test_the_database_refuses_what_is_no_number():
    person = factories.user()
    with pytest.raises(IntegrityError, match="user_rpps_has_eleven_digits"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(rpps="123")
