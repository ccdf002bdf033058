"""Runs a case through both interpreters and compares the bill with what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import polars as pl

from mains.engine.case.errors import UnableToAgree
from mains.engine.case.expected import Expected
from mains.engine.case.frames import segments_frame
from mains.engine.case.interest import InterestService, refused_place
from mains.engine.case.measured import check_measured
from mains.engine.case.read import Case, Service
from mains.engine.case.remarks import remarks_on
from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import Protocol, UnableToRate, rate_exact, show
from mains.engine.exact.cut import cut_period
from mains.engine.facts import MICRO, DatedValue
from mains.engine.purchase import buy_columns, buy_exact
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
    """The bill of each service, their sum in units of currency, and what differs from the expectation. `remarks` say
    what is hardly meant and changes no figure.
    """

    case: Case
    protocols: tuple[Protocol, ...]
    total: Fraction
    mismatches: tuple[Mismatch, ...]
    remarks: tuple[str, ...] = ()

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
            "remarks": list(self.remarks),
        }


def run_case(case: Case) -> CaseResult:
    """Raises UnableToRate when a fact is missing, UnableToAgree when the interpreters differ."""
    protocols, mismatches = [], []
    remarks: dict[str, None] = {}
    left: dict[str, DatedValue] = {}
    for service in case.services:
        if isinstance(service, InterestService):
            protocol = _count_interest(service)
        else:
            protocol = _rate(_opened(service, left) if case.is_chain else service)
            left = _left_by(protocol, service.tariff)
            remarks.update(dict.fromkeys(remarks_on(service, protocol)))
        protocols.append(protocol)
        mismatches.extend(_compare(service.expected, protocol))
    total = sum(
        (Fraction(protocol.total_minor, protocol.posting_scale) for protocol in protocols), Fraction(0)
    )
    if case.total is not None and case.total != total:
        which = "all bills" if case.is_chain else "all services"
        mismatches.append(Mismatch(which, "total", case.total, total))
    return CaseResult(case, tuple(protocols), total, tuple(mismatches), tuple(remarks))


def _opened(service: Service, left: Mapping[str, DatedValue]) -> Service:
    """The service with what the bill before it left, save for what the case says itself."""
    opening = {name: (value,) for name, value in left.items() if name not in service.opening}
    facts = replace(service.facts, attributes={**service.facts.attributes, **opening})
    return replace(service, facts=facts)


def _left_by(protocol: Protocol, tariff: Tariff) -> dict[str, DatedValue]:
    """What a bill leaves of each balance: nothing where it has no line."""
    source = f"left by the bill of {protocol.period_from} – {protocol.period_to} (excluded)"
    return {name: DatedValue(_closing(protocol, name), source=source) for name in tariff.balances}


def _closing(protocol: Protocol, name: str) -> Fraction:
    return sum(
        (line.value for line in protocol.lines if line.kind == "balance" and line.component == name),
        Fraction(0),
    )


def _count_interest(service: InterestService) -> Protocol:
    try:
        protocol, difference = service.rate()
    except UnableToRate as error:
        raise refused_place(service, error) from error
    if difference:
        raise _unable_to_agree(difference, service.rule.code)
    return protocol


def _rate(service: Service) -> Protocol:
    try:
        if service.purchase is not None:
            return _buy(service, *service.purchase)
        protocol = rate_exact(tariff=service.tariff, facts=service.facts)
        _agree(service, protocol)
    except UnableToRate as error:
        raise UnableToRate(
            code=error.code, message=error.message, place=service.place(error.place), remedy=error.remedy
        ) from error
    return protocol


def _buy(service: Service, money: Fraction, step_micro: int) -> Protocol:
    tariff, facts = service.tariff, service.facts
    minor = int(money * tariff.posting_scale)
    bought = buy_exact(tariff=tariff, facts=facts, money_minor=minor, step_micro=step_micro)
    frame = segments_frame(tariff=tariff, segments=cut_period(tariff=tariff, facts=facts))
    paid = pl.DataFrame({"item_id": [1], "money_minor": [minor]})
    found = buy_columns(tariffs=compile_tariffs([tariff]), segments=frame, money=paid, step_micro=step_micro)
    exact = [(1, bought.units_micro, minor - bought.remainder_minor, bought.remainder_minor)]
    if found.purchases.rows() != exact:
        raise _unable_to_agree(f"{exact} against {found.purchases.rows()}", tariff.code)
    return bought.protocol


def _agree(service: Service, protocol: Protocol) -> None:
    check_measured(service)
    segments = cut_period(tariff=service.tariff, facts=service.facts)
    rated = rate_columns(
        tariffs=compile_tariffs([service.tariff]),
        segments=segments_frame(tariff=service.tariff, segments=segments),
    )
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
        raise _unable_to_agree("; ".join(different or ["number of lines"]), protocol.tariff)


def _unable_to_agree(difference: str, place: str) -> UnableToAgree:
    return UnableToAgree(
        code="interpreters-differ",
        message=f"The interpreters differ: {difference}.",
        place=place,
        remedy="Please report this case: it is a fault of Mains.",
    )


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
    for name, value in expected.balances.items():
        if _closing(protocol, name) != value:
            found.append(Mismatch(protocol.tariff, f"balance {name}", value, _closing(protocol, name)))
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
