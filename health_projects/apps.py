from typing import Any

from django.apps import AppConfig


class HealthProjectsConfig(AppConfig):
    name = "health_projects"
    verbose_name = "Projets de santé"

    def ready(self) -> None:
        from health_projects.models import HealthProject
        from health_projects.signing import SIGNED_DOCUMENT, earlier_cases
        from health_projects.writing import WRITTEN
        from writing.declaring import declare_written

        declare_written(WRITTEN)
        # They register what is a project's own for each act, after what every form does.
        from communities.legal import on_statutes, warn_before_change
        from communities.stages import declare_public_papers
        from health_projects import (
            changes,
            completing,
            costs,
            deciding,
            entity,
            labels,
            news,
            permissions,
            public,
            services,
            tasks,
            timeline,
            unmaking,
        )
        from signatures.signable import Signable, declare_signable
        from workflow.coverage import Status, declare_coverage
        from workflow.kinds import CaseKind, declare_kind
        from writing import completing as answers

        _declare_parts()
        warn_before_change(costs.entity_warning)
        on_statutes(entity.carry_statutes)
        declare_public_papers(public.public_papers)
        declare_coverage(services.KIND, filed=Status.FILED, decided=Status.PROJECT)
        declare_kind(
            CaseKind(
                kind=services.KIND,
                model=HealthProject,
                label="Projet de santé",
                short="le projet",
                page="projects:detail",
                tab="Le projet",
                document=WRITTEN.document,
                state_label=labels.state_label,
                transition_label=labels.transition_label,
                transition_audience=labels.transition_audience,
                comment_audience=labels.comment_audience,
                referent=lambda project: project.signatory_name,
                targets=answers.targets,
                target_url=answers.target_url,
            )
        )
        declare_signable(
            Signable(
                kind=services.KIND,
                short="le projet de santé",
                label="projet de santé",
                document_kind=SIGNED_DOCUMENT,
                is_closed=lambda case: case.is_deposited,
                changes=lambda before, after: changes.changes(before.content, after.content),
                earlier=earlier_cases,
            )
        )


def _declare_parts() -> None:
    """What is frozen and printed beside the form, in the order of the document."""
    from health_projects import coherence, entity, parts, people, sheets
    from health_projects.content import Part, declare_part
    from health_projects.documents import PrintedPart, declare_printed_part

    for key, content, show in (
        ("sheets", sheets.sheets_to_freeze, parts.printed_sheets),
        ("members", people.members_as_data, people.printed_members),
        ("entity", entity.entity_as_data, parts.printed_entity),
        ("coherence", coherence.coherence_as_data, parts.printed_coherence),
    ):
        missing = coherence.missing_coherence if key == "coherence" else _nothing
        declare_part(Part(key=key, content=content, missing=missing))
        template = f"pdf/parts/project_{key}.html"
        declare_printed_part(PrintedPart(key=key, template=template, show=show))


def _nothing(_project: object) -> list[Any]:
    return []
