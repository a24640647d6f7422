from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = "Contrats"

    def ready(self) -> None:
        # Some say what goes with a transition or a signature, register handlers of the outbox, or
        # readers of documents.
        from communities.stages import declare_public_parts  # noqa: PLC0415
        from contracts import (  # noqa: F401, PLC0415
            amending_mails,
            calendar,
            concluding,
            crises,
            draft_news,
            ending_mails,
            evidence,
            freezing,
            labels,
            minutes,
            national,
            providers,
            ratebook,
            telling,
        )
        from contracts.existing import applying  # noqa: F401, PLC0415 - it registers a handler
        from contracts.models import Contract  # noqa: PLC0415
        from contracts.public import public_contract  # noqa: PLC0415
        from procedures.rates import read_published_with  # noqa: PLC0415
        from workflow.kinds import CaseKind, declare_kind  # noqa: PLC0415
        from workflow.models import Case  # noqa: PLC0415

        declare_public_parts(public_contract)
        read_published_with(ratebook.published_rates)
        declare_kind(
            CaseKind(
                kind=Case.Kind.CONTRACT,
                model=Contract,
                label="Contrat",
                short="le contrat",
                page="contracts:money",
                tab="Le contrat",
                state_label=labels.state_label,
                transition_label=labels.transition_label,
                transition_audience=labels.transition_audience,
                comment_audience=labels.transition_audience,
            )
        )
