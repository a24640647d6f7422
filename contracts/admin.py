"""The national administrator's tables of rates: prepared as drafts, published, compared."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from contracts.funding import ratebook
from contracts.funding.fields import AmountField
from contracts.models import RateLine, RateTable, SocialSecurityCeiling
from contracts.models.rates import mission_choices


@admin.register(SocialSecurityCeiling)
class CeilingAdmin(admin.ModelAdmin):
    list_display = ("civil_year", "amount", "source")

    # A year as text: the site writes numbers with a space between thousands.
    @admin.display(description="année", ordering="year")
    def civil_year(self, ceiling: SocialSecurityCeiling) -> str:
        return str(ceiling.year)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # What was checked against a year was checked against this figure.
        return () if obj is None else ("year", "amount")


class RateLineForm(forms.ModelForm):
    """A line of a draft; a comma is understood in amounts."""

    mission = forms.ChoiceField(label="mission", choices=mission_choices, required=False)
    fixed_share = AmountField(label="part fixe (€ par an)", required=False)
    variable_share = AmountField(label="part variable (€ par an)", required=False)
    crisis_share = AmountField(label="part de crise (€ par an)", required=False)

    class Meta:
        model = RateLine
        fields = (
            "size_class",
            "mission",
            "fixed_share",
            "variable_share",
            "crisis_share",
            "source",
            "is_confirmed",
        )


class RateLineInline(admin.TabularInline):
    model = RateLine
    form = RateLineForm
    extra = 0

    def _is_draft(self, table: RateTable | None) -> bool:
        return table is None or table.is_draft

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_delete_permission(request, obj)


@admin.register(RateTable)
class RateTableAdmin(admin.ModelAdmin):
    list_display = ("label", "number", "kind", "valid_from", "valid_until", "status", "unsure")
    list_filter = ("status", "kind")
    fields = ("kind", "label", "source", "valid_from", "valid_until")
    inlines = (RateLineInline,)
    ordering = ("-valid_from", "-version")
    change_form_template = "admin/contracts/ratetable/change_form.html"
    change_list_template = "admin/contracts/ratetable/change_list.html"

    # A number as text: the site writes numbers with a space between thousands.
    @admin.display(description="version", ordering="version")
    def number(self, table: RateTable) -> str:
        return str(table.version)

    @admin.display(description="tarifs à confirmer")
    def unsure(self, table: RateTable) -> int:
        return table.unsure  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> Any:
        return ratebook.with_unsure(super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - as Django calls it
        # A table begins as a copy of another.
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and obj.is_draft and super().has_delete_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/copier/", wrap(self.copy), name="contracts_ratetable_copy"),
            path("<int:pk>/publier/", wrap(self.publish), name="contracts_ratetable_publish"),
            path(
                "<int:pk>/comparer/<int:other>/",
                wrap(self.compare),
                name="contracts_ratetable_compare",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Tables de tarifs", "holes": ratebook.holes()}
        return super().changelist_view(request, (extra_context or {}) | context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        others = RateTable.objects.exclude(pk=object_id) if object_id.isdecimal() else []
        context = {"others": others, "may_prepare": _may_prepare(request)}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def copy(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A draft with the lines of this table."""
        _check(request)
        table = get_object_or_404(RateTable, pk=pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        draft = ratebook.prepare_version(table, by=request.user)  # type: ignore[arg-type]
        self.log_addition(request, draft, f"Copiée de {table}.")
        messages.success(
            request,
            f"La version {draft.version} est en préparation : corrigez ses dates, sa source et ses "
            "tarifs, enregistrez, puis publiez-la.",
        )
        return redirect("admin:contracts_ratetable_change", draft.pk)

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What publishing would do, then publish."""
        _check(request)
        table = get_object_or_404(RateTable, pk=pk)
        if request.method == "POST":
            try:
                ratebook.publish(table)
            except ratebook.RatesRefusedError as refused:
                for sentence in refused.sentences:
                    messages.error(request, sentence)
            else:
                self.log_change(request, table, "Publiée.")
                messages.success(request, f"Publiée : {table}.")
                return redirect("admin:contracts_ratetable_changelist")
            return redirect("admin:contracts_ratetable_change", table.pk)
        context = {
            "missing": ratebook.missing_before_publishing(table),
            "consequences": ratebook.consequences(table),
            "differences": ratebook.compare(table.copied_from, table) if table.copied_from else [],
        }
        return self._page(request, "publish.html", "Publier la table", table, **context)

    def compare(self, request: HttpRequest, pk: int, other: int) -> HttpResponse:
        """What changes from `other` to this table."""
        table = get_object_or_404(RateTable, pk=pk)
        if not self.has_view_permission(request, table):
            raise Http404
        before = get_object_or_404(RateTable, pk=other)
        context = {"before": before, "differences": ratebook.compare(before, table)}
        return self._page(request, "compare.html", "Comparer deux tables", table, **context)

    def _page(
        self, request: HttpRequest, template: str, title: str, table: RateTable, **context: Any
    ) -> TemplateResponse:
        site = self.admin_site.each_context(request)
        return TemplateResponse(
            request,
            f"admin/contracts/ratetable/{template}",
            site | {"title": title, "opts": self.opts, "table": table, **context},
        )


def _may_prepare(request: HttpRequest) -> bool:
    return request.user.has_perm("contracts.change_ratetable")


def _check(request: HttpRequest) -> None:
    if not _may_prepare(request):
        raise PermissionDenied
