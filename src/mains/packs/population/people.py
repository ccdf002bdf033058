"""Names of people and firms, drawn from the pack's lists."""

import re

import numpy as np
import polars as pl

from mains.base.column_texts import text_of
from mains.packs.definition import Pack
from mains.packs.population.draws import Draws, Integers


def person_names(pack: Pack, *, count: int, draws: Draws) -> pl.DataFrame:
    """`family`, `given` and `full` names of `count` people.

    The full name is in the order of the country: family, given and patronymic where there are patronymics.
    """
    peoples = pack.names.peoples
    people = draws.pick([int(str(entry["share"])) for entry in peoples], count)
    gender = draws.integers(0, 1, count)
    numbers = [draws.integers(0, 1_000_000, count) for _ in range(3)]
    columns = {part: np.full(count, "", dtype=object) for part in ("family", "given", "patronymic")}
    for position, entry in enumerate(peoples):
        for sex, word in enumerate(("female", "male")):
            rows = np.flatnonzero((people == position) & (gender == sex))
            for number, part in zip(numbers, columns, strict=True):
                choices = entry.get(f"{word}_{part}")
                if choices:
                    columns[part][rows] = np.array(choices, dtype=object)[number[rows] % len(choices)]
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    has_patronymics = any("male_patronymic" in entry for entry in peoples)
    order = ("family", "given", "patronymic") if has_patronymics else ("given", "family")
    if pack.names.full_name:
        parts = re.findall(r"\{(\w+)\}", pack.names.full_name)
        return frame.with_columns(full=text_of(re.sub(r"\{\w+\}", "{}", pack.names.full_name), *parts))
    return frame.with_columns(full=pl.concat_str(order, separator=" "))


def firm_names(pack: Pack, *, numbers: Integers) -> pl.Series:
    """A firm's name for each number; equal numbers give equal names."""
    names, forms = np.array(pack.names.firms, dtype=object), np.array(pack.names.firm_forms, dtype=object)
    combined = np.array([form.format(name=name) for name in names for form in forms], dtype=object)
    return pl.Series("name", combined[numbers % len(combined)], dtype=pl.String)
