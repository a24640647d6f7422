"""How far a piece of work of the outbox is, for the page of whoever waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from outbox.models import OutboxEvent
from outbox.services import MAX_ATTEMPTS


class Standing(StrEnum):
    """Where a piece of work stands until it is done."""

    QUEUED = "queued"
    RUNNING = "running"
    # It failed, and is tried again by itself.
    DELAYED = "delayed"
    # It failed as often as it may: a person has to look.
    STOPPED = "stopped"


@dataclass(frozen=True)
class Work:
    """A piece of work that is not done yet."""

    key: str
    standing: Standing
    # When it was asked for; of one that is running, when it began; delayed, when it begins again.
    at: datetime


def under_way(keys: Iterable[str]) -> list[Work]:
    """Among the works published as « handler:key », those that are not done: one query.

    A worker that was killed leaves a work begun: past the time a task may take, it is waiting.
    """
    now = timezone.now()
    longest = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT)
    left = OutboxEvent.objects.filter(deduplication_key__in=list(keys), done_at__isnull=True)
    return [_work(event, now, longest) for event in left]


def _work(event: OutboxEvent, now: datetime, longest: timedelta) -> Work:
    if event.started_at and now - event.started_at <= longest:
        return Work(event.deduplication_key, Standing.RUNNING, event.started_at)
    if event.attempts >= MAX_ATTEMPTS:
        return Work(event.deduplication_key, Standing.STOPPED, event.available_at)
    if event.attempts:
        return Work(event.deduplication_key, Standing.DELAYED, event.available_at)
    return Work(event.deduplication_key, Standing.QUEUED, event.created_at)
