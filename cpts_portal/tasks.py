"""Chores of the shell itself, which no room owns."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that have ended: Django leaves them in the database for ever."""
    call_command("clearsessions")
