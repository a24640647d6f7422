"""Celery's side of documents: a worker process is made ready to render before its first task."""

from typing import Any

from celery.signals import worker_process_init

from documents.rendering import warm_up


@worker_process_init.connect
def prepare_worker(**_signal: Any) -> None:
    warm_up()
