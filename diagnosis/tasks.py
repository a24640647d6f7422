"""Celery's side of the diagnosis: fetch, delegate, nothing more."""

from celery import shared_task

from diagnosis import asking


@shared_task
def remind_late() -> None:
    asking.remind_late()
