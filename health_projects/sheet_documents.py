"""An action sheet on paper, alone or in the project."""

from django.conf import settings

from documents.rendering import render_pdf
from health_projects.models import HealthProject
from health_projects.sheet_showing import show
from health_projects.sheets import Data


def sheet_pdf(project: HealthProject, data: Data) -> bytes:
    """One sheet as a PDF, marked as a draft until the project is deposited."""
    return render_pdf(
        "pdf/action_sheet.html",
        {
            "sheet": show(data),
            "community": project.community.name,
            "running": " · ".join(
                part for part in (project.reference, project.community.name) if part
            ),
            "author": settings.PORTAL_NAME,
        },
        title=f"Fiche action {data['number']} – {data['label']}",
        draft=not project.is_deposited,
    )
