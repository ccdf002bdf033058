"""Stored what-ifs, limited to a scope: one is seen by people who may see every unit that it covers."""

from django.db.models import QuerySet

from mains.billing.models import WhatIf
from mains.staff.values import Scope

__all__ = ["WhatIf", "find_whatif", "list_whatifs", "list_whatifs_of_draft"]


def list_whatifs(*, scope: Scope, limit: int = 50) -> list[WhatIf]:
    """The latest ones, without their results."""
    return list(_within(scope).defer("result", "drafts").select_related("created_by").order_by("-id")[:limit])


def list_whatifs_of_draft(*, draft_id: int, scope: Scope, limit: int = 10) -> list[WhatIf]:
    """The latest ones that tried the draft of the tariff editor, with their results."""
    found = _within(scope).filter(drafts__contains=[{"draft_id": draft_id}])
    return list(found.order_by("-id")[:limit])


def find_whatif(*, whatif_id: int, scope: Scope) -> WhatIf | None:
    """One with its result; None when it is not within the scope."""
    return _within(scope).select_related("created_by").filter(pk=whatif_id).first()


def _within(scope: Scope) -> QuerySet[WhatIf]:
    if scope.organisation_ids is None:
        return WhatIf.objects.all()
    return WhatIf.objects.filter(organisation_ids__contained_by=sorted(scope.organisation_ids))
