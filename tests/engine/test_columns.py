"""The column side on its own: sizes beyond 128 bits, several tariffs at once, items refused alone, the order
of lines.
"""

from datetime import date

import polars as pl
import pytest

from mains.engine.columns import POSTED_KINDS, Rated, TariffSet, compile_tariffs, rate_columns
from mains.engine.columns.compiled import MISSING
from mains.engine.exact import rate_exact
from mains.engine.facts import DatedValue, Facts, Stretch
from mains.engine.tariff import Tariff, read_tariff

MAY, JUNE = date(2024, 5, 1), date(2024, 6, 1)


def tariff_of(code: str, *, price: str = "3.61", currency: str = "RUB", by_band: bool = False) -> Tariff:
    energy: dict[str, object] = {"unit": f"{currency}/kWh", "tiers": [["150", price], [None, "6.07"]]}
    if by_band:
        energy = {
            "unit": f"{currency}/kWh",
            "by": "band",
            "A": {"tiers": [["150", price], [None, "6.07"]]},
            "B": "5",
        }
    return read_tariff(
        {
            "tariff": code,
            "currency": currency,
            "unit": "kWh",
            "attributes": {"band": "text"},
            "versions": [
                {
                    "valid_from": "2020-01-01",
                    "prices": {"energy": energy, "vat": "20 %"},
                    "components": [
                        {"name": "energy", "formula": "tiers(usage, energy)"},
                        {"name": "vat", "kind": "tax", "formula": "vat * energy"},
                    ],
                }
            ],
        }
    )


def frame_of(*rows: tuple[int, str, int | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(item, code, MAY, JUNE, MAY, JUNE, use, band) for item, code, use, band in rows],
        schema={
            "item_id": pl.Int64,
            "tariff": pl.String,
            "from_date": pl.Date,
            "to_date": pl.Date,
            "period_from": pl.Date,
            "period_to": pl.Date,
            "usage_micro": pl.Int64,
            "band": pl.String,
        },
        orient="row",
    )


def totals(rated: Rated) -> dict[int, int]:
    posted = rated.lines.filter(pl.col("kind").cast(pl.String).is_in(list(POSTED_KINDS)))
    return dict(posted.group_by("item_id").agg(pl.col("amount_minor").sum()).iter_rows())


def refusals(rated: Rated) -> dict[int, str]:
    return dict(rated.refused.select("item_id", "code").iter_rows())


def exact_total(tariff: Tariff, use: int, band: str | None) -> int:
    attributes = {"band": (DatedValue(band),)} if band else {}
    return rate_exact(
        tariff=tariff, facts=Facts(MAY, JUNE, {"usage": (Stretch(MAY, JUNE, use),)}, attributes)
    ).total_minor


@pytest.mark.parametrize("use", [1, 150 * 10**6, 10**15, 2**62, -(2**62), 2**63 - 1])
def test_sizes_up_to_the_largest(use: int) -> None:
    tariff = tariff_of("t", price="0.00000001")
    rated = rate_columns(
        tariffs=compile_tariffs([tariff]), segments=frame_of((1, "t", use, None), (2, "t", 7, None))
    )
    assert totals(rated) == {1: exact_total(tariff, use, None), 2: exact_total(tariff, 7, None)}


def test_one_item_beyond_128_bits_is_rated_exactly_and_does_not_disturb_the_others() -> None:
    price = "1.00000000000000000000000000000001"
    tariff = tariff_of("t", price=price)
    rows = [(item, "t", 10**6 * item, None) for item in range(1, 100)]
    rated = rate_columns(
        tariffs=compile_tariffs([tariff]), segments=frame_of(*rows, (100, "t", 10**14, None))
    )
    expected = {item: exact_total(tariff, use, None) for item, _, use, _ in rows} | {
        100: exact_total(tariff, 10**14, None)
    }
    assert totals(rated) == expected


def test_amount_beyond_64_bits_is_refused_alone() -> None:
    tariffs = compile_tariffs([tariff_of("t", price="1000000000000000")])
    rated = rate_columns(
        tariffs=tariffs, segments=frame_of((1, "t", 100 * 10**12, None), (2, "t", 10**6, None))
    )
    assert refusals(rated) == {1: "amount-too-large"}
    assert list(totals(rated)) == [2]


