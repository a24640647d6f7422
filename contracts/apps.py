from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = "Contrats"

    def ready(self) -> None:
        # Some say what goes with a transition or a signature, register handlers of the outbox, or
        # readers of documents.
        from communities.stages import declare_public_parts
        from contracts import labels
        from contracts.amendments import mails as amending_mails
        from contracts.amendments import national
        from contracts.amendments import signing as amendment_signing
        from contracts.dialogue import (
            agreeing,
            declaring,
            minutes,
            reviewing,
            telling,
        )
        from contracts.drafts import concluding, freezing, news
        from contracts.endings import mails as ending_mails
        from contracts.existing import applying
        from contracts.funding import crises, ratebook
        from contracts.missions import calendar
        from contracts.models import Contract
        from contracts.public.facts import public_contract
        from contracts.signing import evidence, providers
        from contracts.signing import telling as signing_mails
        from procedures.rates import read_published_with
        from workflow.coverage import Status, declare_coverage
        from workflow.kinds import CaseKind, declare_kind
        from workflow.models import Case

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
