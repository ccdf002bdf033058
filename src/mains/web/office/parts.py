"""What pages hand to the shared parts: charts, maps, formula trees, tabs, breadcrumbs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

from mains.base.formats import unit_text

Tone = Literal["good", "warn", "bad", "info", "quiet"]


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way down; the last one has no address."""

    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of one thing. `count` is shown when it is not None."""

    label: str
    url: str
    is_current: bool = False
    icon: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One line of the search list: `kind` names the icon, `detail` tells equal titles apart."""

    title: str
    url: str
    detail: str = ""
    icon: str = "user"


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """Hits of one kind under their heading."""

    label: str
    hits: Sequence[SearchHit]


@dataclass(frozen=True, slots=True)
class FormulaNode:
    """A step of a calculation. All texts are final; `value` and `unit` stand at the end of the line.

    `formula` is written with the names of the children, `note` says how the value was rounded, `source` names
    the reading, document or clause it came from and `source_url` opens it; `image_url` is a small picture of it.
    """

    label: str
    value: str = ""
    unit: str = ""
    formula: str = ""
    note: str = ""
    source: str = ""
    source_url: str = ""
    image_url: str = ""
    children: Sequence["FormulaNode"] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values along the categories of a chart.

    `values` set the size of bars and the height of lines, None leaves a gap; `texts` are the same values as
    people read them, with unit or currency. Series with the same `stack` stand on each other. An estimate is
    hatched or dashed.
    """

    name: str
    values: Sequence[Decimal | int | None]
    texts: Sequence[str]
    kind: Literal["bar", "line", "area", "step"] = "bar"
    stack: str = ""
    is_estimate: bool = False

    def __post_init__(self) -> None:
        if len(self.values) != len(self.texts):
            raise ValueError(f"Series {self.name}: {len(self.values)} values but {len(self.texts)} texts.")

    def shown(self, place: int) -> str:
        """Text of a value; a dash where there is none."""
        return "\N{EN DASH}" if self.values[place] is None else self.texts[place]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with a table behind it. `key` is its id on the page; `finding` is what it shows, in words.

    `is_close_up`: the axis does not begin at nought; for lines of figures that hardly change, never for bars.
    """

    key: str
    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    finding: str = ""
    category_label: str = ""
    size: Literal["", "short", "tall"] = ""
    is_close_up: bool = False

    def __post_init__(self) -> None:
        for series in self.series:
            if len(series.values) != len(self.categories):
                counts = f"{len(series.values)} values for {len(self.categories)} categories"
                raise ValueError(f"Series {series.name} has {counts}.")

    @property
    def spec(self) -> dict[str, Any]:
        """What the browser draws. Values travel as decimal texts: binary numbers exist only as pixels."""
        series = [
            asdict(one) | {"values": [None if value is None else str(value) for value in one.values]}
            for one in self.series
        ]
        return {
            "label": f"{self.title}. {self.finding}".strip(),
            "unit": unit_text(self.unit),
            "categories": list(self.categories),
            "close_up": self.is_close_up,
            "series": series,
        }

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same as a table: category, then one text per series."""
        return [
            (category, [series.shown(place) for series in self.series])
            for place, category in enumerate(self.categories)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for series in self.series for value in series.values)


@dataclass(frozen=True, slots=True)
class FlowLink:
    """A band of a flow picture: how much goes from one place to another, by their names."""

    source: str
    target: str
    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """A Sankey picture with the table behind it; drawn by the same island as a chart."""

    key: str
    title: str
    links: Sequence[FlowLink]
    amount_label: str
    finding: str = ""
    category_label: str = ""
    size: Literal["", "short", "tall"] = "tall"

    @property
    def spec(self) -> dict[str, Any]:
        """What the browser draws: bands wider than nothing; values as decimal texts."""
        return {
            "label": f"{self.title}. {self.finding}".strip(),
            "links": [asdict(link) | {"value": str(link.value)} for link in self.links if link.value > 0],
        }

    @property
    def series(self) -> list[Series]:
        """The one column of the table."""
        return [
            Series(self.amount_label, [link.value for link in self.links], [link.text for link in self.links])
        ]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Each band in words, with its amount."""
        return [(f"{link.source} → {link.target}", [link.text]) for link in self.links]

    @property
    def is_empty(self) -> bool:
        """Whether nothing flows."""
        return not any(link.value > 0 for link in self.links)


@dataclass(frozen=True, slots=True)
class Place:
    """A shape on the map: GeoJSON (longitude first), and what is shown when it is chosen."""

    geometry: dict[str, Any]
    label: str
    detail: str = ""
    url: str = ""
    tone: Literal["", "good", "warn", "bad", "muted"] = ""
    is_main: bool = False

    @classmethod
    def at(cls, *, latitude: float, longitude: float, label: str, **shown: Any) -> "Place":
        """A point by its coordinates in degrees (WGS 84)."""
        return cls({"type": "Point", "coordinates": [longitude, latitude]}, label, **shown)


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """A map of places with a list behind it. `key` is its id on the page.

    With `url` the map asks that address for the GeoJSON of what it shows, after each move, with the
    parameters west, south, east, north (degrees) and zoom; `bounds`, in that order, is the first view.
    """

    key: str
    title: str
    places: Sequence[Place] = field(default_factory=tuple)
    size: Literal["", "short", "tall"] = ""
    url: str = ""
    bounds: tuple[float, float, float, float] | None = None

    @property
    def collection(self) -> dict[str, Any]:
        """The places as a GeoJSON feature collection."""
        found: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": [self._feature(one) for one in self.places],
        }
        if self.bounds:
            found["bbox"] = list(self.bounds)
        return found

    @staticmethod
    def _feature(place: Place) -> dict[str, Any]:
        shown = {"label": place.label, "detail": place.detail, "url": place.url}
        style = {"tone": place.tone, "is_main": place.is_main}
        return {"type": "Feature", "geometry": place.geometry, "properties": shown | style}
