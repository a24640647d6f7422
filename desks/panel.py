"""What an office and its people keep about one case, in one query."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import User
from desks.choices import acting_of
from desks.options import LabelTag
from territories.normalise import normalise
from workflow import desk_rules
from workflow.models import Case
from workflow.states import OPEN_STATES


@dataclass(frozen=True)
class PanelLabel:
    tag: LabelTag
    is_put: bool


@dataclass(frozen=True)
class Person:
    pk: int
    name: str


@dataclass(frozen=True)
class Panel:
    labels: list[PanelLabel]
    is_followed: bool
    note: str
    instructor: str
    may_assign: bool
    # Who reads the panel, when nobody has taken the case up and they may.
    takes_up: int | None
    people: list[Person]

    @property
    def put_labels(self) -> list[LabelTag]:
        return [label.tag for label in self.labels if label.is_put]


_PANEL = """
    SELECT 'label', l.id, l.name, l.colour, u.id IS NOT NULL
      FROM workflow_officelabel l
      LEFT JOIN workflow_caselabel u ON u.label_id = l.id AND u.case_id = %s
     WHERE l.organisation_id = %s
     UNION ALL
    SELECT 'note', id, text, '', true FROM workflow_privatenote
     WHERE user_id = %s AND organisation_id = %s AND case_id = %s
     UNION ALL
    SELECT 'followed', id, '', '', true FROM workflow_followedcase
     WHERE user_id = %s AND organisation_id = %s AND case_id = %s
     UNION ALL
    SELECT 'instructor', id,
           coalesce(nullif(trim(first_name || ' ' || last_name), ''), email), '', true
      FROM accounts_user WHERE id = %s"""


# Those of `desk_tools.colleagues`.
_COLLEAGUES = """
     UNION ALL
    SELECT 'person', u.id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email),
           '', true
      FROM accounts_user u
     WHERE u.is_active
       AND EXISTS (
           SELECT FROM accounts_membership m
            WHERE m.user_id = u.id AND m.organisation_id = %s AND m.is_active
              AND m.role = ANY (%s)
              AND (m.department_id IS NULL OR m.department_id = ANY (%s)))
       AND NOT EXISTS (
           SELECT FROM communities_teammember t
            WHERE t.community_id = %s AND t.user_id = u.id AND t.role IN ('owner', 'editor'))"""


def read_panel(case: Case, user: User) -> Panel:
    acting = acting_of(user)
    asked: list[Any] = [
        *(case.pk, acting.organisation_id),
        *(user.pk, acting.organisation_id, case.pk),
        *(user.pk, acting.organisation_id, case.pk),
        case.instructor_id,
    ]
    statement = _PANEL
    # Whoever may give the case away is among those to whom it can be given.
    in_charge = (
        acting.organisation_id == case.office_id
        and case.state in OPEN_STATES
        and acting.role in desk_rules.roles_to_follow(case.state)
    )
    if in_charge:
        statement += _COLLEAGUES
        roles = sorted(desk_rules.roles_to_follow(case.state))
        asked += [case.office_id, roles, case.department_codes, case.community_id]
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows = sorted(cursor.fetchall(), key=lambda row: normalise(row[2]))
    people_there = [(pk, name) for kind, pk, name, _, _ in rows if kind == "person"]
    texts = {kind: text for kind, _, text, _, _ in rows if kind not in {"label", "person"}}
    may_assign = in_charge and user.pk in dict(people_there)
    return Panel(
        labels=[
            PanelLabel(LabelTag(pk, name, colour), is_put)
            for kind, pk, name, colour, is_put in rows
            if kind == "label"
        ],
        is_followed="followed" in texts,
        note=texts.get("note", ""),
        instructor=texts.get("instructor", ""),
        may_assign=may_assign,
        takes_up=user.pk if may_assign and case.instructor_id is None else None,
        people=[Person(pk, name) for pk, name in people_there],
    )
