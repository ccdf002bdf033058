"""Energy tiers of one period of a URDB rate → price tables and the formula that charges by them.

Limits are in kWh or in hours of use of the demand (kWh/kW), each also by the day. A period may have both: an
entry in hours then opens a block, and the entries in kWh after it are the steps inside that block, in whose place
its own price does not count, as NREL's model fills them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from mains.engine.tariff.document import Value

Document = dict[str, object]
_STEPS = {"kWh": "", "kWh daily": "days"}
_BLOCKS = {"kWh/kW": "", "kWh/kW daily": " * days"}
_LIMIT_UNITS = {"kWh": "kWh", "kWh daily": "kWh/day", "kWh/kW": "kWh/kW", "kWh/kW daily": "kWh/kW/day"}


@dataclass(frozen=True)
class RateTier:
    """`limit` is the upper one, inclusive; None: the last. `price` in USD per kWh or kW."""

    limit: Decimal | None
    price: Decimal
    unit: str


@dataclass(frozen=True)
class PricedTiers:
    tables: dict[str, Document]
    formula: str


class UnableToPriceTiers(Exception):
    """What is wrong with the tiers, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass
class _Block:
    limit: Decimal | None
    price: Decimal
    steps: list[RateTier] = field(default_factory=list)


def needs_demand(tiers: Sequence[RateTier]) -> bool:
    return any(tier.unit in _BLOCKS for tier in tiers)


def price_tiers(tiers: Sequence[RateTier], *, name: str, amount: str, demand: str) -> PricedTiers:
    """Tables called after `name` and a formula for `amount`, the use of the period; it is "usage" when the period has
    all of it, otherwise it has its share of every tier. `demand`: formula of the kW which the hours are of.
    """
    units = {tier.unit or "kWh" for tier in tiers}
    unknown = units - _LIMIT_UNITS.keys()
    steps, blocks = units & _STEPS.keys(), units & _BLOCKS.keys()
    if unknown or len(steps) > 1 or len(blocks) > 1:
        message = f"Tiers in {' and '.join(sorted(unknown or units))} cannot be read."
        raise UnableToPriceTiers(
            message, f"Known: {', '.join(_LIMIT_UNITS)}, one by kW and one not in a period."
        )
    if steps and blocks:
        return _blocks_and_steps(tiers, name, amount, demand)
    scale = f"({demand}){_BLOCKS[blocks.pop()]}" if blocks else _STEPS[steps.pop()]
    shared = _share(amount) if len(tiers) > 1 else ""
    scaled = f", scale: {scale}" if scale and len(tiers) > 1 else ""
    return PricedTiers({name: energy_table(tiers)}, f"tiers({amount}, {name}{shared}{scaled})")


def energy_table(tiers: Sequence[RateTier]) -> Document:
    return {"unit": "USD/kWh", "limit_unit": _LIMIT_UNITS[tiers[0].unit or "kWh"], "tiers": table_rows(tiers)}


def table_rows(tiers: Sequence[RateTier]) -> list[Value]:
    return [[tier.limit, tier.price] for tier in tiers]


def _share(amount: str) -> str:
    return "" if amount == "usage" else ", share_of: usage"


def _blocks_and_steps(tiers: Sequence[RateTier], name: str, amount: str, demand: str) -> PricedTiers:
    unit = tiers[0].unit
    blocks = list(_blocks(tiers))
    scale = f"({demand}){_BLOCKS[unit]}"
    # A block with steps costs nothing by itself.
    plain = [RateTier(block.limit, Decimal(0) if block.steps else block.price, unit) for block in blocks]
    tables = {name: energy_table(plain)}
    terms = [f"tiers({amount}, {name}{_share(amount)}, scale: {scale})"]
    for number, (lower, block) in enumerate(pairwise([None, *blocks])):
        if block is None or not block.steps:
            continue
        table = f"{name}_steps_{number}"
        tables[table] = energy_table(block.steps)
        days = _STEPS[block.steps[0].unit or "kWh"]
        priced = f", {table}{f', scale: {days}' if days else ''})"

        def up_to(limit: Decimal | None, *, priced: str = priced) -> str:
            until = "usage" if limit is None else f"min(usage, {limit:f} [{_LIMIT_UNITS[unit]}] * {scale})"
            return f"tiers({until}{priced}"

        part = up_to(block.limit) if lower is None else f"({up_to(block.limit)} - {up_to(lower.limit)})"
        terms.append(part if amount == "usage" else f"if(usage > 0, {part} * ({amount}) / usage, 0)")
    return PricedTiers(tables, " + ".join(terms))


def _blocks(tiers: Sequence[RateTier]) -> Iterator[_Block]:
    block: _Block | None = None
    for tier in tiers:
        if tier.unit in _BLOCKS:
            if block is not None:
                yield _closed(block)
            block = _Block(tier.limit, tier.price)
        elif block is None:
            raise UnableToPriceTiers(
                "Tiers in kWh stand before the first one in kWh/kW: nothing says up to which demand they hold.",
                "Begin with the block of hours which they are the steps of.",
            )
        else:
            block.steps.append(tier)
    if block is not None:
        yield _closed(block)


def _closed(block: _Block) -> _Block:
    if block.steps and block.steps[-1].limit is not None:
        raise UnableToPriceTiers(
            f"The last step inside a block of hours ends at {block.steps[-1].limit:f} kWh.",
            "Leave `max` out of the last step of the block: the hours end it.",
        )
    return block
