"""Celery's side of contracts: fetch, delegate, nothing more."""

from celery import shared_task

from contracts.dialogue import dialogues, reviewing
from contracts.endings import ending
from contracts.missions import calendar
from contracts.signing import collecting


@shared_task
def follow_contracts() -> None:
    calendar.publish_alerts()
    dialogues.open_due()
    reviewing.close_answers()
    ending.follow_ends()


@shared_task
def collect_signatures() -> None:
    collecting.collect()
