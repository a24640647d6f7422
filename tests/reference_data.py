"""The real reference data, loaded once per test database.

Every test sees the communes of France, also after one that ran real transactions.
"""

from typing import Any

import pytest

from tests.emptying import keep_what_is_there
from tests.template import Template


@pytest.fixture(scope="session")
def django_db_setup(
    template: Template | None, django_db_setup: None, django_db_blocker: Any
) -> None:
    """Load the communes when the database is made, or bring a kept one up to date."""
    with django_db_blocker.unblock():
        _load()
        keep_what_is_there(restore=_load)
        if template:
            template.publish()


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
