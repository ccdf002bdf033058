"""All that booking one payment of one account needs to know, in one question."""

import json
from dataclasses import dataclass
from datetime import date

from mains.base.prepared_rows import fetch_prepared
from mains.ledger.values import PenaltyOrder, PolicyRule

_SITUATION = """
    WITH used AS (
        SELECT item_id AS id, sum(amount_minor) AS minor FROM ledger_allocation
        WHERE account_id = %(account_id)s::bigint GROUP BY 1
        UNION ALL
        SELECT credit_id, -sum(amount_minor) FROM ledger_allocation WHERE account_id = %(account_id)s::bigint GROUP BY 1
    ), entry AS MATERIALIZED (
        SELECT e.id, e.provider_id, e.service, coalesce(e.due_date, e.business_date) AS due, e.business_date,
               (e.amount_minor - coalesce(used.minor, 0))::bigint AS open_minor, e.amount_minor
        FROM ledger_entry e LEFT JOIN used ON used.id = e.id
        WHERE e.account_id = %(account_id)s::bigint
    )
    SELECT
        (SELECT jsonb_agg(jsonb_build_array(id, provider_id, service, due, business_date, open_minor)
                          ORDER BY due, id) FROM entry WHERE amount_minor > 0 AND open_minor > 0),
        (SELECT jsonb_agg(jsonb_build_array(id, provider_id, service, business_date, -open_minor)
                          ORDER BY business_date, id) FROM entry WHERE amount_minor < 0 AND open_minor < 0),
        (SELECT max(business_date) FROM entry WHERE amount_minor < 0),
        (SELECT max(through) FROM (
            SELECT DISTINCT ON (book) through FROM ledger_periodevent
            WHERE kind IN ('closed', 'reopened') ORDER BY book, id DESC) last),
        (SELECT jsonb_build_array(rule, services, penalty) FROM ledger_allocationpolicy
         WHERE superseded_at IS NULL AND valid @> %(paid_on)s::date),
        EXISTS (SELECT FROM ledger_allocationpolicy WHERE superseded_at IS NULL AND penalty <> %(by_date)s::text),
        a.organisation_id, coalesce(s.provider_id, 0), coalesce(s.service, ''),
        EXISTS (SELECT FROM ledger_deferral WHERE account_id = %(account_id)s::bigint)
    FROM customers_account a
    LEFT JOIN LATERAL (
        SELECT g.provider_id, p.service
        FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
        WHERE g.account_id = a.id AND g.superseded_at IS NULL
        ORDER BY g.valid @> %(paid_on)s::date DESC, upper(g.valid) DESC NULLS FIRST, g.id
        LIMIT 1
    ) s ON true
    WHERE a.id = %(account_id)s::bigint
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenItem:
    """A debt not fully covered."""

    item_id: int
    provider_id: int
    service: str
    due_on: date
    business_date: date
    open_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenCredit:
    """Money not used yet."""

    credit_id: int
    provider_id: int
    service: str
    paid_on: date
    left_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """An account before a payment: its open items by due day and id, its unused credits by day and id, the day of its
    last credit, the last closed day of money, the policy of the day of payment, whether interest stands apart by any
    policy of any day, its own supply, and whether an instalment plan has moved due dates."""

    items: tuple[OpenItem, ...]
    credits: tuple[OpenCredit, ...]
    last_credit_on: date | None
    closed_through: date | None
    rule: PolicyRule
    first_services: tuple[str, ...]
    penalty: PenaltyOrder
    has_penalty_order: bool
    organisation_id: int
    provider_id: int
    service: str
    has_plan: bool


def read_situation(*, account_id: int, paid_on: date) -> Situation:
    """What booking a payment of that day needs; the caller holds the account's allocation lock and the open days."""
    (
        (
            items,
            unused,
            last,
            closed,
            policy,
            has_penalty_order,
            organisation_id,
            provider_id,
            service,
            has_plan,
        ),
    ) = fetch_prepared(
        _SITUATION,
        {"account_id": account_id, "paid_on": paid_on, "by_date": PenaltyOrder.BY_DATE.value},
    )
    # On Django's connections JSON comes as text.
    rule, services, penalty = (
        json.loads(policy) if policy else (PolicyRule.OLDEST_FIRST, (), PenaltyOrder.BY_DATE)
    )
    return Situation(
        items=tuple(
            OpenItem(
                item_id=item_id,
                provider_id=provider,
                service=of_service,
                due_on=date.fromisoformat(due),
                business_date=date.fromisoformat(day),
                open_minor=minor,
            )
            for item_id, provider, of_service, due, day, minor in json.loads(items or "[]")
        ),
        credits=tuple(
            OpenCredit(
                credit_id=credit_id,
                provider_id=provider,
                service=of_service,
                paid_on=date.fromisoformat(day),
                left_minor=minor,
            )
            for credit_id, provider, of_service, day, minor in json.loads(unused or "[]")
        ),
        last_credit_on=last,
        closed_through=closed,
        rule=PolicyRule(rule),
        first_services=tuple(services),
        penalty=PenaltyOrder(penalty),
        has_penalty_order=has_penalty_order,
        organisation_id=organisation_id,
        provider_id=provider_id,
        service=service,
        has_plan=has_plan,
    )
