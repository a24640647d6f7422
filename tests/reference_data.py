"""The real reference data, loaded once per test database.

Every test sees the communes of France; a test that runs real transactions, which empty the
tables when they end, asks for `loaded_territories` to have them back.
"""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Load the communes when the database is made, or bring a kept one up to date."""
    with django_db_blocker.unblock():
        _load()


@pytest.fixture
def loaded_territories(db: None) -> None:
    """The communes of France, even after a test that emptied the database."""
    _load()


@pytest.fixture
def loaded_organisations(loaded_territories: None) -> None:
    """The ARS, their offices, the Guichet and the others, as a fresh portal has them."""
    from accounts import organisation_files  # noqa: PLC0415 - models need Django ready

    organisation_files.load(organisation_files.default_folder())


def _load() -> None:
    from territories import loading  # noqa: PLC0415 - models need Django ready

    loading.load(loading.default_source())
