"""Celery's side of filed cases: fetch, delegate, nothing more."""

from celery import shared_task

from workflow.clock_alerts import publish_due_alerts


@shared_task
def clock_alerts() -> None:
    publish_due_alerts()
