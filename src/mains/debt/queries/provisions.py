"""What an allowance for doubtful debts has to be at the end of a day, and what it is."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import Provision
from mains.debt.queries.terms import ProvisionRecord
from mains.kernel.rounding import RoundingMode, round_to_step
from mains.ledger.queries.deferrals import HELD_PARTS
from mains.ledger.values import AGE_LIMITS_DAYS, Age
from mains.staff.queries.approvals import list_proposals
from mains.staff.values import EVERYTHING, ProposalKind

# Open debts at the end of a day by place and age; money that no debt has used makes nothing less doubtful.
_OPEN = """
    WITH open AS (
        SELECT e.id, e.organisation_id, e.provider_id, e.service, e.amount_minor - coalesce(c.minor, 0) AS minor,
               coalesce(e.due_date, e.business_date) AS due_date
        FROM ledger_entry e
        LEFT JOIN (
            SELECT item_id, sum(amount_minor) AS minor FROM ledger_allocation
            WHERE business_date <= %(on_date)s GROUP BY item_id
        ) c ON c.item_id = e.id
        WHERE e.business_date <= %(on_date)s AND e.amount_minor > coalesce(c.minor, 0) AND e.amount_minor > 0
    ), {held_parts}
    SELECT o.organisation_id, o.provider_id, o.service, CASE {steps} ELSE '{older}' END AS age, sum(p.minor)::bigint
    FROM parts p JOIN open o ON o.id = p.id WHERE p.minor <> 0
    GROUP BY 1, 2, 3, 4
"""
_PLACE = {"organisation_id": pl.Int64, "provider_id": pl.Int64, "service": pl.String}


@dataclass(frozen=True, kw_only=True)
class ProvisionLine:
    """Of one unit, provider and service: what is open, what of it is doubtful, and what the allowance holds, in minor
    units."""

    organisation_id: int
    provider_id: int
    service: str
    open_minor: int
    required_minor: int
    held_minor: int

    @property
    def difference_minor(self) -> int:
        return self.required_minor - self.held_minor


@dataclass(frozen=True, kw_only=True)
class ProvisionProposal:
    """A proposed provision; `agrees` is None while nobody has decided it."""

    provision_id: int
    proposal_id: int
    on_date: date
    required_minor: int
    difference_minor: int
    asked_at: datetime
    agrees: bool | None


def compute_provision(*, on_date: date, terms: ProvisionRecord) -> list[ProvisionLine]:
    """Required and held allowance by place, each place rounded once, half up. It reads the whole ledger."""
    steps = " ".join(
        f"WHEN %(on_date)s - p.due_date <= {limit} THEN '{age.value}'"
        for age, limit in AGE_LIMITS_DAYS.items()
    )
    opened = fetch_frame(
        _OPEN.format(steps=steps, older=Age.OLDER.value, held_parts=HELD_PARTS),
        {"on_date": on_date, "as_of": None},
        schema=_PLACE | {"age": pl.String, "open_minor": pl.Int64},
    )
    held = fetch_frame(
        """
        SELECT p.organisation_id, p.provider_id, p.service, -sum(p.amount_minor)::bigint
        FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
        WHERE p.control = 'allowance' AND t.business_date <= %(on_date)s GROUP BY 1, 2, 3
        """,
        {"on_date": on_date},
        schema=_PLACE | {"held_minor": pl.Int64},
    )
    sums: dict[tuple[int, int, str], list[Fraction]] = {}
    for row in opened.iter_rows(named=True):
        place = sums.setdefault(_place(row), [Fraction(0), Fraction(0), Fraction(0)])
        place[0] += row["open_minor"]
        percent = terms.percents.get(Age(row["age"]), Decimal(0))
        place[1] += row["open_minor"] * Fraction(percent) / 100
    for row in held.iter_rows(named=True):
        sums.setdefault(_place(row), [Fraction(0), Fraction(0), Fraction(0)])[2] += row["held_minor"]
    lines = [
        ProvisionLine(
            organisation_id=place[0],
            provider_id=place[1],
            service=place[2],
            open_minor=int(total),
            required_minor=int(round_to_step(doubtful, step=Fraction(1), mode=RoundingMode.HALF_UP)),
            held_minor=int(have),
        )
        for place, (total, doubtful, have) in sorted(sums.items())
    ]
    return [one for one in lines if one.required_minor or one.held_minor]


def list_provisions(*, limit: int = 50) -> list[ProvisionProposal]:
    """Provisions proposed, latest first."""
    proposals = [
        one
        for is_waiting in (True, False)
        for one in list_proposals(
            scope=EVERYTHING, is_waiting=is_waiting, kinds=[ProposalKind.PROVISION], limit=limit
        )
    ]
    found = Provision.objects.in_bulk([one.subject_id for one in proposals])
    return [
        ProvisionProposal(
            provision_id=one.subject_id,
            proposal_id=one.proposal_id,
            on_date=found[one.subject_id].on_date,
            required_minor=sum(line["required_minor"] for line in found[one.subject_id].lines),
            difference_minor=sum(line["difference_minor"] for line in found[one.subject_id].lines),
            asked_at=one.asked_at,
            agrees=one.agrees,
        )
        for one in sorted(proposals, key=lambda one: -one.proposal_id)
    ]


def _place(row: dict[str, int | str]) -> tuple[int, int, str]:
    return int(row["organisation_id"]), int(row["provider_id"]), str(row["service"])
