from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = "Contrats"

    def ready(self) -> None:
        # Some say what goes with a transition or a signature, register handlers of the outbox, or
        # readers of documents.
        from communities.stages import declare_public_parts  # noqa: PLC0415
        from contracts import labels  # noqa: PLC0415
        from contracts.amendments import mails as amending_mails  # noqa: F401, PLC0415
        from contracts.amendments import national  # noqa: F401, PLC0415
        from contracts.amendments import signing as amendment_signing  # noqa: F401, PLC0415
        from contracts.dialogue import (  # noqa: F401, PLC0415
            agreeing,
            declaring,
            minutes,
            reviewing,
            telling,
        )
        from contracts.drafts import concluding, freezing, news  # noqa: F401, PLC0415
        from contracts.endings import mails as ending_mails  # noqa: F401, PLC0415
        from contracts.existing import applying  # noqa: F401, PLC0415 - it registers a handler
        from contracts.funding import crises, ratebook  # noqa: F401, PLC0415
        from contracts.missions import calendar  # noqa: F401, PLC0415
        from contracts.models import Contract  # noqa: PLC0415
        from contracts.public.facts import public_contract  # noqa: PLC0415
        from contracts.signing import evidence, providers  # noqa: F401, PLC0415
        from contracts.signing import telling as signing_mails  # noqa: F401, PLC0415
        from procedures.rates import read_published_with  # noqa: PLC0415
        from workflow.coverage import Status, declare_coverage  # noqa: PLC0415
        from workflow.kinds import CaseKind, declare_kind  # noqa: PLC0415
        from workflow.models import Case  # noqa: PLC0415

        declare_public_parts(public_contract)
        read_published_with(ratebook.published_rates)
        # One that has ended leaves the CPTS recognised, where nothing else says how far it came.
        declare_coverage(
            Case.Kind.CONTRACT,
            filed=Status.PROJECT,
            decided=Status.PROJECT,
            contracted=Status.CONTRACT,
        )
        declare_kind(
            CaseKind(
                kind=Case.Kind.CONTRACT,
                model=Contract,
                label="Contrat",
                short="le contrat",
                page="contract-desk:contract",
                tab="Le contrat",
                state_label=labels.state_label,
                transition_label=labels.transition_label,
                transition_audience=labels.transition_audience,
                comment_audience=labels.transition_audience,
            )
        )
