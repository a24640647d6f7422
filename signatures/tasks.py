"""Celery's side of signatures: fetch, delegate, nothing more."""

from celery import shared_task

from signatures import campaigns, reminders


@shared_task
def follow_campaigns() -> None:
    """Close the campaigns whose last day has passed, and remind who has not answered."""
    campaigns.close_due()
    reminders.send_reminders()
