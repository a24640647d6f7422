"""Everything that is filed is a `Case` that moves through a workflow.

`Case` is a concrete parent: a letter of intent, a health project, a contract are its
children. There is one inbox, one search, one log, one document store for all of them.
"""

from workflow.models.cases import (
    Answer,
    Case,
    CaseAttachment,
    CaseDesk,
    CaseDocument,
    CaseQuerySet,
    ReferenceCounter,
    Snapshot,
    TransitionLog,
)
from workflow.models.clock import ClockEvent
from workflow.models.complements import (
    BufferedFile,
    CompletionItem,
    CompletionLog,
    CompletionRequest,
)
from workflow.models.decisions import Approval, Decision, DecisionParty, SignatureDelegation
from workflow.models.desks import (
    CaseLabel,
    FollowedCase,
    InboxLine,
    InboxTab,
    OfficeLabel,
    PrivateNote,
    SavedView,
    SearchDocument,
)
from workflow.models.followups import Grant, InformationMeeting, MeetingGuest, Reserve
from workflow.models.messages import (
    Message,
    MessageDraft,
    MessageFile,
    MessageRead,
    MessageTemplate,
)
from workflow.models.opinions import (
    ConflictDeclaration,
    Consultation,
    ConsultationLog,
    ConsultationNotice,
    Mandate,
    Opinion,
    Synthesis,
)
from workflow.models.territory_claims import (
    Arbitration,
    CoverageRevision,
    TerritoryClaim,
    TerritoryPeriod,
)
from workflow.models.years import YearEffect

__all__ = [
    "Answer",
    "Approval",
    "Arbitration",
    "BufferedFile",
    "Case",
    "CaseAttachment",
    "CaseDesk",
    "CaseDocument",
    "CaseLabel",
    "CaseQuerySet",
    "ClockEvent",
    "CompletionItem",
    "CompletionLog",
    "CompletionRequest",
    "ConflictDeclaration",
    "Consultation",
    "ConsultationLog",
    "ConsultationNotice",
    "CoverageRevision",
    "Decision",
    "DecisionParty",
    "FollowedCase",
    "Grant",
    "InboxLine",
    "InboxTab",
    "InformationMeeting",
    "Mandate",
    "MeetingGuest",
    "Message",
    "MessageDraft",
    "MessageFile",
    "MessageRead",
    "MessageTemplate",
    "OfficeLabel",
    "Opinion",
    "PrivateNote",
    "ReferenceCounter",
    "Reserve",
    "SavedView",
    "SearchDocument",
    "SignatureDelegation",
    "Snapshot",
    "Synthesis",
    "TerritoryClaim",
    "TerritoryPeriod",
    "TransitionLog",
    "YearEffect",
]
