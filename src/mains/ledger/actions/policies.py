"""State which debts payments cover first from a day on."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact
from mains.kernel.errors import MainsError
from mains.ledger.models import AllocationPolicy
from mains.ledger.values import PenaltyOrder, PolicyRule


class UnableToStatePolicy(MainsError):
    """The policy cannot be followed."""


def state_policy(
    *,
    rule: str,
    services: Sequence[str] = (),
    penalty: str = PenaltyOrder.BY_DATE,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> AllocationPolicy:
    """Let payments of these dates cover debts by a rule; what was covered before stays as it is.

    Raises UnableToStatePolicy: no such rule, services missing or named twice, no proof.
    """
    services = [service.strip() for service in services if service.strip()]
    place = f"policy from {valid_from.isoformat()}"
    if rule not in PolicyRule.values:
        raise UnableToStatePolicy(
            code="policy-rule",
            message=f"There is no rule {rule}.",
            place=place,
            remedy=f"One of: {', '.join(PolicyRule.values)}.",
            params={"rule": rule, "known": ", ".join(PolicyRule.values)},
        )
    if penalty not in PenaltyOrder.values:
        raise UnableToStatePolicy(
            code="policy-rule",
            message=f"There is no rule {penalty}.",
            place=place,
            remedy=f"One of: {', '.join(PenaltyOrder.values)}.",
            params={"rule": penalty, "known": ", ".join(PenaltyOrder.values)},
        )
    if (rule == PolicyRule.BY_SERVICE) != bool(services) or len(services) != len(set(services)):
        raise UnableToStatePolicy(
            code="policy-services",
            message="A policy service by service names each of them once; the other rules name none.",
            place=place,
            remedy="Name the services in the order in which they are covered.",
        )
    if not proof.strip():
        raise UnableToStatePolicy(
            code="policy-proof",
            message="The document that decides it is missing.",
            place=place,
            remedy="Name the order or the article of law.",
        )
    return record_fact(
        model=AllocationPolicy,
        subject={},
        values={"rule": rule, "services": services, "penalty": penalty},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip()[:200],
    )
