"""The outbox as the administrator watches it: what waits, and why. Nothing is changed here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from outbox.models import Mail, OutboxEvent


class ReadOnlyAdmin(admin.ModelAdmin):
    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("handler", "created_at", "done_at", "attempts", "available_at", "last_error")
    list_filter = (("done_at", admin.EmptyFieldListFilter), "handler")
    search_fields = ("deduplication_key",)
    fields = (
        "handler",
        "deduplication_key",
        "payload",
        "created_at",
        "available_at",
        "done_at",
        "attempts",
        "last_error",
    )


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Without the text: a mail holds links that open an account or a team."""

    list_display = (
        "recipient",
        "subject",
        "created_at",
        "sent_at",
        "attempts",
        "available_at",
        "last_error",
    )
    list_filter = (("sent_at", admin.EmptyFieldListFilter),)
    search_fields = ("recipient", "subject")
    fields = (
        "recipient",
        "subject",
        "created_at",
        "available_at",
        "sent_at",
        "attempts",
        "last_error",
    )
