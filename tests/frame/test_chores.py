"""What the scheduler calls exists, and cleans what it must."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from cpts_portal.celery import app
from cpts_portal.tasks import clear_sessions


def test_every_scheduled_task_is_one_the_worker_knows() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} - set(
        app.tasks
    ) == set()


@pytest.mark.django_db
def test_sessions_that_have_ended_are_deleted() -> None:
    for key, days in [("ended", -1), ("open", 1)]:
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days)
        )
    clear_sessions()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
