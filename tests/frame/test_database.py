"""How the portal speaks to PostgreSQL."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_what_a_connection_asks_often_is_planned_once() -> None:
    question = "SELECT 40 + %s AS planned_once"
    with connection.cursor() as cursor:
        answers = []
        for number in range(6):
            cursor.execute(question, [number])
            answers += cursor.fetchone()
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [statement for (statement,) in cursor.fetchall() if "planned_once" in statement]

    assert (answers, prepared) == (list(range(40, 46)), ["SELECT 40 + $1 AS planned_once"])
