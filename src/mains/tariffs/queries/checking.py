"""A document under work: read by the engine, every fault with its place."""

import re
from dataclasses import dataclass

from mains.base.units import UNIT_OF_SERVICE
from mains.engine.tariff import (
    Tariff,
    UnableToReadDocument,
    UnableToReadTariff,
    read_document,
    read_tariff,
)
from mains.engine.tariff.document import Value
from mains.tariffs.values import DOCUMENT_CHARACTERS_MAX, Fault

_LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class Checked:
    """The tariff, or what is wrong with it. `document` is there as soon as the text is valid YAML."""

    tariff: Tariff | None
    document: Value
    faults: tuple[Fault, ...]


def check_document(text: str, *, code: str = "") -> Checked:
    """The text read as a tariff; with `code` it must be the tariff of that code."""
    if len(text) > DOCUMENT_CHARACTERS_MAX:
        return Checked(None, None, (too_long(text),))
    try:
        document = read_document(text)
    except UnableToReadDocument as error:
        line = _LINE.search(error.place)
        fault = Fault(error.code, error.message, error.remedy, line=int(line[1]) if line else None)
        return Checked(None, None, (fault,))
    try:
        tariff = read_tariff(document)
    except UnableToReadTariff as error:
        found = tuple(
            Fault(one.code, one.message, one.remedy, one.clause, one.line, one.path) for one in error.problems
        )
        return Checked(None, document, found)
    except RecursionError:
        return Checked(None, document, (_TOO_DEEP,))
    faults = tuple(_own_rules(tariff, code, document))
    return Checked(None if faults else tariff, document, faults)


_TOO_DEEP = Fault(
    "formula-too-deep",
    "A formula is nested too deeply.",
    "Split it: give its parts names of their own, as components of kind info or quantity.",
)


def too_long(text: str) -> Fault:
    """What to say of a document that is too long to be a tariff."""
    return Fault(
        "document-too-long",
        f"The document has {len(text)} characters; at most {DOCUMENT_CHARACTERS_MAX} are possible.",
        "Split it into several tariffs.",
    )


def _own_rules(tariff: Tariff, code: str, document: Value) -> list[Fault]:
    """What the office asks beyond what the engine can rate."""
    faults = []
    if code and tariff.code != code:
        faults.append(
            Fault(
                "tariff-code",
                f"The document is of tariff {tariff.code}, the draft of {code}.",
                f"Write `tariff: {code}`; a tariff of another code starts as a draft of its own.",
                "tariff",
                getattr(document, "lines", {}).get("tariff"),
                ("tariff",),
            )
        )
    if not tariff.service:
        faults.append(
            Fault(
                "service-missing",
                "The document does not say of which service it is.",
                "Write `service: electricity`, or another service of the utility.",
                "service",
                1,
                ("service",),
            )
        )
    unit = UNIT_OF_SERVICE.get(tariff.service)
    if unit is not None and str(tariff.units.use) != unit:
        faults.append(
            Fault(
                "unit-of-service",
                f"The use of {tariff.service} is kept in {unit} here, the document counts it in {tariff.units.use}.",
                f"Write `unit: {unit}`; prices may name another unit of energy or volume, they are converted exactly.",
                "unit",
                getattr(document, "lines", {}).get("unit"),
                ("unit",),
            )
        )
    return faults
