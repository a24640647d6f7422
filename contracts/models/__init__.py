"""Contracts: their drafts, what they say, their rates, schedules and payments."""

from contracts.models.amendments import NationalAmendment, NationalAmendmentItem
from contracts.models.contracts import (
    Contract,
    ContractMission,
    ContractVersion,
    MissionResult,
    RecognisedCrisis,
    Schedule,
    ScheduleLine,
)
from contracts.models.dialogues import (
    DialogueLine,
    DialogueLog,
    DialogueMark,
    DialogueProof,
    LineReview,
    Spending,
    YearlyDialogue,
)
from contracts.models.drafts import (
    Draft,
    DraftAgreement,
    DraftProposal,
    DraftRemark,
    DraftThread,
    DraftVersion,
)
from contracts.models.endings import (
    Observation,
    Renewal,
    RenewalAnswer,
    Reorganisation,
    ReorganisedCommunity,
    Termination,
    TerminationLetter,
)
from contracts.models.existing import ContractScan, ExistingImport, ExistingRow
from contracts.models.indemnities import Indemnity, SocialSecurityCeiling
from contracts.models.missions import MissionStep
from contracts.models.payments import (
    ContractDebt,
    ContractYear,
    Payment,
    PaymentImport,
    PaymentPart,
)
from contracts.models.rates import RateLine, RateTable
from contracts.models.rounds import (
    Party,
    RoundLog,
    RoundPaper,
    RoundSignature,
    RoundSigner,
    SigningRound,
)

__all__ = [
    "Contract",
    "ContractDebt",
    "ContractMission",
    "ContractScan",
    "ContractVersion",
    "ContractYear",
    "DialogueLine",
    "DialogueLog",
    "DialogueMark",
    "DialogueProof",
    "Draft",
    "DraftAgreement",
    "DraftProposal",
    "DraftRemark",
    "DraftThread",
    "DraftVersion",
    "ExistingImport",
    "ExistingRow",
    "Indemnity",
    "LineReview",
    "MissionResult",
    "MissionStep",
    "NationalAmendment",
    "NationalAmendmentItem",
    "Observation",
    "Party",
    "Payment",
    "PaymentImport",
    "PaymentPart",
    "RateLine",
    "RateTable",
    "RecognisedCrisis",
    "Renewal",
    "RenewalAnswer",
    "Reorganisation",
    "ReorganisedCommunity",
    "RoundLog",
    "RoundPaper",
    "RoundSignature",
    "RoundSigner",
    "Schedule",
    "ScheduleLine",
    "SigningRound",
    "SocialSecurityCeiling",
    "Spending",
    "Termination",
    "TerminationLetter",
    "YearlyDialogue",
]
