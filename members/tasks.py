"""Celery's side of members: fetch, delegate, nothing more."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from members.models import MemberImport

IMPORTS_KEPT = timedelta(days=15)


@shared_task
def forget_imports() -> None:
    """Give up the imports that nobody confirmed: they hold people's data."""
    MemberImport.objects.filter(
        closed_at__isnull=True, created_at__lt=timezone.now() - IMPORTS_KEPT
    ).update(closed_at=timezone.now(), rows=[])
