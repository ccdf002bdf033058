"""A month's bills in the order in which they are delivered, cut into files for the printer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from mains.base.rows import fetch_rows
from mains.billing.values import bill_number
from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper import bill_texts
from mains.reporting.queries.bill_paper.typeset import check_letters, set_bills

BILLS_PER_FILE = 200


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Bills of one delivery route (the team that serves the accounts), in the order of the walk."""

    month: date
    route: str
    part: int
    bill_ids: tuple[int, ...]

    @property
    def file_name(self) -> str:
        return f"bills-{self.month:%Y-%m}-{self.route}-{self.part:03d}.pdf"


@dataclass(frozen=True, kw_only=True)
class PrintedBatch:
    """The file, empty when no bill could be printed, and what was wrong with the others."""

    pdf: bytes
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Stop:
    bill_id: int
    route: str
    city: str
    street: str
    house: str
    flat: str

    @property
    def order(self) -> tuple[object, ...]:
        return self.route, self.city, self.street, _natural(self.house), _natural(self.flat), self.bill_id


_STOPS = """
SELECT b.id, o.code, coalesce(p.city, ''), coalesce(p.street, ''), coalesce(p.house, ''), coalesce(p.flat, '')
FROM billing_bill b
JOIN staff_organisation o ON o.id = b.organisation_id
LEFT JOIN LATERAL (
    SELECT d.city, d.street, d.house, p.flat FROM customers_agreement g
    JOIN network_servicepoint s ON s.id = g.service_point_id
    JOIN network_premise p ON p.id = s.premise_id
    JOIN network_building d ON d.id = p.building_id
    WHERE g.account_id = b.account_id AND g.superseded_at IS NULL ORDER BY lower(g.valid) DESC, g.id LIMIT 1
) p ON TRUE
WHERE b.month = %(month)s
  AND NOT EXISTS (SELECT FROM invoicing_deferredbill w WHERE w.bill_id = b.id)
"""


def list_batches(*, month: date, limit: int | None = None) -> list[Batch]:
    """The month's bills by route, town, street, house and flat, but for those that an invoice for several months asks
    for; of these the first `limit`."""
    stops = sorted(fetch_rows(_Stop, _STOPS, {"month": month}), key=lambda stop: stop.order)[:limit]
    return list(_batches(stops, month))


def print_batch(batch: Batch) -> PrintedBatch:
    """Set the bills of a batch; a bill that cannot be printed is left out and told."""
    texts, faults = [], []
    for bill_id in batch.bill_ids:
        try:
            bill = bill_texts(month=batch.month, bill_id=bill_id)
            check_letters(bill)
            texts.append(bill)
        except MainsError as error:
            faults.append(f"{bill_number(batch.month, bill_id)}: {error.message}")
    return PrintedBatch(pdf=set_bills(texts) if texts else b"", faults=tuple(faults))


def _batches(stops: list[_Stop], month: date) -> Iterator[Batch]:
    for route, found in groupby(stops, key=lambda stop: stop.route):
        ids = [stop.bill_id for stop in found]
        for part, start in enumerate(range(0, len(ids), BILLS_PER_FILE), start=1):
            chosen = tuple(ids[start : start + BILLS_PER_FILE])
            yield Batch(month=month, route=route, part=part, bill_ids=chosen)


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """House 9 before house 10 before house 10a."""
    return tuple((int(number or 0), letters) for number, letters in re.findall(r"(\d*)(\D*)", text))
