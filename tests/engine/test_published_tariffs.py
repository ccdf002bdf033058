"""Published tariffs of some twenty countries: every entry of the collection is carried by a document and priced."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from itertools import islice, product
from pathlib import Path

import polars as pl
import pytest

from mains.engine.case import read_case, run_case
from mains.engine.case.frames import segments_frame
from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact.cut import cut_period
from mains.engine.exact.rate import rate_segments
from mains.engine.facts import MICRO, DatedValue, Facts, Stretch
from mains.engine.interest import read_interest
from mains.engine.tariff import Tariff, read_document, read_tariff

FOLDER = Path(__file__).parent.parent / "tariffs"
CASES = FOLDER.parent / "cases"
COLLECTION = Path(__file__).parents[3] / "shared" / "tariffs" / "tariffs.json"
FILES = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "index")
USES = (0, 1, 150, 10**4, 10**9)
LINE = ("component", "kind", "segment", "from_date", "to_date", "quantity_micro", "amount_minor")


def index() -> Mapping[str, Mapping[str, object]]:
    document = read_document((FOLDER / "index.yaml").read_text(encoding="utf-8"), name="index.yaml")
    assert isinstance(document, Mapping)
    return document


ENTRIES = index()["entries"]
NOT_PRICED = index()["not_priced"]
BILLS = [(entry, at, bill) for entry, bills in ENTRIES.items() for at, bill in enumerate(bills)]


@pytest.mark.parametrize(("entry", "at", "bill"), BILLS, ids=[f"{entry}-{at}" for entry, at, _ in BILLS])
def test_a_bill_worked_by_hand(entry: str, at: int, bill: Mapping[str, object]) -> None:
    """Both interpreters give the total of the hand calculation (`run_case` compares them)."""
    name = f"{bill['tariff']}.yaml"
    is_rule = "interest" in read_document((FOLDER / name).read_text(encoding="utf-8"))
    case = {
        "case": f"{entry}, bill {at}",
        "interest" if is_rule else "tariff": name,
        "facts": bill["facts"],
        "expect": {"total": bill["total"]},
    }
    read = read_case(
        json.dumps(case, default=str),
        name=entry,
        open_tariff=lambda file: (FOLDER / file).read_text(encoding="utf-8"),
    )
    assert [str(mismatch) for mismatch in run_case(read).mismatches] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_document_has_a_source_and_a_bill(path: Path) -> None:
    document = read_document(path.read_text(encoding="utf-8"))
    assert document.get("source")
    assert document["confidence"] in ("high", "medium", "low")
    assert path.stem in {bill["tariff"] for _, _, bill in BILLS}
    assert (document.get("tariff") or document.get("interest")) == path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_interpreters_agree_on_every_document(path: Path) -> None:
    document = read_document(path.read_text(encoding="utf-8"))
    if "interest" in document:
        assert read_interest(document).steps
        return
    tariff = read_tariff(document)
    frames, expected = [], []
    for item, facts in enumerate(accounts(tariff)):
        cut = cut_period(tariff=tariff, facts=facts)
        frames.append(
            segments_frame(tariff=tariff, segments=cut).with_columns(item_id=pl.lit(item, dtype=pl.Int64))
        )
        protocol = rate_segments(tariff=tariff, segments=cut)
        expected += [(item, *(getattr(line, name) for name in LINE)) for line in protocol.lines]
    rated = rate_columns(tariffs=compile_tariffs([tariff]), segments=pl.concat(frames, how="diagonal"))
    assert len(frames) >= len(USES)
    assert rated.refused.is_empty()
    assert rated.lines.select("item_id", *LINE).rows() == expected


def accounts(tariff: Tariff) -> Iterator[Facts]:
    """A few uses in a month of every version and across every change, for combinations of what the tariff reads."""
    choices = [[(name, value) for value in values_of(tariff, name)] for name in tariff.read_attributes]
    for number, combination in enumerate(islice(product(*choices), 24)):
        attributes = {name: (DatedValue(value),) for name, value in combination}
        for first, end in periods(tariff):
            for use in USES if number == 0 else USES[2:4]:
                yield Facts(first, end, use_of(tariff, use, first, end), attributes)


def use_of(tariff: Tariff, use: int, first: date, end: date) -> dict[str, tuple[Stretch, ...]]:
    names = {"usage": use, **dict.fromkeys(tariff.quantities, use // 3)}
    if tariff.zones:
        names |= {f"usage.{zone}": use // len(tariff.zones) for zone in tariff.zones}
        names["usage"] = sum(use // len(tariff.zones) for _ in tariff.zones)
    return {name: (Stretch(first, end, units * MICRO),) for name, units in names.items()}


def values_of(tariff: Tariff, name: str) -> tuple[Fraction | str | bool, ...]:
    kind = tariff.attributes[name]
    if kind.kind == "flag":
        return (True, False)
    if kind.kind == "text":
        assert kind.values, f"{name} says which values it can have"
        return kind.values
    return (Fraction(2), Fraction("0.75"))


def periods(tariff: Tariff) -> Iterator[tuple[date, date]]:
    for version in tariff.versions:
        first = version.valid_from if version.valid_from != date.min else date(2024, 2, 1)
        last = version.valid_to or first + timedelta(days=400)
        yield first, min(first + timedelta(days=31), last)
        if tariff.find_version(last) is not None:
            yield last - timedelta(days=10), last + timedelta(days=20)


def test_every_entry_of_the_collection_is_here() -> None:
    """The collection lies beside the checkout where tariffs are collected; elsewhere the index stands for itself."""
    assert len(ENTRIES) + len(NOT_PRICED) >= 105
    assert not set(ENTRIES) & set(NOT_PRICED)
    if COLLECTION.exists():
        ids = {entry["id"] for entry in json.loads(COLLECTION.read_text(encoding="utf-8"))}
        assert ids == set(ENTRIES) | set(NOT_PRICED)


@pytest.mark.parametrize("entry", sorted(NOT_PRICED))
def test_an_entry_without_a_price_names_the_case_of_its_rule(entry: str) -> None:
    assert NOT_PRICED[entry]["why"]
    assert (CASES / f"{NOT_PRICED[entry]['case']}.yaml").exists()
