"""Celery's side of the outbox: fetch, delegate, nothing more."""

from celery import shared_task

from outbox import services


@shared_task
def deliver_event(event_id: int) -> None:
    services.deliver(event_id)


@shared_task
def send_mail(mail_id: int) -> None:
    services.send(mail_id)


@shared_task
def sweep() -> None:
    """Deliver what a stopped broker or a killed worker left behind."""
    services.deliver_pending()


@shared_task
def forget_old() -> None:
    """Empty old mails and delete old work: what they held has served."""
    services.forget_old()
