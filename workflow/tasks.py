"""Celery's side of filed cases: fetch, delegate, nothing more."""

from celery import shared_task

from workflow import complement_reminders, tacit
from workflow.clock_alerts import publish_due_alerts
from workflow.consultations import close_the_silent, send_reminders
from workflow.projections import settle_lapsed_suspensions


@shared_task
def clock_alerts() -> None:
    settle_lapsed_suspensions()
    publish_due_alerts()


@shared_task
def accept_by_silence() -> None:
    """Record the acceptances that silence has brought about."""
    tacit.accept_the_overdue()


@shared_task
def follow_complements() -> None:
    """Remind teams of what they are asked, and tell offices what did not come."""
    complement_reminders.follow_requests()


@shared_task
def follow_consultations() -> None:
    """Note who has fallen silent, then remind those whose deadline comes near or has passed."""
    close_the_silent()
    send_reminders()
