"""Runs a case through both interpreters and compares the bill with what is expected."""

from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from mains.engine.case.errors import UnableToAgree
from mains.engine.case.measured import check_measured
from mains.engine.case.read import Case, Expected, Service
from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import Protocol, UnableToRate, rate_exact, show
from mains.engine.exact.cut import Segment, cut_period
from mains.engine.facts import MICRO
from mains.engine.tariff import Tariff


@dataclass(frozen=True)
class Mismatch:
    """One figure that is not as expected."""

    tariff: str
    what: str
    expected: Fraction
    found: Fraction | None

    def __str__(self) -> str:
        found = "nothing" if self.found is None else show(self.found)
        return f"{self.tariff}: {self.what} should be {show(self.expected)}, is {found}"


@dataclass(frozen=True)
class CaseResult:
    """The bill of each service, their sum in units of currency, and what differs from the expectation."""

    case: Case
    protocols: tuple[Protocol, ...]
    total: Fraction
    mismatches: tuple[Mismatch, ...]

    def to_data(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "case": self.case.name,
            "kind": self.case.kind,
            "source": self.case.source,
            "total": show(self.total),
            "services": [protocol.to_data() for protocol in self.protocols],
            "mismatches": [
                {
                    "tariff": m.tariff,
                    "what": m.what,
                    "expected": show(m.expected),
                    "found": None if m.found is None else show(m.found),
                }
                for m in self.mismatches
            ],
        }


def run_case(case: Case) -> CaseResult:
    """Raises UnableToRate when a fact is missing, UnableToAgree when the interpreters differ."""
    protocols, mismatches = [], []
    for service in case.services:
        protocol = _rate(service)
        protocols.append(protocol)
        mismatches.extend(_compare(service.expected, protocol))
    total = sum(
        (Fraction(protocol.total_minor, protocol.posting_scale) for protocol in protocols), Fraction(0)
    )
    if case.total is not None and case.total != total:
        mismatches.append(Mismatch("all services", "total", case.total, total))
    return CaseResult(case, tuple(protocols), total, tuple(mismatches))


def _rate(service: Service) -> Protocol:
    try:
        protocol = rate_exact(tariff=service.tariff, facts=service.facts)
        _agree(service, protocol)
    except UnableToRate as error:
        raise UnableToRate(
            code=error.code, message=error.message, place=service.place(error.place), remedy=error.remedy
        ) from error
    return protocol


def _agree(service: Service, protocol: Protocol) -> None:
    check_measured(service)
    segments = cut_period(tariff=service.tariff, facts=service.facts)
    rated = rate_columns(tariffs=compile_tariffs([service.tariff]), segments=_frame(service.tariff, segments))
    for refused in rated.refused.iter_rows(named=True):
        raise UnableToRate(
            code=refused["code"],
            message=refused["message"],
            remedy="Check the prices and the use.",
        )
    names = ("component", "kind", "segment", "from_date", "to_date", "quantity_micro", "amount_minor")
    exact = [tuple(getattr(line, name) for name in names) for line in protocol.lines]
    columns = rated.lines.select(names).rows()
    if exact != columns:
        different = [str(pair) for pair in zip(exact, columns, strict=False) if pair[0] != pair[1]]
        raise UnableToAgree(
            code="interpreters-differ",
            message=f"The interpreters differ: {'; '.join(different or ['number of lines'])}.",
            place=protocol.tariff,
            remedy="Please report this case: it is a fault of Mains.",
        )


def _frame(tariff: Tariff, segments: tuple[Segment, ...]) -> pl.DataFrame:
    """The segments of one item as the column side takes them."""
    data: dict[str, pl.Series] = {
        "item_id": pl.Series([1] * len(segments), dtype=pl.Int64),
        "tariff": pl.Series([tariff.code] * len(segments), dtype=pl.String),
        "from_date": pl.Series([s.from_date for s in segments], dtype=pl.Date),
        "to_date": pl.Series([s.to_date for s in segments], dtype=pl.Date),
        "period_from": pl.Series([segments[0].from_date] * len(segments), dtype=pl.Date),
        "period_to": pl.Series([segments[-1].to_date] * len(segments), dtype=pl.Date),
    }
    for key in segments[0].use_micro:
        data[f"{key.replace('.', '_')}_micro"] = pl.Series(
            [s.use_micro[key] for s in segments], dtype=pl.Int64
        )
    for name in tariff.read_attributes:
        kind = tariff.attributes[name].kind
        values = [s.attributes[name].value if name in s.attributes else None for s in segments]
        if kind == "number":
            scaled = [
                None if value is None else int(value * MICRO)
                for value in values
                if not isinstance(value, str)
            ]
            data[f"{name}_micro"] = pl.Series(scaled, dtype=pl.Int64)
        else:
            data[name] = pl.Series(values, dtype=pl.Boolean if kind == "flag" else pl.String)
    return pl.DataFrame(data)


def _compare(expected: Expected, protocol: Protocol) -> list[Mismatch]:
    scale = protocol.posting_scale
    amounts: dict[str, Fraction] = {}
    quantities: dict[str, Fraction] = {}
    for line in protocol.lines:
        if line.amount_minor is not None:
            amounts[line.component] = amounts.get(line.component, Fraction(0)) + Fraction(
                line.amount_minor, scale
            )
        if line.quantity_micro is not None:
            quantities[line.component] = quantities.get(line.component, Fraction(0)) + Fraction(
                line.quantity_micro, MICRO
            )
    found = []
    for name, value in expected.components.items():
        own = amounts.get(name, quantities.get(name) if name not in amounts else None)
        if own != value:
            found.append(Mismatch(protocol.tariff, name, value, own))
    for name, value in expected.quantities.items():
        if quantities.get(name) != value:
            found.append(Mismatch(protocol.tariff, f"quantity of {name}", value, quantities.get(name)))
    found.extend(_compare_lines(expected, protocol))
    total = Fraction(protocol.total_minor, scale)
    if expected.total is not None and expected.total != total:
        found.append(Mismatch(protocol.tariff, "total", expected.total, total))
    return found


def _compare_lines(expected: Expected, protocol: Protocol) -> list[Mismatch]:
    found = []
    for wanted in expected.lines:
        lines = [
            line
            for line in protocol.lines
            if line.component == wanted.component and wanted.from_date in (None, line.from_date)
        ]
        what = f"{wanted.component} from {wanted.from_date}" if wanted.from_date else wanted.component
        amount = (
            Fraction(sum(line.amount_minor or 0 for line in lines), protocol.posting_scale) if lines else None
        )
        quantity = Fraction(sum(line.quantity_micro or 0 for line in lines), MICRO) if lines else None
        if wanted.amount is not None and wanted.amount != amount:
            found.append(Mismatch(protocol.tariff, what, wanted.amount, amount))
        if wanted.quantity is not None and wanted.quantity != quantity:
            found.append(Mismatch(protocol.tariff, f"quantity of {what}", wanted.quantity, quantity))
    return found
