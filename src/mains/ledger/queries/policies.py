"""Which debts payments cover first, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mains.engine.allocation import OLDEST_FIRST, AllocationOrder, proportional_by, ranked_by
from mains.ledger.models import AllocationPolicy
from mains.ledger.values import PolicyRule


@dataclass(frozen=True, kw_only=True)
class PolicyRecord:
    """A policy of some dates (`valid_to` is the first day after them, None open); `order` is what the engine reads."""

    policy_id: int
    rule: PolicyRule
    services: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    proof: str

    @property
    def order(self) -> AllocationOrder:
        if self.rule is PolicyRule.BY_SERVICE:
            return ranked_by(column="service", values=self.services)
        if self.rule is PolicyRule.PROPORTIONAL:
            return proportional_by(column="service")
        return OLDEST_FIRST


def list_policies() -> list[PolicyRecord]:
    """The believed policies by date."""
    believed = AllocationPolicy.objects.filter(superseded_at__isnull=True).order_by("valid")
    return [
        PolicyRecord(
            policy_id=one.pk,
            rule=PolicyRule(one.rule),
            services=tuple(one.services),
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in believed
    ]


def order_on(policies: Sequence[PolicyRecord], day: date) -> AllocationOrder:
    """The order of the policy of a day; the oldest debt first where there is none."""
    for one in policies:
        if one.valid_from <= day and (one.valid_to is None or day < one.valid_to):
            return one.order
    return OLDEST_FIRST
