"""The document as a form: which of its values are fields, and the document with the fields' values put in."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mains.engine.tariff import read_document
from mains.tariffs.values.document_text import Path, UnableToEditText, scalar_texts, set_text

PREFIX = "f:"
FIELDS_MAX = 800
_PRICE_KEYS = ("unit", "limit_unit", "by", "values", "tiers", "value", "source", "note")
KINDS = ("charge", "tax", "subsidy", "tax_included", "info", "quantity")
_HEADING_KEYS = (
    *("service", "currency", "currency_digits", "unit", "day_count", "on_change", "cut", "split_usage"),
    *("time_zone", "source", "note"),
)
_VERSION_KEYS = ("valid_from", "valid_to", "source", "confidence", "note")
_COMPONENT_KEYS = (
    *("formula", "kind", "when", "since", "until", "round", "each", "on_change", "cut", "average_round"),
    *("unit", "quantity", "source", "note"),
)
COMPONENT_SETTINGS = tuple(key for key in _COMPONENT_KEYS if key != "formula")
"""What can be added to a component in the form."""
HEADING_SETTINGS = (
    *("on_change", "cut", "split_usage", "day_count", "currency_digits", "time_zone", "source", "note"),
)
"""What can be added above the versions."""
BLOCKS = {
    "attributes": "attribute",
    "quantities": "measured_quantity",
    "balances": "balance",
    "holidays": "holiday",
    "time_of_use": "zone",
    "demand": "maximum",
}
"""Parts of the document that hold named entries, and what one of them is called."""
_OF_ACCOUNT = ("attributes", "quantities", "balances")
_OF_HOURS = ("holidays", "time_of_use", "demand")


@dataclass(frozen=True)
class Field:
    """One value of the document as an input. `key` names what it is, for the label; `remove` is the operation that
    leaves it, or the entry which it begins, out of the document.
    """

    path: Path
    key: str
    value: str
    detail: str = ""
    remove: str = ""

    @property
    def is_day(self) -> bool:
        """Whether it is a day that an input for dates can show."""
        return self.key in ("since", "until") and re.fullmatch(r"\d{4}-\d\d-\d\d", self.value) is not None

    @property
    def name(self) -> str:
        return PREFIX + json.dumps(self.path, ensure_ascii=False)

    @property
    def id(self) -> str:
        return field_id(self.path)


@dataclass(frozen=True)
class PriceRow:
    """A figure of a price: under which values of the table's keys, up to which limit. `limit` is a text where it is
    the key of an entry. `tier` is the path of the tier, when it is one of several.
    """

    place: str
    limit: Field | None
    limit_text: str
    price: Field
    tier: str


@dataclass(frozen=True)
class PriceCard:
    """A price with its unit and figures; `is_common` stands above the versions and counts for all of them."""

    name: str
    path: str
    is_common: bool
    settings: Sequence[Field]
    kept_by: str
    rows: Sequence[PriceRow]
    tiers: Sequence[tuple[str, str]]
    is_tiered: bool


@dataclass(frozen=True)
class ComponentCard:
    """A component with its titles by language and its other values; `path` is where it stands."""

    name: str
    path: str
    fields: Sequence[Field]
    is_only: bool


@dataclass(frozen=True)
class FormPage:
    """One version of the document as a form, and what stands above the versions."""

    heading: Sequence[Field]
    attributes: Sequence[Field]
    hours: Sequence[Field]
    has_time_zone: bool
    versions: Sequence[tuple[int, str]]
    version: int | None
    version_fields: Sequence[Field]
    prices: Sequence[PriceCard]
    components: Sequence[ComponentCard]
    components_are_common: bool
    add_price: str
    add_component: str

    @property
    def remove_version(self) -> str:
        return f'remove:["versions", {self.version}]'


def field_id(path: Path) -> str:
    """The id of the field of a path; any sign of a name may stand in it but not in an id."""
    return "f-" + "-".join(
        re.sub(r"[^0-9A-Za-z]", lambda sign: f"_{ord(sign[0]):x}", str(step)) for step in path
    )


def path_of(text: str) -> Path | None:
    """The path written in the name of a field or button; None when it is none."""
    try:
        steps = json.loads(text)
    except ValueError:
        return None
    is_path = isinstance(steps, list) and all(
        isinstance(step, str | int) and not isinstance(step, bool) for step in steps
    )
    return tuple(steps) if is_path and len(steps) < 20 else None


def with_fields(text: str, values: Mapping[str, str]) -> str:
    """The document with the values of posted fields put in where they differ. Raises UnableToEditText."""
    known = scalar_texts(text)
    for name, value in values.items():
        path = path_of(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
        if path is None or path not in known:
            continue
        # A browser sends its line ends; one line is all that a field has.
        wanted = " ".join(value.split())
        if wanted != " ".join(known[path].split()):
            text = set_text(text, path, wanted)
    return text


def read_form(text: str, *, version: int | None, today: date) -> FormPage:
    """The form of a document. Raises UnableToReadDocument or UnableToEditText when it cannot be one."""
    document = read_document(text)
    texts = scalar_texts(text)
    if not isinstance(document, Mapping):
        raise _unable("A tariff is a set of named entries.")
    page = _Reader(document, texts, version, today).page()
    count = sum(2 * len(card.rows) for card in page.prices) + sum(
        len(card.fields) for card in page.components
    )
    if count > FIELDS_MAX:
        raise _unable("The document has more values than a form can show.")
    return page


def _unable(message: str) -> UnableToEditText:
    return UnableToEditText(code="text-edit", message=message, remedy="Change it in the text view.")


def _remove(path: Path) -> str:
    return f"remove:{json.dumps(path, ensure_ascii=False)}"


class _Reader:
    def __init__(
        self, document: Mapping[str, object], texts: Mapping[Path, str], version: int | None, today: date
    ) -> None:
        self._document = document
        self._texts = texts
        listed = document.get("versions")
        self._versions = listed if isinstance(listed, list) else []
        self._version = self._chosen(version, today)

    def page(self) -> FormPage:
        base: Path = () if self._version is None else ("versions", self._version)
        own = self._versions[self._version] if self._version is not None else {}
        own_components = isinstance(own, Mapping) and own.get("components") is not None
        components = (*base, "components") if own_components else ("components",)
        prices = [*self._prices((*base, "prices"), is_common=not base)]
        if base:
            prices += self._prices(("prices",), is_common=True)
        return FormPage(
            heading=[
                *self._titles(("title",), "title"),
                *self._fields((), _HEADING_KEYS, optional=HEADING_SETTINGS),
            ],
            attributes=[*self._entries(_OF_ACCOUNT, ())],
            hours=[*self._entries(_OF_HOURS, ()), *(self._entries(_OF_HOURS, base) if base else ())],
            has_time_zone=("time_zone",) in self._texts,
            versions=[
                (at, self._texts.get(("versions", at, "valid_from"), "?"))
                for at in range(len(self._versions))
            ],
            version=self._version,
            version_fields=[*self._fields(base, _VERSION_KEYS)] if base else [],
            prices=prices,
            components=[*self._components(components)],
            components_are_common=bool(base) and not own_components,
            add_price=f"add-price:{json.dumps(self._home_of_prices(base))}",
            add_component=f"add-component:{json.dumps(components)}",
        )

    def _home_of_prices(self, base: Path) -> Path:
        """Where a new price is written: in the version where it has prices of its own, else above all versions."""
        return (
            (*base, "prices") if isinstance(_at(self._document, (*base, "prices")), Mapping) else ("prices",)
        )

    def _chosen(self, version: int | None, today: date) -> int | None:
        """The version asked for (one beyond the last is the last), else the one in force today, else the first."""
        if not self._versions:
            return None
        if version is not None:
            return min(version, len(self._versions) - 1)
        started = [
            at
            for at in range(len(self._versions))
            if self._texts.get(("versions", at, "valid_from"), "9") <= today.isoformat()
        ]
        return started[-1] if started else 0

    def _fields(self, base: Path, keys: Sequence[str], *, optional: Sequence[str] = ()) -> Iterator[Field]:
        for key in keys:
            here: Path = (*base, key)
            if here in self._texts:
                yield Field(here, key, self._texts[here], remove=_remove(here) if key in optional else "")

    def _titles(self, path: Path, key: str) -> Iterator[Field]:
        if path in self._texts:
            yield Field(path, key, self._texts[path])
        for found, value in self._texts.items():
            if found[:-1] == path:
                yield Field(found, key, value, str(found[-1]))

    def _entries(self, blocks: Sequence[str], base: Path) -> Iterator[Field]:
        """The values of named entries, such as attributes; the first value of each can take its entry away."""
        seen: set[Path] = set()
        for path, value in self._texts.items():
            inner = path[len(base) :]
            if path[: len(base)] != base or len(inner) < 2 or inner[0] not in blocks:
                continue
            depth = 3 if inner[:2] == ("holidays", "dates") else 2
            entry = path[: len(base) + depth]
            detail = " ".join(str(step) for step in inner[1:])
            yield Field(path, BLOCKS[str(inner[0])], value, detail, "" if entry in seen else _remove(entry))
            seen.add(entry)

    def _components(self, path: Path) -> Iterator[ComponentCard]:
        listed = _at(self._document, path)
        entries: list[tuple[str | int, object]] = []
        if isinstance(listed, list):
            entries = [*enumerate(listed)]
        elif isinstance(listed, Mapping):
            entries = [(str(key), value) for key, value in listed.items()]
        for key, entry in entries:
            here: Path = (*path, key)
            if isinstance(entry, Mapping):
                name = str(entry.get("name", key))
                fields = [
                    *self._fields(here, ("name",)),
                    *self._titles((*here, "title"), "title"),
                    *self._fields(here, _COMPONENT_KEYS, optional=COMPONENT_SETTINGS),
                ]
            else:
                name, fields = str(key), [Field(here, "formula", self._texts.get(here, ""))]
            yield ComponentCard(name, json.dumps(here, ensure_ascii=False), fields, len(entries) < 2)

    def _prices(self, path: Path, *, is_common: bool) -> Iterator[PriceCard]:
        prices = _at(self._document, path)
        if not isinstance(prices, Mapping):
            return
        for name, value in prices.items():
            here: Path = (*path, name)
            rows = [*self._rows(value, here, "", is_outer=True)]
            settings, kept_by = [], ""
            if isinstance(value, Mapping):
                settings = [*self._fields(here, ("unit", "limit_unit", "source", "note"))]
                by = value.get("by")
                kept_by = ", ".join(str(one) for one in by) if isinstance(by, list) else str(by or "")
            yield PriceCard(
                name=str(name),
                path=json.dumps(here, ensure_ascii=False),
                is_common=is_common,
                settings=settings,
                kept_by=kept_by,
                rows=rows,
                tiers=[*_tier_lists(value, here, "")],
                is_tiered=any(row.limit or row.limit_text or row.tier for row in rows),
            )

    def _rows(self, value: object, path: Path, place: str, *, is_outer: bool = False) -> Iterator[PriceRow]:
        if isinstance(value, list):
            for at, item in enumerate(value):
                yield from self._tier(item, (*path, at), place, is_one_of_several=len(value) > 1)
        elif isinstance(value, Mapping):
            if "tiers" in value:
                yield from self._rows_of_tiers(value["tiers"], (*path, "tiers"), place)
            elif "value" in value:
                yield from self._rows(value["value"], (*path, "value"), place)
            else:
                for key, child in value.items():
                    if key == "values":
                        yield from self._rows(child, (*path, key), place)
                    elif not (is_outer and key in _PRICE_KEYS):
                        yield from self._rows(child, (*path, key), f"{place}, {key}".removeprefix(", "))
        else:
            yield PriceRow(place, None, "", Field(path, "price", self._texts.get(path, "")), "")

    def _rows_of_tiers(self, tiers: object, path: Path, place: str) -> Iterator[PriceRow]:
        if not isinstance(tiers, Mapping):
            yield from self._rows(tiers, path, place)
            return
        for limit in tiers:
            here: Path = (*path, limit)
            yield PriceRow(place, None, str(limit), Field(here, "price", self._texts.get(here, "")), "")

    def _tier(self, item: object, path: Path, place: str, *, is_one_of_several: bool) -> Iterator[PriceRow]:
        tier = json.dumps(path, ensure_ascii=False) if is_one_of_several else ""
        limit: Path | None = None
        if isinstance(item, Mapping):
            limits = [key for key in ("to", "upto") if key in item]
            limit = (*path, limits[0]) if limits else None
            price: Path = (*path, "value" if "value" in item else "price")
        elif isinstance(item, list) and len(item) in (2, 3):
            limit, price = (*path, len(item) - 2), (*path, len(item) - 1)
        else:
            return
        if price in self._texts:
            field = Field(limit, "upto", self._texts[limit]) if limit in self._texts and limit else None
            yield PriceRow(place, field, "", Field(price, "price", self._texts[price]), tier)


def _tier_lists(value: object, path: Path, place: str) -> Iterator[tuple[str, str]]:
    """Place and path of every list of tiers in a price, for the button that adds one."""
    if isinstance(value, list):
        yield place, json.dumps(path, ensure_ascii=False)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            if key in ("by", "source", "note"):
                continue
            is_word = key in ("tiers", "values", "value")
            yield from _tier_lists(
                child, (*path, key), place if is_word else f"{place}, {key}".removeprefix(", ")
            )


def _at(document: object, path: Path) -> object:
    for step in path:
        if isinstance(document, Mapping):
            document = document.get(str(step))
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document
