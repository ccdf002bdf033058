"""The share of each day in a stretch between readings, in a forecast, and in a norm."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor

from mains.engine.usage.exact.chains import use_between
from mains.engine.usage.exact.facts import (
    DAY,
    Installation,
    Part,
    Point,
    Reading,
    days_between,
    holds,
    is_connected,
)

_HISTORY_MAX_MICRO = 2**62


@dataclass(frozen=True)
class Stretch:
    installation: Installation
    opening: Reading
    closing: Reading
    parts: dict[date, Part]

    @property
    def first_day(self) -> date:
        return self.opening.reading_date + DAY


def stretches_of(installation: Installation, chain: list[Reading]) -> Iterator[Stretch]:
    for opening, closing in pairwise(chain):
        days = list(days_between(opening.reading_date + DAY, closing.reading_date + DAY))
        weights = [_weight(installation.shape, day) for day in days]
        if not sum(weights):
            weights = [1] * len(days)
        total, quality = use_between(installation, opening, closing), "M" if len(days) == 1 else "A"
        parts, before = {}, 0
        for day, weight in zip(days, weights, strict=True):
            parts[day] = _share(
                quality,
                installation,
                opening,
                closing,
                total=total,
                before=before,
                own=weight,
                whole=sum(weights),
            )
            before += weight
        yield Stretch(installation, opening, closing, parts)


def _share(
    quality: str,
    installation: Installation,
    opening: Reading | None,
    closing: Reading | None,
    *,
    total: int,
    before: int,
    own: int,
    whole: int,
) -> Part:
    use = floor(Fraction(total * (before + own), whole)) - floor(Fraction(total * before, whole))
    return Part(
        quality=quality,
        use_micro=use,
        formula=f"floor({total} × {before + own} / {whole}) − floor({total} × {before} / {whole})",
        register_id=installation.register_id,
        opening=opening,
        closing=closing,
        total_micro=total,
        weight_before=before,
        weight_day=own,
        weight_total=whole,
    )


def forecast_parts(
    *,
    point: Point,
    installation: Installation,
    chain: list[Reading],
    stretches: list[Stretch],
    month: list[date],
    lookback_days: int,
    history_days_min: int,
) -> dict[date, Part]:
    """Parts for the days of the month before the first and after the last reading of an installation."""
    after_month = month[-1] + DAY
    end = min(installation.installed_to or after_month, after_month)
    gaps: list[tuple[date, date, Reading | None]] = [
        (installation.installed_from, min(chain[0].reading_date + DAY if chain else end, end), None)
    ]
    if chain:
        gaps.append((chain[-1].reading_date + DAY, end, chain[-1]))
    parts: dict[date, Part] = {}
    for begins, ends, opening in gaps:
        use, weight, days = _history(stretches, begins - timedelta(days=lookback_days), begins)
        own = days >= history_days_min and weight > 0 and use < _HISTORY_MAX_MICRO
        before = 0
        for day in days_between(begins, ends):
            step = _weight(installation.shape, day) if own else 1
            if day >= month[0] and is_connected(point, day):
                part: Part | None
                if own:
                    part = _share(
                        "F", installation, opening, None, total=use, before=before, own=step, whole=weight
                    )
                elif installation.class_average is not None:
                    rate = installation.class_average
                    part = _share(
                        "C",
                        installation,
                        opening,
                        None,
                        total=rate.numerator,
                        before=before,
                        own=step,
                        whole=rate.denominator,
                    )
                else:
                    part = norm_part(point, installation.zone, day, gap_of=installation, opening=opening)
                if part is not None:
                    parts[day] = part
            before += step
    return parts


def _history(stretches: list[Stretch], since: date, until: date) -> tuple[int, int, int]:
    """Use, weight and number of the register days that readings cover in [since, until)."""
    covered = [part for each in stretches for day, part in each.parts.items() if since <= day < until]
    return sum(part.use_micro for part in covered), sum(part.weight_day for part in covered), len(covered)


def norm_part(
    point: Point,
    zone: str | int,
    day: date,
    *,
    gap_of: Installation | None = None,
    opening: Reading | None = None,
) -> Part | None:
    for norm in point.norms:
        if norm.zone != zone or not holds(day, norm.valid_from, norm.valid_to):
            continue
        amount, register_id = norm.amount_micro, gap_of.register_id if gap_of else None
        if norm.per == "day":
            return Part(
                "N", amount, f"{amount}", register_id=register_id, opening=opening, total_micro=amount
            )
        length = calendar.monthrange(day.year, day.month)[1]
        use = floor(Fraction(amount * day.day, length)) - floor(Fraction(amount * (day.day - 1), length))
        return Part(
            quality="N",
            use_micro=use,
            formula=f"floor({amount} × {day.day} / {length}) − floor({amount} × {day.day - 1} / {length})",
            register_id=register_id,
            opening=opening,
            total_micro=amount,
            weight_before=day.day - 1,
            weight_total=length,
        )
    return None


def _weight(shape: tuple[int, ...] | None, day: date) -> int:
    """Weight of a day in a shape of 366 places, where 29 February is passed over in ordinary years."""
    if shape is None:
        return 1
    return shape[(date(2000, day.month, day.day) - date(2000, 1, 1)).days]
