"""Collection by unit and by person who answers for accounts, against the targets of the days."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from mains.reporting.models import CollectionTarget
from mains.reporting.queries.turnover_slices import Dimension, Slice, turnover_by
from mains.staff.values import Scope

_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class CollectionLine:
    """Minor units; `target_ppm` is None without a target. `key` narrows a slice to the unit or person."""

    key: str
    code: str
    name: str
    is_open: bool
    billed_minor: int
    collected_minor: int
    owed_minor: int
    target_ppm: int | None

    @property
    def rate_percent(self) -> Decimal | None:
        """Collected of billed in percent, rounded down to a tenth: 99.99 is never shown as everything."""
        if self.billed_minor <= 0:
            return None
        return Decimal(self.collected_minor * 1000 // self.billed_minor).scaleb(-1)

    @property
    def target_percent(self) -> Decimal | None:
        return None if self.target_ppm is None else Decimal(self.target_ppm).scaleb(-4)

    @property
    def short_minor(self) -> int | None:
        """How much is missing to the target, rounded up; nought when it is reached."""
        if self.target_ppm is None:
            return None
        return max(-(-self.billed_minor * self.target_ppm // _MILLION) - self.collected_minor, 0)


@dataclass(frozen=True, kw_only=True)
class TargetRecord:
    """A target over [valid_from, valid_to) of a unit, or of a person who answers for accounts, in millionths."""

    target_id: int
    organisation_id: int | None
    name: str
    rate_ppm: int
    valid_from: date
    valid_to: date | None
    proof: str


def list_targets(*, scope: Scope) -> list[TargetRecord]:
    """The targets believed now, units first; of persons only for people of the whole utility."""
    found = CollectionTarget.objects.filter(superseded_at__isnull=True)
    if scope.organisation_ids is not None:
        found = found.filter(organisation_id__in=scope.organisation_ids)
    return [
        TargetRecord(
            target_id=one.pk,
            organisation_id=one.organisation_id,
            name=_name(one),
            rate_ppm=one.rate_ppm,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found.select_related("organisation", "officer").order_by("-subject", "valid")
    ]


def _name(one: CollectionTarget) -> str:
    if one.organisation is not None:
        return str(one.organisation)
    assert one.officer is not None, "A target is of a unit or of a person."
    return one.officer.get_full_name() or one.officer.username


def collection_lines(*, scope: Scope, asked: Slice, by: Dimension) -> list[CollectionLine]:
    """The slice by unit or by person, each with the target in force on its last day."""
    assert by in (Dimension.UNIT, Dimension.PERSON), "Targets are of units and persons."
    sign = 1 if by is Dimension.UNIT else -1
    targets = {
        sign * one.subject: one.rate_ppm
        for one in CollectionTarget.objects.filter(
            superseded_at__isnull=True, valid__contains=asked.month_to - timedelta(days=1)
        )
    }
    return [
        CollectionLine(
            key=row.key,
            code=row.code,
            name=row.name,
            is_open=row.is_open,
            billed_minor=row.figures.accrued_minor + row.figures.recalculated_minor,
            collected_minor=row.figures.paid_minor,
            owed_minor=row.figures.closing_minor,
            target_ppm=targets.get(int(row.key)) if row.key not in ("", "0") else None,
        )
        for row in turnover_by(scope=scope, asked=asked, by=by).rows
    ]
