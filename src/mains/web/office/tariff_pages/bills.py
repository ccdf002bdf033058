"""The bill of some facts under a draft beside the one under the edition in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import get_language

from mains.base import formats
from mains.base.wording import translate_message
from mains.engine.case import CaseResult, Service
from mains.engine.tariff import Tariff
from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper.explained import ExplainedStep, worded
from mains.tariffs.queries.cases import rate_facts
from mains.web.office.parts import FormulaNode


@dataclass(frozen=True)
class Rated:
    """A bill with its formula tree, or why there is none."""

    result: CaseResult | None
    tree: FormulaNode | None
    problem: str = ""
    place: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class BillRow:
    """A component: its amount under the draft and under the edition in force; None where it has no line."""

    title: str
    kind: str
    draft: str
    in_force: str
    difference: str
    is_posted: bool


def rate_for_page(document: str, case_text: str) -> Rated:
    """The bill under a document. The tree is rebuilt with all texts in the reader's language."""
    try:
        result = rate_facts(document=document, case_text=case_text)
    except MainsError as error:
        return Rated(
            None, None, translate_message(error.message), error.place, translate_message(error.remedy)
        )
    service = result.case.services[0]
    titles = _titles(service.tariff) if isinstance(service, Service) else {}
    return Rated(result, _node(worded(result.protocols[0].explanation), titles))


def _node(step: ExplainedStep, titles: Mapping[str, str]) -> FormulaNode:
    """Without links: the facts are made up and the clauses are the draft's own, so there is nothing to open. Components
    are called by their title, with the name by which formulas speak of them."""
    title = titles.get(step.label)
    return FormulaNode(
        label=f"{title} ({step.label})" if title else step.label,
        value=step.value,
        unit=step.unit,
        formula=step.formula,
        note=step.note,
        source=step.source,
        children=tuple(_node(child, titles) for child in step.children),
    )


def bill_rows(draft: Rated, in_force: Rated | None, tariff: Tariff) -> tuple[list[BillRow], BillRow]:
    """The components of both bills in printed order, and the totals."""
    first = _amounts(draft)
    second = _amounts(in_force) if in_force is not None else {}
    titles = _titles(tariff)
    has_both = in_force is not None and in_force.result is not None
    rows = []
    for name in dict.fromkeys((*first, *second)):
        mine, theirs = first.get(name), second.get(name)
        kind = (mine or theirs or ("", Decimal(0), ""))[0]
        rows.append(
            BillRow(
                titles.get(name, name.replace("_", " ").capitalize()),
                kind,
                _shown(mine),
                _shown(theirs),
                _difference(mine, theirs) if has_both else "",
                kind not in ("info", "quantity", "tax_included"),
            )
        )
    totals = [
        ("total", Decimal(one.result.total.numerator) / one.result.total.denominator, "")
        if one and one.result
        else None
        for one in (draft, in_force)
    ]
    total = BillRow(
        title="",
        kind="total",
        draft=_shown(totals[0]),
        in_force=_shown(totals[1]),
        difference=_difference(*totals) if has_both else "",
        is_posted=True,
    )
    return rows, total


_Amount = tuple[str, Decimal, str]


def _amounts(rated: Rated) -> dict[str, _Amount]:
    """Kind, sum of the lines, and unit by component; money has no unit here, its currency stands above."""
    found: dict[str, _Amount] = {}
    for line in rated.result.protocols[0].lines if rated.result else ():
        scale = rated.result.protocols[0].posting_scale if rated.result else 100
        if line.amount_minor is not None:
            value, unit = Decimal(line.amount_minor) / scale, ""
        else:
            value, unit = Decimal(line.quantity_micro or 0) / 10**6, line.unit
        before = found.get(line.component, (line.kind, Decimal(0), unit))
        found[line.component] = (line.kind, before[1] + value, unit)
    return found


def _titles(tariff: Tariff) -> Mapping[str, str]:
    language = (get_language() or "en").split("-", maxsplit=1)[0]
    titles: dict[str, str] = {}
    for version in tariff.versions:
        for name, component in version.by_name.items():
            title = component.title.get(language) or component.title.get("en")
            if title:
                titles[name] = title
    return titles


def _shown(amount: _Amount | None) -> str:
    if amount is None:
        return ""
    language = get_language() or "en"
    if amount[2]:
        return (
            f"{formats.number_text(amount[1].normalize(), language=language)} {formats.unit_text(amount[2])}"
        )
    return _money(amount[1])


def _difference(first: _Amount | None, second: _Amount | None) -> str:
    if (first and first[2]) or (second and second[2]):
        return ""
    change = (first[1] if first else Decimal(0)) - (second[1] if second else Decimal(0))
    text = _money(change)
    return f"+{text}" if change > 0 else text


def _money(value: Decimal) -> str:
    """An amount with two decimals, three where the currency has them."""
    is_hundredths = value == value.quantize(Decimal("0.01"))
    least = 2 if is_hundredths else 3
    return formats.fraction_text(Fraction(value), language=get_language() or "en", decimals=3, least=least)
