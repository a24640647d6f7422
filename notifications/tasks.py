"""Celery's side of notifications: fetch, delegate, nothing more."""

from celery import shared_task

from notifications import digests, services


@shared_task
def write_digests() -> None:
    """Write the daily and weekly summaries that are due and not written yet."""
    digests.write_digests()


@shared_task
def forget_old() -> None:
    """Delete the notifications that were kept long enough."""
    services.forget_old()