def test_tariffs_of_one_structure_are_computed_together() -> None:
    plain, dearer, banded = (
        tariff_of("plain"),
        tariff_of("dearer", price="4.20"),
        tariff_of("banded", by_band=True),
    )
    tariffs = compile_tariffs([plain, dearer, banded])
    assert tariffs.editions[0].structure == tariffs.editions[1].structure
    rows = [
        (1, "plain", 10**8, None),
        (2, "dearer", 3 * 10**8, None),
        (3, "banded", 10**8, "A"),
        (4, "banded", 3 * 10**8, "B"),
    ]
    by_code = {"plain": plain, "dearer": dearer, "banded": banded}
    rated = rate_columns(tariffs=tariffs, segments=frame_of(*rows))
    assert totals(rated) == {item: exact_total(by_code[code], use, band) for item, code, use, band in rows}
    assert rated.lines["item_id"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_items_are_refused_alone_and_with_a_reason() -> None:
    tariffs = compile_tariffs([tariff_of("plain"), tariff_of("banded", by_band=True)])
    good = frame_of(
        (1, "plain", 10**6, None),
        (2, "plain", None, None),
        (3, "banded", 10**6, None),
        (4, "banded", 10**6, "Z"),
        (5, "nobody", 1, None),
    )
    gap = frame_of((6, "plain", 1, None)).with_columns(period_to=pl.lit(date(2024, 7, 1)))
    early = frame_of((7, "plain", 1, None)).with_columns(
        from_date=pl.lit(date(2010, 5, 1)), period_from=pl.lit(date(2010, 5, 1))
    )
    rated = rate_columns(tariffs=tariffs, segments=pl.concat([good, gap, early]))
    assert refusals(rated) == {
        2: "use-missing",
        3: "attribute-missing",
        4: "value-missing",
        5: "no-tariff",
        6: "segments-do-not-cover",
        7: "no-version",
    }
    assert list(totals(rated)) == [1]


def test_order_of_rows_does_not_matter() -> None:
    tariffs = compile_tariffs([tariff_of("plain"), tariff_of("banded", by_band=True)])
    frame = frame_of(*[(item, "banded" if item % 3 else "plain", item * 10**6, "A") for item in range(50)])
    shuffled = frame.sample(fraction=1, shuffle=True, seed=7)
    assert rate_columns(tariffs=tariffs, segments=frame).lines.equals(
        rate_columns(tariffs=tariffs, segments=shuffled).lines
    )


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["A", "B"])])
def test_texts_may_be_categories(dtype: pl.DataType) -> None:
    tariffs = compile_tariffs([tariff_of("banded", by_band=True)])
    frame = frame_of((1, "banded", 10**6, "A"), (2, "banded", 10**6, "B"))
    plain = rate_columns(tariffs=tariffs, segments=frame).lines
    assert plain.equals(
        rate_columns(tariffs=tariffs, segments=frame.with_columns(pl.col("band").cast(dtype))).lines
    )


def test_empty_frame_gives_empty_lines_of_the_same_columns() -> None:
    tariffs = compile_tariffs([tariff_of("t")])
    some = rate_columns(tariffs=tariffs, segments=frame_of((1, "t", 1, None)))
    none = rate_columns(tariffs=tariffs, segments=frame_of())
    assert none.lines.schema == some.lines.schema
    assert none.refused.height == none.lines.height == 0


def test_a_wrong_frame_is_the_callers_fault() -> None:
    tariffs = compile_tariffs([tariff_of("t")])
    frame = frame_of((1, "t", 1, None))
    with pytest.raises(ValueError, match="usage_micro"):
        rate_columns(tariffs=tariffs, segments=frame.with_columns(pl.col("usage_micro").cast(pl.Float64)))
    with pytest.raises(ValueError, match="from_date"):
        rate_columns(tariffs=tariffs, segments=frame.drop("from_date"))


def test_currencies_of_no_and_three_decimals() -> None:
    for currency, minor in (("JPY", 54_200), ("KWD", 541_500)):
        tariff = tariff_of("t", currency=currency)
        energy = rate_columns(
            tariffs=compile_tariffs([tariff]), segments=frame_of((1, "t", 150 * 10**6, None))
        ).lines["amount_minor"][0]
        assert energy == minor


def test_two_tariffs_of_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="one code"):
        TariffSet([tariff_of("t"), tariff_of("t")])


def test_cells_are_laid_out_once_for_all_editions() -> None:
    tariffs = compile_tariffs([tariff_of("plain"), tariff_of("banded", by_band=True)])
    layout = tariffs.layout("energy", None)
    # The plain tariff's table is also the one of band A.
    assert len(layout.cells) == 2
    assert MISSING in layout.cell_numbers.tolist()
