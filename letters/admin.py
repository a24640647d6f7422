"""Letters as the administrator sees them: to look at, never to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from letters.models import LetterOfIntent
from workflow.models import CaseDesk, CaseDocument, TransitionLog


class ReadOnly:
    """Nothing is added, changed or removed behind the workflow's back."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


class DeskInline(ReadOnly, admin.TabularInline):
    model = CaseDesk
    fk_name = "case"
    fields = ["organisation", "kind", "since"]
    extra = 0


class LogInline(ReadOnly, admin.TabularInline):
    model = TransitionLog
    fk_name = "case"
    # Comments are for the office or the team: an administrator reads that something happened.
    fields = ["at", "transition", "from_state", "to_state", "actor", "body", "version"]
    extra = 0


class DocumentInline(ReadOnly, admin.TabularInline):
    model = CaseDocument
    fk_name = "case"
    fields = ["kind", "document"]
    extra = 0


@admin.register(LetterOfIntent)
class LetterOfIntentAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "title",
        "reference",
        "state",
        "region",
        "office",
        "population",
        "size_class",
        "deposited_at",
    ]
    list_filter = ["state", "size_class", "region"]
    list_select_related = ["region", "office"]
    list_per_page = 50
    search_fields = ["title", "reference"]
    ordering = ["-created_at"]
    show_full_result_count = False
    fields = [
        "public_id",
        "title",
        "reference",
        "state",
        "region",
        "procedure_key",
        "procedure_version",
        "office",
        "department_codes",
        "commune_count",
        "population",
        "size_class",
        "version",
        "created_by",
        "created_at",
        "deposited_at",
        "signatory_name",
        "signed_at_place",
        "posted_on",
    ]
    # Answers and attachments are the team's and the office's business.
    inlines = [DeskInline, LogInline, DocumentInline]
