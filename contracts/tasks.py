"""Celery's side of contracts: fetch, delegate, nothing more."""

from celery import shared_task

from contracts.dialogue import dialogues, reviewing
from contracts.endings import ending
from contracts.existing import applying
from contracts.funding import importing
from contracts.missions import calendar
from contracts.signing import collecting


@shared_task
def follow_contracts() -> None:
    calendar.publish_alerts()
    dialogues.open_due()
    reviewing.close_answers()
    ending.follow_ends()


@shared_task
def forget_imports() -> None:
    """Give up the imports nobody confirmed, forget what the others said of people."""
    applying.forget_old()
    importing.forget_old()


@shared_task
def collect_signatures() -> None:
    collecting.collect()
