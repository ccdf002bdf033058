"""Differences of documents in the reader's words, and the text compared line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import unified_diff
from itertools import islice

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy

from mains.base import formats
from mains.tariffs.values.differences import Change, changes_of_the_past

LINES_MAX = 2_000
KIND_WORDS: dict[str, str | Promise] = {
    "version-added": gettext_lazy("Version added"),
    "version-removed": gettext_lazy("Version left out"),
    "version-moved": gettext_lazy("End of the version"),
    "price-added": gettext_lazy("Price added"),
    "price-removed": gettext_lazy("Price left out"),
    "price-changed": gettext_lazy("Price"),
    "tiers-changed": gettext_lazy("Tiers"),
    "component-added": gettext_lazy("Component added"),
    "component-removed": gettext_lazy("Component left out"),
    "component-changed": gettext_lazy("Component"),
    "heading-changed": gettext_lazy("Heading"),
}
KEY_WORDS: dict[str, str | Promise] = {
    "attribute": gettext_lazy("Attribute"),
    "attributes": gettext_lazy("Attributes"),
    "average_round": gettext_lazy("Rounding of averaged prices"),
    "balance": gettext_lazy("Carried to the next bill"),
    "confidence": gettext_lazy("Confidence"),
    "currency": gettext_lazy("Currency"),
    "currency_digits": gettext_lazy("Decimals of the currency"),
    "cut": gettext_lazy("Cuts the period"),
    "day_count": gettext_lazy("How days are counted"),
    "each": gettext_lazy("Rounds and prints by"),
    "formula": gettext_lazy("Formula"),
    "holiday": gettext_lazy("Holiday"),
    "kind": gettext_lazy("Kind"),
    "limit_unit": gettext_lazy("Unit of the limits"),
    "maximum": gettext_lazy("Measured maximum"),
    "measured_quantity": gettext_lazy("Measured quantity"),
    "name": gettext_lazy("Name in formulas"),
    "note": gettext_lazy("Note"),
    "on_change": gettext_lazy("On a change inside the period"),
    "order": gettext_lazy("Order of the lines"),
    "price": gettext_lazy("Price"),
    "quantities": gettext_lazy("Quantities"),
    "quantity": gettext_lazy("Quantity shown"),
    "round": gettext_lazy("Rounding"),
    "service": gettext_lazy("Service"),
    "since": gettext_lazy("First day with the component"),
    "source": gettext_lazy("Source"),
    "split_usage": gettext_lazy("Rounds the use of each part"),
    "time_zone": gettext_lazy("Time zone"),
    "title": gettext_lazy("Title"),
    "unit": gettext_lazy("Unit of measure"),
    "until": gettext_lazy("First day without the component"),
    "upto": gettext_lazy("Up to"),
    "valid_from": gettext_lazy("In force from"),
    "valid_to": gettext_lazy("First day no longer in force"),
    "when": gettext_lazy("Only when"),
    "zone": gettext_lazy("Zone of hours"),
}
COMPONENT_KIND_WORDS: dict[str, str | Promise] = {
    "charge": gettext_lazy("Charge"),
    "tax": gettext_lazy("Tax"),
    "subsidy": gettext_lazy("Subsidy"),
    "tax_included": gettext_lazy("Tax contained in other lines"),
    "info": gettext_lazy("Figure for information"),
    "quantity": gettext_lazy("Computed quantity"),
}
CHOICES: dict[str, dict[str, str | Promise]] = {
    "kind": COMPONENT_KIND_WORDS,
    "on_change": {
        "split": gettext_lazy("Each part at its own prices"),
        "weight": gettext_lazy("The whole at each price, weighted by days"),
        "start": gettext_lazy("The whole at the first prices"),
        "end": gettext_lazy("The whole at the last prices"),
        "average": gettext_lazy("Prices averaged by days"),
        "next_bill": gettext_lazy("New prices from the next bill on"),
        "rerate": gettext_lazy("First prices now, the difference on the next bill"),
    },
    "cut": {
        "seen": gettext_lazy("At the changes that it sees"),
        "every": gettext_lazy("At every change of the tariff"),
        "month": gettext_lazy("By calendar months"),
        "quarter": gettext_lazy("By quarters"),
        "year": gettext_lazy("By years"),
    },
    "each": {
        "segment": gettext_lazy("Each part by itself"),
        "period": gettext_lazy("The parts together"),
    },
}
"""Keys whose values are a choice, with the values in words."""


@dataclass(frozen=True)
class ChangeRow:
    """A difference as a row: what, and from what to what."""

    what: str
    detail: str
    before: str
    after: str
    percent: str
    tone: str
    is_priced: bool


@dataclass(frozen=True)
class ChangeGroup:
    """The differences of one version; `version` None above the versions."""

    version: date | None
    is_past: bool
    rows: Sequence[ChangeRow]


def change_groups(changes: Sequence[Change], *, today: date) -> list[ChangeGroup]:
    """The differences by version, those above the versions first."""
    versions = dict.fromkeys(change.version for change in changes)
    past = set(changes_of_the_past(changes, today=today))
    ordered = sorted(versions, key=lambda version: version or date.min)
    return [
        ChangeGroup(
            version if version != date.min else None,
            any(change in past for change in changes if change.version == version),
            [_row(change) for change in changes if change.version == version],
        )
        for version in ordered
    ]


def choices_of(key: str, value: str) -> list[tuple[str, str]]:
    """The values that a key may have, in words; none where anything may stand. A value unknown here stays one."""
    words = CHOICES.get(key, {})
    found = [(choice, str(word)) for choice, word in words.items()]
    return found if not found or value in words else [(value, value), *found]


def word_of_key(key: str) -> str:
    """What a key of the document means; a key without a word stands for itself."""
    return str(KEY_WORDS.get(key, key))


def _row(change: Change) -> ChangeRow:
    is_price = change.kind == "price-changed"
    detail = word_of_key(change.part) if change.kind == "component-changed" else change.part
    subject = word_of_key(change.subject) if change.kind == "heading-changed" else change.subject
    if change.kind == "component-changed" and not change.subject:
        subject, detail = word_of_key(change.part), ""
    if change.kind == "version-moved":
        subject = ""
    rises = change.percent is not None and change.percent > 0
    return ChangeRow(
        what=" ".join(
            filter(None, (str(KIND_WORDS[change.kind]), subject if subject != str(change.version) else ""))
        ),
        detail=f"{detail} ({change.unit})"
        if is_price and detail
        else detail or (change.unit if is_price else ""),
        before=_shown(change.before),
        after=_shown(change.after),
        percent=_percent(change),
        tone=("warn" if rises else "good") if change.percent else "quiet",
        is_priced=change.is_priced,
    )


def _shown(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:400]}…"


def _percent(change: Change) -> str:
    if change.percent is None:
        return ""
    share = Decimal(change.percent.numerator) / (change.percent.denominator * 100)
    text = formats.percent_text(share, language=get_language() or "en", decimals=2)
    return f"+{text}" if share > 0 else text


@dataclass(frozen=True)
class TextLine:
    """A line of the text compared: added, removed, the same, or the place where lines are left out."""

    kind: str
    text: str


def text_differences(before: str, after: str) -> list[TextLine]:
    """The texts line by line with three lines around each difference; empty when they are the same."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    found = islice(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3), 2, LINES_MAX)
    return [
        TextLine(kinds.get(line[:1], "same"), "…" if line.startswith("@@") else line[1:]) for line in found
    ]
