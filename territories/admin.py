"""Loading newer reference data from the administration site, and its history."""

import hashlib
import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from territories import loading, reference
from territories.comparison import LABELS, Comparison, compare
from territories.forms import ReferenceFileForm
from territories.models import Vintage
from territories.reference import ReferenceDataError, Source
from territories.succession import ChangeKind

# Where an archive waits between its check and its confirmation, under the name of its digest.
WAITING = "territories/waiting"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PAGE_SIZE = 50
_EXAMPLES = 10
_CASES = "dossiers"


@admin.register(Vintage)
class VintageAdmin(admin.ModelAdmin):
    list_display = ("cog", "legal_population", "source", "loaded_at", "is_current")
    fields = ("cog", "legal_population", "source", "digest", "loaded_at", "is_current")
    readonly_fields = ("cog", "legal_population")
    ordering = ("-loaded_at",)

    # Years as text: the site writes numbers with a space between thousands.
    @admin.display(description="COG", ordering="cog_year")
    def cog(self, vintage: Vintage) -> str:
        return str(vintage.cog_year)

    @admin.display(description="population légale", ordering="population_year")
    def legal_population(self, vintage: Vintage) -> str:
        return str(vintage.population_year)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - as Django calls it
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - as Django calls it
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - as Django calls it
        return False

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "charger/",
                self.admin_site.admin_view(self.upload),
                name="territories_vintage_upload",
            ),
            path(
                "charger/confirmer/",
                self.admin_site.admin_view(self.confirm),
                name="territories_vintage_confirm",
            ),
            path(
                "charger/renoncer/",
                self.admin_site.admin_view(self.renounce),
                name="territories_vintage_renounce",
            ),
            path(
                "charger/<str:digest>/",
                self.admin_site.admin_view(self.preview),
                name="territories_vintage_preview",
            ),
            path(
                "charger/<str:digest>/<str:listed>/",
                self.admin_site.admin_view(self.listing),
                name="territories_vintage_listing",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_load": _may_load(request), "title": "Données de référence chargées"}
        return super().changelist_view(request, (extra_context or {}) | context)

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Take an archive, check it, and show what loading it would change."""
        _check_may_load(request)
        sent = request.method == "POST"
        form = ReferenceFileForm(request.POST, request.FILES) if sent else ReferenceFileForm()
        current = loading.current_vintage()
        if form.is_valid() and form.data_read is not None:
            if current is not None and form.data_read.digest == current.digest:
                messages.info(request, f"Ces fichiers sont déjà en vigueur : {current}.")
                return redirect(_changelist())
            digest = _keep(form.cleaned_data["archive"])
            return redirect("admin:territories_vintage_preview", digest)
        return self._page(
            request,
            "upload.html",
            "Charger des données plus récentes",
            form=form,
            current=current,
        )

    def preview(self, request: HttpRequest, digest: str) -> HttpResponse:
        """What loading the archive that waits would change, and for whom."""
        _check_may_load(request)
        comparison = _comparison(digest)
        if comparison is None:
            return self._gone(request)
        return self._page(
            request,
            "preview.html",
            "Confirmer le chargement",
            comparison=comparison,
            digest=digest,
            concerned=[one for one in comparison.consequences if one.changes or one.changes_class][
                :_EXAMPLES
            ],
        )

    def listing(self, request: HttpRequest, digest: str, listed: str) -> HttpResponse:
        """One of the lists of the preview, whole, fifty lines a page."""
        _check_may_load(request)
        if listed != _CASES and listed not in {kind.value for kind in ChangeKind}:
            raise Http404(listed)
        comparison = _comparison(digest)
        if comparison is None:
            return self._gone(request)
        rows: list[Any]
        if listed == _CASES:
            rows = sorted(
                comparison.consequences,
                key=lambda one: (not one.changes_class, not one.changes, one.title, one.case_id),
            )
            title = "Dossiers dont les communes ou la population changent"
        else:
            rows = comparison.changes.of(ChangeKind(listed))
            title = LABELS[ChangeKind(listed)]
        page = Paginator(rows, _PAGE_SIZE).get_page(request.GET.get("page"))
        return self._page(
            request,
            "listing.html",
            title,
            comparison=comparison,
            digest=digest,
            page=page,
            cases=page.object_list if listed == _CASES else [],
            sentences=[]
            if listed == _CASES
            else [comparison.sentence(change) for change in page.object_list],
        )

    def renounce(self, request: HttpRequest) -> HttpResponse:
        """Forget the archive that waits: nothing of it is left."""
        _check_may_load(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        _forget_waiting()
        messages.info(request, "Rien n’a été chargé, et l’archive est effacée.")
        return redirect(_changelist())

    def _gone(self, request: HttpRequest) -> HttpResponse:
        messages.error(
            request,
            "L’archive vérifiée n’est plus là : rien n’a été chargé. Choisissez-la à nouveau.",
        )
        return redirect("admin:territories_vintage_upload")

    def confirm(self, request: HttpRequest) -> HttpResponse:
        """Load the archive that was shown, or say why it cannot be."""
        _check_may_load(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        content = _kept(request.POST.get("digest", ""))
        if content is None:
            return self._gone(request)
        try:
            outcome = loading.load(Source(content))
        except (ReferenceDataError, loading.LoadInProgressError) as error:
            messages.error(request, f"Rien n’a été chargé. {error}")
            return redirect("admin:territories_vintage_upload")
        _forget_waiting()
        if outcome.changed:
            self.log_addition(request, outcome.vintage, "Chargé depuis l’administration.")
        messages.success(request, f"En vigueur : {outcome.vintage}.")
        return redirect(_changelist())

    def _page(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"admin/territories/vintage/{template}",
            self.admin_site.each_context(request) | {"title": title, "opts": self.opts, **context},
        )


def _comparison(digest: str) -> Comparison | None:
    """The archive that waits under that digest beside the data in force; None when it is gone."""
    content = _kept(digest)
    return None if content is None else compare(reference.read(Source(content)))


def _may_load(request: HttpRequest) -> bool:
    return request.user.has_perm("territories.add_vintage")


def _check_may_load(request: HttpRequest) -> None:
    if not _may_load(request):
        raise PermissionDenied


def _changelist() -> str:
    return reverse("admin:territories_vintage_changelist")


def _keep(archive: UploadedFile) -> str:
    """Store a checked archive until it is confirmed; return the digest that names it."""
    _forget_waiting()
    archive.seek(0)
    content = archive.read()
    digest = hashlib.sha256(content).hexdigest()
    default_storage.save(f"{WAITING}/{digest}", ContentFile(content))
    return digest


def _kept(digest: str) -> ContentFile | None:
    """The archive of that digest; None when it is gone or is not what was checked."""
    name = f"{WAITING}/{digest}"
    if not _DIGEST.fullmatch(digest) or not default_storage.exists(name):
        return None
    with default_storage.open(name) as opened:
        content = opened.read()
    return ContentFile(content) if hashlib.sha256(content).hexdigest() == digest else None


def _forget_waiting() -> None:
    """Delete archives that were checked and not confirmed."""
    if default_storage.exists(WAITING):
        for name in default_storage.listdir(WAITING)[1]:
            default_storage.delete(f"{WAITING}/{name}")
