"""Celery's side of contracts: fetch, delegate, nothing more."""

from celery import shared_task

from contracts import calendar, dialogues, ending, providers


@shared_task
def follow_contracts() -> None:
    calendar.publish_alerts()
    dialogues.open_due()
    dialogues.close_answers()
    ending.follow_ends()


@shared_task
def collect_signatures() -> None:
    providers.collect()
