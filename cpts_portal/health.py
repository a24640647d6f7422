"""Two addresses for machines: is the portal alive, and is it ready to serve?"""

import logging
from collections.abc import Callable
from uuid import uuid4

from celery import current_app
from django.contrib.auth.decorators import login_not_required
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)

BROKER_TIMEOUT_SECONDS = 2


@require_safe
@never_cache
@login_not_required
@transaction.non_atomic_requests
def healthz(_request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. Touches neither database nor broker."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
@transaction.non_atomic_requests
def readyz(_request: HttpRequest) -> JsonResponse:
    """Ready: every part answers, one line per part; 503 when one does not.

    The reason is in the log only: anybody may ask.
    """
    parts = {name: _try(name, check) for name, check in CHECKS.items()}
    return JsonResponse(
        {name: "ok" if works else "ko" for name, works in parts.items()},
        status=200 if all(parts.values()) else 503,
        json_dumps_params={"indent": 1},
    )


def _try(name: str, check: Callable[[], bool]) -> bool:
    try:
        works = check()
    except Exception:  # whatever it is, the part does not answer
        logger.exception("Not ready: %s", name)
        return False
    if not works:
        logger.error("Not ready: %s", name)
    return works


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def nothing_left_to_migrate() -> bool:
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


def broker_answers() -> bool:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)
        return broker.connected


def storage_keeps_a_file() -> bool:
    content = uuid4().hex.encode()
    name = default_storage.save(f"readyz/{uuid4().hex}", ContentFile(content))
    try:
        with default_storage.open(name) as file:
            return file.read() == content
    finally:
        default_storage.delete(name)


CHECKS: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "migrations": nothing_left_to_migrate,
    "broker": broker_answers,
    "storage": storage_keeps_a_file,
}
