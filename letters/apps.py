from django.apps import AppConfig


class LettersConfig(AppConfig):
    name = "letters"
    verbose_name = "Lettres d’intention"

    def ready(self) -> None:
        from letters import labels, services
        from letters.models import LetterOfIntent
        from letters.writing import WRITTEN
        from workflow.coverage import Status, declare_coverage
        from workflow.kinds import CaseKind, declare_kind
        from writing import completing
        from writing.declaring import declare_written

        declare_written(WRITTEN)
        # They register what goes with a decision, and the table of the docs.
        from letters import deciding, permissions

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
