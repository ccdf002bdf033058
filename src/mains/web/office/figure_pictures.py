"""Charts of the figures of a node: each over time, as believed now."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.network.queries.records import StatedFigure
from mains.reporting.queries.bill_paper.wording import attribute_name
from mains.web.office.parts import Chart, Series


def figure_charts(*, figures: Sequence[StatedFigure], today: date) -> list[Chart]:
    """A step line for each name that changed at least once; `figures` come by name."""
    charts = []
    for name, members in groupby(figures, key=lambda figure: figure.name):
        held = sorted(
            (figure for figure in members if figure.superseded_at is None),
            key=lambda figure: figure.valid_from,
        )
        if len(held) > 1:
            charts.append(_chart(name, held, today))
    return charts


def _chart(name: str, held: Sequence[StatedFigure], today: date) -> Chart:
    language = get_language() or "en"
    days = {figure.valid_from for figure in held} | {figure.valid_to for figure in held if figure.valid_to}
    # Where the last value goes on, the line ends today.
    days.add(max(today, max(days) + timedelta(days=1)))
    ordered = sorted(days)
    values = [_value_on(held, day) for day in ordered]
    current = _value_on(held, today)
    return Chart(
        key=f"figure-{name}",
        title=attribute_name(name),
        finding=_("%(value)s today") % {"value": _text(current, language)} if current is not None else "",
        categories=[formats.date_text(day, language=language) for day in ordered],
        series=[
            Series(
                attribute_name(name),
                [None if value is None else Decimal(value).scaleb(-6) for value in values],
                [_text(value, language) for value in values],
                kind="step",
            )
        ],
        category_label=_("From"),
        size="short",
        is_close_up=True,
    )


def _value_on(held: Sequence[StatedFigure], day: date) -> int | None:
    for figure in held:
        if figure.valid_from <= day and (figure.valid_to is None or day < figure.valid_to):
            return figure.value_micro
    return None


def _text(micro: int | None, language: str) -> str:
    return "" if micro is None else formats.quantity_text(micro, unit="", language=language)
