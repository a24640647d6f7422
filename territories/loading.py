"""Loading the reference files: all of them or nothing, and never two loads at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from territories import consequences, reference
from territories.models import CommuneSuccession, Territory, Vintage
from territories.normalise import normalise
from territories.reference import ReferenceData, Source
from territories.succession import YearChanges
from territories.years import changes_to

DEFAULT_FOLDER = Path("fixtures") / "territories"
# Any number that nobody else uses: the advisory lock of a load.
_LOCK = 7_203_141

Report = Callable[[str], None]


def _say_nothing(line: str) -> None:
    """Progress nobody asked to see."""


class LoadInProgressError(RuntimeError):
    """Another load is running: wait for its end, then look at what it loaded."""

    message = (
        "Un chargement des territoires est déjà en cours. Attendez qu’il se termine, "
        "puis recommencez si nécessaire."
    )

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Table:
    """Rows ready for one database table; `key` is its primary key."""

    name: str
    label: str
    key: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class LoadOutcome:
    """What a load did. `changed` is False when the same files were already in force."""

    changed: bool
    vintage: Vintage
    counts: dict[str, int]
    deactivated: int = 0


def default_source() -> Source:
    """The files that come with the portal."""
    return Source(settings.BASE_DIR / DEFAULT_FOLDER)


def current_vintage() -> Vintage | None:
    """The reference data in force, None before the first load."""
    return Vintage.objects.filter(is_current=True).first()


def load(source: Source, *, report: Report = _say_nothing) -> LoadOutcome:
    """Read, check and load the reference files in one transaction.

    Loading the files already in force changes nothing and says so. Raises ReferenceDataError
    for bad files and LoadInProgressError; in both cases the database is as it was.
    """
    digest = source.digest()
    current = current_vintage()
    if current is not None and current.digest == digest:
        report(f"Déjà en vigueur : {current}. Rien à charger.")
        return LoadOutcome(changed=False, vintage=current, counts={})
    report("Lecture et vérification des fichiers…")
    data = reference.read(source)
    return load_data(data, report=report)


def load_data(data: ReferenceData, *, report: Report = _say_nothing) -> LoadOutcome:
    """Load files already read and checked. Raises LoadInProgressError.

    What the change of year means is written in the same transaction: see `consequences`.
    """
    tables = database_tables(data)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                raise LoadInProgressError
            previous = current_vintage()
            first_load = previous is None
            changes = None if first_load else changes_to(data)
            if changes:
                report("Dossiers concernés…")
            assessed = consequences.assess(changes) if changes else []
            for table in tables:
                _load_table(cursor, table, first_load=first_load)
                report(f"{table.label} : {len(table.rows)}")
            deactivated = 0 if first_load else _retire_what_is_gone(cursor, tables)
        if deactivated:
            report(f"Communes qui ne sont plus en vigueur : {deactivated}")
        Vintage.objects.filter(is_current=True).update(is_current=False)
        vintage = Vintage.objects.create(
            cog_year=data.cog_year,
            population_year=data.population_year,
            source=data.source,
            digest=data.digest,
            loaded_at=timezone.now(),
            is_current=True,
            previous=previous,
        )
        if changes:
            _remember(changes, vintage)
            consequences.record(changes, vintage, assessed)
            report(f"Dossiers dont les communes ou la population changent : {len(assessed)}")
    with connection.cursor() as cursor:
        # Without fresh statistics the first searches would not use their index.
        cursor.execute(
            "ANALYZE territories_commune (code, name_key, department_id, is_active), "
            "territories_formercommune (name_key, current_id)"
        )
    report(f"En vigueur : {vintage}.")
    return LoadOutcome(changed=True, vintage=vintage, counts=data.counts(), deactivated=deactivated)


def _remember(changes: YearChanges, vintage: Vintage) -> None:
    """Keep what became of each commune, and note the territories that have to follow."""
    CommuneSuccession.objects.bulk_create(
        CommuneSuccession(
            vintage=vintage,
            before_id=old,
            before_name=changes.before[old].name,
            before_population=changes.before[old].population,
            after_id=new,
            after_name=changes.after[new].name,
        )
        for old, news in changes.links.items()
        for new in news
    )
    drawn = Territory.objects.filter(awaiting=None, parts__commune__in=list(changes.links))
    Territory.objects.filter(pk__in=drawn.values("pk")).update(awaiting=vintage)


def database_tables(data: ReferenceData) -> list[Table]:
    """The rows of every table, in an order that respects foreign keys.

    A bare COPY of these rows into the same columns is what a load is measured against.
    """
    rows = data.rows
    return [
        Table(
            "territories_region",
            "Régions",
            "code",
            ("code", "name", "has_ars"),
            [(code, name, has_ars == "1") for code, name, has_ars in rows["regions"]],
        ),
        Table(
            "territories_department",
            "Départements",
            "code",
            ("code", "name", "region_id"),
            rows["departments"],
        ),
        Table(
            "territories_intercommunality",
            "EPCI",
            "siren",
            ("siren", "kind", "name", "search_key"),
            [
                (siren, kind, name, f"| {normalise(name)} | {siren} |")
                for siren, kind, name in rows["intercommunalities"]
            ],
        ),
        Table(
            "territories_commune",
            "Communes et arrondissements",
            "code",
            (
                "code",
                "kind",
                "name",
                "department_id",
                "parent_id",
                "intercommunality_id",
                "postal_codes",
                "population",
                "name_key",
                "search_key",
                "is_active",
            ),
            _commune_rows(data),
        ),
        Table(
            "territories_formercommune",
            "Anciennes communes et anciens codes",
            "code",
            ("code", "kind", "name", "name_key", "current_id"),
            [
                (code, kind, name, normalise(name), current)
                for code, kind, name, current in rows["former_communes"]
            ],
        ),
    ]


def _commune_rows(data: ReferenceData) -> list[tuple[Any, ...]]:
    former: dict[str, list[str]] = {}
    for code, _, name, current in data.rows["former_communes"]:
        former.setdefault(current, []).extend((normalise(name), code.lower()))
    result = []
    for code, kind, name, department, parent, siren, postal, population in data.rows["communes"]:
        key = normalise(name)
        search_key = f"| {key} | {code.lower()} {postal} |"
        if code in former:
            known = {"", key, code.lower()}
            others = dict.fromkeys(text for text in former[code] if text not in known)
            if others:
                search_key += f"| {' | '.join(others)} |"
        result.append(
            (
                code,
                kind,
                name,
                department,
                parent or None,
                siren or None,
                "{" + postal.replace(" ", ",") + "}",
                population or None,
                key,
                search_key,
                True,
            )
        )
    return result


def _load_table(cursor: Any, table: Table, *, first_load: bool) -> None:
    """Insert or update the rows; a row that is already the same is not written again."""
    if first_load:
        # A test or a fixture may have made a few rows by hand: those go through the update.
        cursor.execute(f"SELECT NOT EXISTS (SELECT FROM {table.name})")  # noqa: S608 - a table the code names
        if cursor.fetchone()[0]:
            copy_rows(cursor, table.name, table.columns, table.rows)
            return
    incoming = f"incoming_{table.name}"
    cursor.execute(f"DROP TABLE IF EXISTS {incoming}")
    cursor.execute(f"CREATE TEMP TABLE {incoming} (LIKE {table.name}) ON COMMIT DROP")
    copy_rows(cursor, incoming, table.columns, table.rows)
    columns = ", ".join(table.columns)
    others = [column for column in table.columns if column != table.key]
    cursor.execute(
        f"""
        INSERT INTO {table.name} AS present ({columns})
        SELECT {columns} FROM {incoming}
        ON CONFLICT ({table.key}) DO UPDATE
        SET {", ".join(f"{column} = excluded.{column}" for column in others)}
        WHERE ({", ".join(f"present.{column}" for column in others)})
              IS DISTINCT FROM ({", ".join(f"excluded.{column}" for column in others)})
        """  # noqa: S608 - our own table and column names
    )


def copy_rows(
    cursor: Any, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """COPY `rows` into `table`. The rows hold text, booleans and None, with no control sign."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with cursor.copy(statement) as copy:
        copy.write(
            "".join(
                "\t".join(
                    [
                        value if type(value) is str else "\\N" if value is None else str(value)
                        for value in row
                    ]
                )
                + "\n"
                for row in rows
            )
        )


def _retire_what_is_gone(cursor: Any, tables: Sequence[Table]) -> int:
    """Put out of force the communes that the files no longer have; return how many.

    They stay in the database, since territories and deposited letters name them. EPCI and
    former codes that are gone are deleted: nothing refers to them.
    """
    incoming = {table.name: (f"incoming_{table.name}", table.key) for table in tables}
    communes, code = incoming["territories_commune"]
    cursor.execute(
        f"""
        UPDATE territories_commune SET is_active = false, intercommunality_id = NULL
        WHERE is_active AND NOT EXISTS (
            SELECT FROM {communes} WHERE {communes}.{code} = territories_commune.{code})
        """  # noqa: S608 - our own table and column names
    )
    retired = cursor.rowcount
    for name in ("territories_formercommune", "territories_intercommunality"):
        new, key = incoming[name]
        cursor.execute(
            f"""
            DELETE FROM {name}
            WHERE NOT EXISTS (SELECT FROM {new} WHERE {new}.{key} = {name}.{key})
            """  # noqa: S608 - our own table and column names
        )
    return retired
