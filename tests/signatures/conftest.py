from collections.abc import Iterator

import pytest

from tests.signatures.signing import letters_are_signed


@pytest.fixture(autouse=True)
def letters_signed() -> Iterator[None]:
    """The health project is not built yet: here, letters are what members sign."""
    with letters_are_signed():
        yield
