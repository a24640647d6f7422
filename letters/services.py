"""Opening a letter of intent."""

from django.db import transaction

from accounts.models import User
from communities.models import Community
from communities.services import create_community
from letters.models import LetterOfIntent
from procedures import registry
from territories.models import Region
from workflow.models import (
    Answer,
    Case,
)

KIND = Case.Kind.LETTER_OF_INTENT


def create_letter(*, name: str, region: Region, user: User) -> LetterOfIntent:
    """Start a CPTS and its letter of intent, under the region's current procedure."""
    community = create_community(name=name, region=region, user=user)
    return open_letter(community, user=user)


@transaction.atomic
def open_letter(community: Community, *, user: User) -> LetterOfIntent:
    """Open the letter of a CPTS, with what the portal knows already written in it."""
    procedure = registry.for_region(community.region_id)
    letter = LetterOfIntent.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
    )
    known = {
        "title": community.name,
        "contact_name": user.get_full_name(),
        "contact_profession": user.profession,
        "contact_email": user.email,
    }
    Answer.objects.bulk_create(
        Answer(case_id=letter.pk, key=key, value=value, updated_by=user)
        for key, value in known.items()
        if value and any(field.key == key for field in procedure.answer_fields)
    )
    return letter
