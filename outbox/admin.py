"""The outbox as the administrator watches it: what waits, and why. Nothing is changed here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from outbox.models import Mail, OutboxEvent
from outbox.services import try_again


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
        "started_at",
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
        "refused_at",
        "bounced_at",
        "failure",
        "attempts",
        "available_at",
        "last_error",
    )
    list_filter = tuple(
        (name, admin.EmptyFieldListFilter) for name in ("sent_at", "refused_at", "bounced_at")
    )
    search_fields = ("recipient", "subject")
    fields = (
        "recipient",
        "subject",
        "created_at",
        "available_at",
        "sent_at",
        "refused_at",
        "bounced_at",
        "failure",
        "attempts",
        "last_error",
    )
    actions = ("send_again",)

    @admin.action(description="Remettre en file les courriels refusés", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Mail]) -> None:
        count = try_again(queryset)
        several = "s" if count > 1 else ""
        self.message_user(
            request,
            f"{count} courriel{several} remis en file. Ceux qui ne sont pas refusés, ou dont le "
            "texte a été effacé depuis, ne changent pas.",
        )
