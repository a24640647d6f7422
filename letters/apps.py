from django.apps import AppConfig


class LettersConfig(AppConfig):
    name = "letters"
    verbose_name = "Lettres d’intention"

    def ready(self) -> None:
        from letters import labels, services  # noqa: PLC0415
        from letters.models import LetterOfIntent  # noqa: PLC0415
        from letters.writing import WRITTEN  # noqa: PLC0415
        from workflow.coverage import Status, declare_coverage  # noqa: PLC0415
        from workflow.kinds import CaseKind, declare_kind  # noqa: PLC0415
        from writing import completing  # noqa: PLC0415
        from writing.declaring import declare_written  # noqa: PLC0415

        declare_written(WRITTEN)
        # They register what goes with a decision, and the table of the docs.
        from letters import deciding, permissions  # noqa: F401, PLC0415

        declare_coverage(services.KIND, filed=Status.FILED, decided=Status.ACCEPTED)

        declare_kind(
            CaseKind(
                kind=services.KIND,
                model=LetterOfIntent,
                label="Lettre d’intention",
                short="la lettre",
                page="letters:detail",
                tab="La lettre",
                document=WRITTEN.document,
                state_label=labels.state_label,
                transition_label=labels.transition_label,
                transition_audience=labels.transition_audience,
                comment_audience=labels.comment_audience,
                referent=lambda letter: letter.signatory_name,
                targets=completing.targets,
                target_url=completing.target_url,
            )
        )
