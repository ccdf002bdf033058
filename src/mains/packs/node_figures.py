"""Figures of the demo's network, conversion factors and calorific values, as stations would have told them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from mains.network.actions.figures import record_node_figure
from mains.network.queries.trees import list_nodes
from mains.packs.definition import Pack, add_months
from mains.packs.population.draws import Draws
from mains.packs.profiles import FigureProfile

_KNOWN_AFTER = timedelta(days=1)
_CORRECTED_AFTER = timedelta(days=6)


class _Told(NamedTuple):
    """A figure in thousandths over [first, end), and the day on which it became known."""

    value: int
    first: date
    end: date | None
    known_on: date


def record_node_figures(*, pack: Pack, seed: int) -> None:
    """Record the pack's figures of nodes, each as of noon of the day on which it would have become known; the first
    node's is corrected when its month is billed, where the pack says so."""
    for profile in pack.figures:
        draws = Draws(seed=seed, stream=f"figure {profile.name}")
        for number, node in enumerate(list_nodes(service=pack.service, kind=profile.at)):
            for told in _told(
                pack, profile, draws=draws, is_corrected=number == 0 and profile.corrected != 0
            ):
                record_node_figure(
                    node=node,
                    name=profile.name,
                    value_micro=told.value * 1_000,
                    valid_from=told.first,
                    valid_to=told.end,
                    proof=profile.proof.format(
                        node=node.code, month=f"{told.first:%m.%Y}", known=f"{told.known_on:%d.%m.%Y}"
                    ),
                    actor=None,
                    now=datetime.combine(told.known_on, time(12), tzinfo=UTC),
                )


def _told(pack: Pack, profile: FigureProfile, *, draws: Draws, is_corrected: bool) -> Iterator[_Told]:
    """What becomes known of one node, in the order of time."""
    since, months = pack.billing.history_from, pack.billing.months
    if not (profile.monthly or profile.by_month):
        yield _Told(int(draws.integers(profile.low, profile.high, 1)[0]), since, None, since)
        return
    if profile.monthly:
        yield _Told(profile.before, since, months[0], since)
    course = profile.by_month or (0,) * len(months)
    drawn = draws.integers(profile.low, profile.high, len(months))
    for number, of_season, month in zip(drawn, course, months, strict=True):
        value, following = int(number) + of_season, add_months(month, 1)
        yield _Told(value, month, following, following + _KNOWN_AFTER)
        if is_corrected and month == months[0]:
            known = pack.billing.cut_off(month) + _CORRECTED_AFTER
            yield _Told(value + profile.corrected, month, following, known)
