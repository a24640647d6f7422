"""A version is frozen, its members sign it, and that very version is deposited."""

from typing import TYPE_CHECKING, Final

from health_projects.content import project_content
from signatures.models import Campaign
from workflow.models import Case, Snapshot
from workflow.services import digest_of
from writing.content import Missing, WrittenContent, missing_before_deposit, read_content

if TYPE_CHECKING:
    from health_projects.models import HealthProject

# Of the document the members read and sign.
SIGNED_DOCUMENT: Final = "health_project"


def frozen_version(project: "HealthProject") -> Snapshot | None:
    """The last frozen version of a project, its content read when it is asked for; None before
    the first one."""
    if not project.version:
        return None
    found = Snapshot.objects.filter(case_id=project.pk, version=project.version)
    return found.defer("content").first()


def is_unchanged(
    project: "HealthProject", frozen: Snapshot, held: WrittenContent | None = None
) -> bool:
    """Whether the project still says, word for word, what was frozen.

    `held`: what it holds, when it was read already.
    """
    return digest_of(project_content(project, held=held)) == frozen.sha256


def campaign_of(frozen: Snapshot) -> Campaign | None:
    """The last campaign that was opened on a version."""
    opened = Campaign.objects.filter(snapshot=frozen, opened_at__isnull=False)
    opened = opened.exclude(state=Campaign.State.CANCELLED)
    return opened.select_related("community", "document__document").order_by("-opened_at").first()


def missing_to_freeze(project: "HealthProject") -> list[Missing]:
    """What keeps a version from being frozen: what the form lacks, or that nothing has changed."""
    held = read_content(project)
    found = missing_before_deposit(held)
    frozen = frozen_version(project)
    if found or frozen is None or not is_unchanged(project, frozen, held):
        return found
    return [
        Missing(
            f"Rien n’a changé depuis la version {frozen.version}, déjà figée : c’est elle que les "
            "membres signent."
        )
    ]


def missing_to_sign(project: "HealthProject") -> list[Missing]:
    """What its signatures lack before a project is deposited."""
    return [Missing(one) for one in signature_problems(project)]


def earlier_cases(case: Case) -> list[int]:
    """What an amendment changes, then what that one changed: signatures given there are kept."""
    from health_projects.models import HealthProject  # noqa: PLC0415 - the model reads this

    amends = HealthProject.objects.values_list("amends_id", flat=True)
    found: list[int] = []
    before = amends.get(pk=case.pk)
    while before is not None:
        found.append(before)
        before = amends.get(pk=before)
    return found


def signature_problems(project: "HealthProject") -> list[str]:
    """What its signatures lack before a project is deposited, as sentences.

    The law counts no quorum: a campaign that is closed is enough, the register says who signed.
    """
    frozen = frozen_version(project)
    return problems_of(frozen, is_unchanged=frozen is not None and is_unchanged(project, frozen))


def problems_of(frozen: Snapshot | None, *, is_unchanged: bool) -> list[str]:
    """The same for the last frozen version, told whether the project still says it."""
    if frozen is None:
        return [
            (
                "Aucune version n’est figée : figez le projet, puis faites signer cette version "
                "par les membres."
            )
        ]
    if not is_unchanged:
        return [
            (
                f"Le projet a changé depuis la version {frozen.version}, figée pour être signée : "
                "figez-en une nouvelle. Les signatures que ces changements ne touchent pas sont "
                "gardées."
            )
        ]
    campaign = campaign_of(frozen)
    if campaign is None:
        return [
            (
                f"La version {frozen.version} n’a pas encore été proposée à la signature : ouvrez "
                "une campagne depuis la page « Signatures »."
            )
        ]
    if campaign.state != Campaign.State.CLOSED:
        return [
            (
                "La campagne de signatures est encore ouverte : attendez sa fin "
                f"({campaign.closes_on:%d/%m/%Y}), ou closez-la quand chacun a répondu."
            )
        ]
    if not campaign.signatures.exists() and not campaign.invitations.filter(state="kept").exists():
        return [
            (
                f"Personne n’a signé la version {frozen.version} : relancez une campagne avant de "
                "déposer."
            )
        ]
    return []
