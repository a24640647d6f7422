"""Celery's side of questionnaires: fetch, delegate, nothing more."""

from celery import shared_task

from mobilisation import forgetting, services


@shared_task
def follow_questionnaires() -> None:
    """Close the questionnaires whose last day has passed."""
    services.close_due()


@shared_task
def forget_answers() -> None:
    """Delete the answers and the lists that have served."""
    forgetting.forget_due()
    forgetting.give_up_imports()
