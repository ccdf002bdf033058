"""Which debts payments cover first, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from mains.base.dated import known
from mains.engine.allocation import OLDEST_FIRST, AllocationOrder, proportional_by, ranked_by, then_by
from mains.ledger.models import AllocationPolicy
from mains.ledger.values import EntryKind, PenaltyOrder, PolicyRule


@dataclass(frozen=True, kw_only=True)
class PolicyRecord:
    """A policy of some dates (`valid_to` is the first day after them, None open); `order` is what the engine reads."""

    policy_id: int
    rule: PolicyRule
    services: tuple[str, ...]
    penalty: PenaltyOrder
    valid_from: date
    valid_to: date | None
    proof: str

    @property
    def order(self) -> AllocationOrder:
        return with_penalty(self._among_services, self.penalty)

    @property
    def _among_services(self) -> AllocationOrder:
        if self.rule is PolicyRule.BY_SERVICE:
            return ranked_by(column="service", values=self.services)
        if self.rule is PolicyRule.PROPORTIONAL:
            return proportional_by(column="service")
        return OLDEST_FIRST


def list_policies(*, as_of: datetime | None = None) -> list[PolicyRecord]:
    """The policies by date, as believed now or at an instant."""
    held = Q(superseded_at__isnull=True) if as_of is None else known(as_of)
    believed = AllocationPolicy.objects.filter(held).order_by("valid")
    return [
        PolicyRecord(
            policy_id=one.pk,
            rule=PolicyRule(one.rule),
            services=tuple(one.services),
            penalty=PenaltyOrder(one.penalty),
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in believed
    ]


def policy_on(policies: Sequence[PolicyRecord], day: date) -> PolicyRecord | None:
    """The policy of a day; None where there is none, and the oldest debt comes first."""
    for one in policies:
        if one.valid_from <= day and (one.valid_to is None or day < one.valid_to):
            return one
    return None


def with_penalty(order: AllocationOrder, penalty: PenaltyOrder) -> AllocationOrder:
    """The order, and within each of its ranks interest after the principal or before it; items need `kind`."""
    if penalty is PenaltyOrder.BY_DATE:
        return order
    return then_by(
        order, column="kind", value=EntryKind.INTEREST.value, is_last=penalty is PenaltyOrder.PRINCIPAL_FIRST
    )
