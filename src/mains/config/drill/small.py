"""Every drill at small size: for CI, and for `mains drill all`."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from mains.config.drill.at_once import pay_one_account_from_two_desks, pay_with_one_key
from mains.config.drill.clock import set_clock_back
from mains.config.drill.counts import DrillCounts
from mains.config.drill.killing import kill_everything
from mains.config.drill.oracle import compare_rounding
from mains.config.drill.paying import pay
from mains.config.drill.place import copied_database
from mains.config.drill.planted import find_altered_rows, find_broken_rows
from mains.config.drill.provider import misuse_provider
from mains.config.drill.resuming import kill_bill_run, kill_worker
from mains.config.drill.simulation import simulate
from mains.tariffs.queries.records import currency_of_utility

DRILLS = (
    "oracle", "same-key", "two-windows", "provider", "clock", "invariants", "seals", "simulate", "bill-run", "worker",
    "kill",
)  # fmt: skip


def run(name: str, *, home: Path, numbers: list[str], seed: int) -> DrillCounts:
    """Run one drill on a copy of the connected utility, whose home is only killed by the drill that says so."""
    with copied_database(f"drill_{name.replace('-', '_')}") as database:
        return _drills(home=home, database=database, numbers=numbers, seed=seed)[name]()


def pay_a_little(numbers: list[str]) -> None:
    """Some payments, for drills that break what is there."""
    for place, number in enumerate(numbers[:3]):
        pay(
            number=number,
            paid_on=date(2022, 1, 10),
            amount_minor=1_000 + place,
            reference=f"P-{place}",
            now=datetime(2022, 1, 11, 9, tzinfo=UTC),
        )


def _drills(
    *, home: Path, database: str, numbers: list[str], seed: int
) -> dict[str, Callable[[], DrillCounts]]:
    def broken(find: Callable[..., DrillCounts]) -> DrillCounts:
        pay_a_little(numbers)
        return find(seed=seed)

    return {
        "oracle": lambda: compare_rounding(rows=5_000, seed=seed),
        "same-key": lambda: pay_with_one_key(numbers=numbers, calls=12, seed=seed),
        "two-windows": lambda: pay_one_account_from_two_desks(numbers=numbers, rounds=3, seed=seed),
        "provider": lambda: misuse_provider(
            numbers=numbers, orders=14, seed=seed, currency=currency_of_utility()
        ),
        "clock": lambda: set_clock_back(numbers=numbers, seed=seed),
        "invariants": lambda: broken(find_broken_rows),
        "seals": lambda: broken(find_altered_rows),
        "simulate": lambda: simulate(numbers=numbers, days=5, seed=seed, currency=currency_of_utility()),
        "bill-run": lambda: kill_bill_run(kills=1, seed=seed),
        "worker": lambda: kill_worker(seed=seed),
        "kill": lambda: kill_everything(
            home=home, database=database, numbers=numbers, clients=4, rounds=2, seed=seed
        ),
    }
