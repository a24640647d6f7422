"""Members for tests: each function makes what its name says."""

from itertools import count
from typing import Any

from communities.models import Community
from members.models import Member

_numbers = count(1)


def luhn(digits: str) -> str:
    """The digits with the key that makes them pass (ISO/IEC 7812)."""
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if rank % 2 else 2)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


def professional(community: Community, **fields: Any) -> Member:
    number = next(_numbers)
    defaults = {
        "last_name": f"Durand {number}",
        "first_name": "Alix",
        "email": f"membre{number}@exemple.test",
        "profession": "60",
    }
    return Member.objects.create(
        community=community, created_by=community.created_by, **(defaults | fields)
    )


def structure(community: Community, **fields: Any) -> Member:
    number = next(_numbers)
    defaults = {
        "kind": "structure",
        "structure_name": f"Centre de santé {number}",
        "structure_kind": "cds",
        "last_name": f"Morel {number}",
        "first_name": "Sacha",
        "function": "directrice",
        "email": f"structure{number}@exemple.test",
    }
    return Member.objects.create(
        community=community, created_by=community.created_by, **(defaults | fields)
    )
