"""Who sees which consultation and which opinion. See docs/decisions/0005-avis.md."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Organisation, User
from communities.models import TeamMember
from workflow.decision_states import DecisionState
from workflow.opinion_states import AWAITED, ConsultationState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

ARS_KINDS = (Organisation.Kind.ARS, Organisation.Kind.ARS_BRANCH)
# What the office in charge chose to communicate, once the synthesis has left.
COMMUNICATED = Q(
    communicable=True,
    validated_at__isnull=False,
    consultation__case__synthesis__transmitted_at__isnull=False,
)


def writes_the_case(user: User, case: str) -> Exists:
    """Whether the person writes the case with its team; `case` is the path to it."""
    return Exists(
        TeamMember.objects.filter(
            community=OuterRef(f"{case}__community"),
            user=user,
            role__in=(TeamMember.Role.OWNER, TeamMember.Role.EDITOR),
        )
    )


class ConsultationQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "ConsultationQuerySet":
        """What a person sees in the role they act in: their body's own requests; all of a
        case's for the office in charge, for the one that wrote the synthesis and for the agencies
        on whose desk it is.

        The team sees none: it learns of the opinions communicated to it, and of nothing else.
        """
        acting = user.acting if isinstance(user, User) else None
        if acting is None or not isinstance(user, User):
            return self.none()
        found = self.filter(case__desks__organisation=acting.organisation_id)
        if acting.department_id:
            found = found.filter(case__department_codes__contains=[acting.department_id])
        body = acting.organisation_id
        if acting.organisation.kind not in ARS_KINDS:
            found = found.filter(
                Q(body=body) | Q(case__office=body) | Q(case__synthesis__office=body)
            )
        return found.filter(~writes_the_case(user, "case"))

    def live(self) -> "ConsultationQuerySet":
        return self.exclude(state=ConsultationState.REVOKED)

    def awaited(self) -> "ConsultationQuerySet":
        """Those the circuit still waits for."""
        return self.filter(state__in=AWAITED)


class OpinionQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "OpinionQuerySet":
        """The opinions a person may read in the role they act in.

        - The members of a body: all their body wrote, drafts included.
        - The office in charge, and the one that wrote the synthesis: what was validated.
        - The agencies on whose desk the case is: the same, once the synthesis has left.
        - The other bodies consulted: what was made communicable, once the synthesis has left
          and their own opinion is given.
        - The team: what was made communicable, once the synthesis has left.

        Whoever writes the case with its team reads, in any role, what the team may.
        """
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            return self.filter(COMMUNICATED, consultation__case__community__team_members__user=user)
        acting = user.acting
        body = acting.organisation_id
        found = self.filter(consultation__case__desks__organisation=body)
        if acting.department_id:
            found = found.filter(
                consultation__case__department_codes__contains=[acting.department_id]
            )
        given = Q(validated_at__isnull=False)
        gave_its_own = Exists(
            self.model._default_manager.filter(
                given,
                consultation__case=OuterRef("consultation__case"),
                consultation__body=body,
            )
        )
        mine = Q(consultation__body=body) | given & (
            Q(consultation__case__office=body) | Q(consultation__case__synthesis__office=body)
        )
        if acting.organisation.kind in ARS_KINDS:
            mine |= given & Q(consultation__case__synthesis__transmitted_at__isnull=False)
        writes = writes_the_case(user, "consultation__case")
        return found.filter((mine & ~Q(writes)) | (COMMUNICATED & (Q(gave_its_own) | Q(writes))))

    def current(self) -> "OpinionQuerySet":
        """Without those another opinion of the same body has replaced."""
        return self.filter(is_current=True)

    def counted(self) -> "OpinionQuerySet":
        """Given in time, and standing."""
        return self.current().filter(validated_at__isnull=False, is_late=False)


class SynthesisQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "SynthesisQuerySet":
        """For the office that writes it, and for the agencies once it has left; for no one else."""
        acting = user.acting if isinstance(user, User) else None
        if acting is None or not isinstance(user, User):
            return self.none()
        found = self.filter(case__desks__organisation=acting.organisation_id)
        if acting.department_id:
            found = found.filter(case__department_codes__contains=[acting.department_id])
        allowed = Q(office=acting.organisation_id)
        if acting.organisation.kind in ARS_KINDS:
            allowed |= Q(transmitted_at__isnull=False)
        return found.filter(allowed, ~writes_the_case(user, "case"))


class DecisionQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "DecisionQuerySet":
        """The decisions a person may read in the role they act in.

        Until it is taken, a decision is for the office in charge and for the bodies that decide.
        Once taken, for whoever sees the case. Whoever writes the case with its team reads, in
        any role, what the team may.
        """
        if not isinstance(user, User):
            return self.none()
        taken = Q(taken_at__isnull=False)
        if user.acting is None:
            return self.filter(taken, case__community__team_members__user=user)
        body = user.acting.organisation_id
        found = self.filter(case__desks__organisation=body)
        if user.acting.department_id:
            found = found.filter(case__department_codes__contains=[user.acting.department_id])
        parties: Any = self.model._meta.get_field("parties").related_model
        decides = Exists(
            parties._default_manager.filter(decision=OuterRef("pk"), organisation=body)
        )
        preparing = (Q(case__office=body) | Q(decides)) & ~Q(writes_the_case(user, "case"))
        return found.filter(taken | preparing)

    def existing(self) -> "DecisionQuerySet":
        """Those taken, withdrawn ones included."""
        return self.filter(taken_at__isnull=False)

    def standing(self) -> "DecisionQuerySet":
        """Taken, and not withdrawn."""
        return self.filter(state=DecisionState.TAKEN)
