"""Statements that the models compose once per process, and whose values are given at each run.

Composing a queryset takes longer than running what it says: what every page asks is composed
with stand-ins for the values, and the statement is kept.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Expression, Value
from django.db.models.query import get_related_populators


class Given(Expression):
    """In a queryset, a value that is known when it runs, under this name."""

    def __init__(self, name: str, output_field: Any = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:  # noqa: ARG002 - as Django calls it
        return "%s", [self]


def constant(value: Any) -> Expression:
    """`value` as a column, whether it is known now or given later."""
    return value if isinstance(value, Given) else Value(value)


class Composed:
    """The statement of a queryset, composed when it is first asked for.

    `compose` returns the queryset, with a `Given` for each value that varies. It is called once:
    it must depend on nothing else.
    """

    def __init__(self, compose: Callable[[], Any]) -> None:
        self._compose = compose

    @cached_property
    def _parts(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._compose().query.sql_with_params()
        return sql, tuple(parameters)

    @property
    def sql(self) -> str:
        """The statement, with a « %s » for each of `parameters`."""
        return self._parts[0]

    def parameters(self, **given: Any) -> list[Any]:
        """The values of the statement, in order. Raises KeyError when one is not given."""
        return [given[one.name] if isinstance(one, Given) else one for one in self._parts[1]]

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """Run it: the rows as the database gives them, in the order of the queryset's columns."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters(**given))
            return cursor.fetchall()

    def page(self, start: int, count: int, **given: Any) -> list[tuple[Any, ...]]:
        """The same, `count` rows at most, from the place `start`."""
        with connection.cursor() as cursor:
            cursor.execute(f"{self.sql}{_slice(start, count)}", self.parameters(**given))
            return cursor.fetchall()


def _slice(start: int, count: int | None) -> str:
    """Written out: given beside the statement, it would be planned again at each run."""
    return f" LIMIT {'ALL' if count is None else int(count)} OFFSET {int(start)}"


class ComposedObjects:
    """The same for the objects of a queryset, with those it selects beside them."""

    def __init__(self, compose: Callable[[], Any]) -> None:
        self._compose = compose

    @cached_property
    def _parts(self) -> tuple[str, tuple[Any, ...], Callable[[Any], list[Any]]]:
        compiler = self._compose().query.get_compiler(connection.alias)
        sql, parameters = compiler.as_sql()
        return sql, tuple(parameters), _reader(compiler)

    def objects(self, *, start: int = 0, count: int | None = None, **given: Any) -> list[Any]:
        """Run it: `count` objects at most, from the place `start`. Raises KeyError when a value
        is not given."""
        sql, parameters, read = self._parts
        values = [given[one.name] if isinstance(one, Given) else one for one in parameters]
        with connection.cursor() as cursor:
            cursor.execute(f"{sql}{_slice(start, count)}", values)
            return read(cursor.fetchall())


def _reader(compiler: Any) -> Callable[[Any], list[Any]]:
    """From the rows of a compiled queryset to its objects, as Django makes them."""
    about, select = compiler.klass_info, compiler.select
    model, notes = about["model"], compiler.annotation_col_map or {}
    begin, end = about["select_fields"][0], about["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[begin:end]]
    # The types are those of a later Django.
    beside = get_related_populators(about, select, connection.alias)  # type: ignore[call-arg]
    converters = compiler.get_converters([column[0] for column in select])

    def read(rows: Any) -> list[Any]:
        found = []
        for row in compiler.apply_converters(rows, converters) if converters else rows:
            one = model.from_db(connection.alias, names, row[begin:end])
            for populator in beside:
                populator.populate(row, one)
            for name, place in notes.items():
                setattr(one, name, row[place])
            found.append(one)
        return found

    return read
