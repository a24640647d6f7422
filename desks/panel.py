"""What an office and its people keep about one case, in two queries."""

from dataclasses import dataclass

from django.db import connection

from accounts.models import User
from desks.inbox import LabelTag, acting_of
from workflow import desk_rules, desk_tools
from workflow.models import Case


@dataclass(frozen=True)
class PanelLabel:
    tag: LabelTag
    is_put: bool


@dataclass(frozen=True)
class Person:
    pk: int
    name: str
    is_chosen: bool


@dataclass(frozen=True)
class Panel:
    labels: list[PanelLabel]
    is_followed: bool
    note: str
    instructor: str
    may_assign: bool
    people: list[Person]

    @property
    def put_labels(self) -> list[LabelTag]:
        return [label.tag for label in self.labels if label.is_put]


_PANEL = """
    SELECT 'label', l.id, l.name, l.colour, u.id IS NOT NULL
      FROM workflow_officelabel l
      LEFT JOIN workflow_caselabel u ON u.label_id = l.id AND u.case_id = %(case)s
     WHERE l.organisation_id = %(body)s
     UNION ALL
    SELECT 'note', id, text, '', true FROM workflow_privatenote
     WHERE user_id = %(user)s AND organisation_id = %(body)s AND case_id = %(case)s
     UNION ALL
    SELECT 'followed', id, '', '', true FROM workflow_followedcase
     WHERE user_id = %(user)s AND organisation_id = %(body)s AND case_id = %(case)s
     UNION ALL
    SELECT 'instructor', id,
           coalesce(nullif(trim(first_name || ' ' || last_name), ''), email), '', true
      FROM accounts_user WHERE id = %(instructor)s
     ORDER BY 1, 3
"""


def read_panel(case: Case, user: User) -> Panel:
    body = acting_of(user).organisation_id
    with connection.cursor() as cursor:
        cursor.execute(
            _PANEL,
            {"case": case.pk, "body": body, "user": user.pk, "instructor": case.instructor_id},
        )
        rows = cursor.fetchall()
    texts = {kind: text for kind, _, text, _, _ in rows if kind != "label"}
    may_assign = desk_rules.may_assign(case, user)
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
        people=[
            Person(person.pk, str(person), person.pk == case.instructor_id)
            for person in (desk_tools.colleagues(case) if may_assign else ())
        ],
    )
