"""`mains drill`: break things on purpose in a database of their own, and count what is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.tables import Column, print_table

if TYPE_CHECKING:
    from mains.config.drill.counts import DrillCounts

app = typer.Typer(no_args_is_help=True)
_SEED = Annotated[int, typer.Option(help="The same seed draws the same moments and payments.")]


@app.callback()
def drill() -> None:
    """Each drill starts a server of its own under a temporary home, makes a utility in it, wrecks things, prints its
    counts, and ends with exit code 1 when anything was lost. Your own database is not touched."""


@app.command()
def kill(
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is killed.")] = 50,
    clients: Annotated[int, typer.Option(min=1, max=60, help="Clients that pay meanwhile.")] = 20,
    seed: _SEED = 1,
) -> None:
    """Kill the server and all paying clients at random moments; every acknowledged payment must be there once."""
    with _place(seed) as (home, numbers):
        from mains.config.drill.killing import kill_everything
        from mains.config.drill.place import copied_database

        with copied_database("drill_kill") as name:
            _end(
                [
                    kill_everything(
                        home=home, database=name, numbers=numbers, clients=clients, rounds=rounds, seed=seed
                    )
                ]
            )


@app.command()
def simulate(
    days: Annotated[int, typer.Option(min=1, max=365, help="Days to live.")] = 30, seed: _SEED = 1
) -> None:
    """Live days of payments, collections, returns and unreliable bank files, twice: the same seed, the same books."""
    with _place(seed) as (_home, numbers):
        found = [_simulated(numbers, days=days, seed=seed, name=f"drill_sim{turn}") for turn in (1, 2)]
        same = found[0].counts["books"] == found[1].counts["books"]
        _end(found, also={"runs of one seed that differ": int(not same)})


@app.command()
def invariants(seed: _SEED = 1) -> None:
    """Break rows behind the program's back; the checks of every night must find each."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.planted import find_broken_rows

        with _paid_copy("drill_invariants", numbers):
            _end([find_broken_rows(seed=seed)])


@app.command()
def seals(seed: _SEED = 1) -> None:
    """Alter sealed rows so that all sums agree; the seals must find each."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.planted import find_altered_rows

        with _paid_copy("drill_seals", numbers):
            _end([find_altered_rows(seed=seed)])


@app.command()
def same_key(
    calls: Annotated[int, typer.Option(min=2, max=80, help="Callers at one moment.")] = 50, seed: _SEED = 1
) -> None:
    """Send one payment from many callers at once, and its key with another amount and account: it is booked once."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.at_once import pay_with_one_key
        from mains.config.drill.place import copied_database

        with copied_database("drill_key"):
            _end([pay_with_one_key(numbers=numbers, calls=calls, seed=seed)])


@app.command()
def two_windows(
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of payments.")] = 20, seed: _SEED = 1
) -> None:
    """Take money for one account at two cash desks at once: both count, and no debt is covered twice."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.at_once import pay_one_account_from_two_desks
        from mains.config.drill.place import copied_database

        with copied_database("drill_windows"):
            _end([pay_one_account_from_two_desks(numbers=numbers, rounds=rounds, seed=seed)])


@app.command()
def provider(
    orders: Annotated[int, typer.Option(min=1, help="Orders, each misused in one way.")] = 140,
    seed: _SEED = 1,
) -> None:
    """Let a provider charge and fall silent, call back at once, late and wrongly: the money is in the books once."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.place import copied_database
        from mains.config.drill.provider import misuse_provider
        from mains.tariffs.queries.records import currency_of_utility

        with copied_database("drill_provider"):
            _end([misuse_provider(numbers=numbers, orders=orders, seed=seed, currency=currency_of_utility())])


@app.command()
def clock(seed: _SEED = 1) -> None:
    """Set the clock back between payments, closings and seals."""
    with _place(seed) as (_home, numbers):
        from mains.config.drill.clock import set_clock_back
        from mains.config.drill.place import copied_database

        with copied_database("drill_clock"):
            _end([set_clock_back(numbers=numbers, seed=seed)])


@app.command()
def bill_run(
    kills: Annotated[int, typer.Option(min=1, help="How often the run is killed.")] = 5, seed: _SEED = 1
) -> None:
    """Kill a bill run between slices and resume it: the same hash as undisturbed."""
    with _place(seed):
        from mains.config.drill.resuming import kill_bill_run

        _end([kill_bill_run(kills=kills, seed=seed)])


@app.command()
def worker(seed: _SEED = 1) -> None:
    """Kill a worker within a job: another one takes it over, and it is done once."""
    with _place(seed):
        from mains.config.drill.place import copied_database
        from mains.config.drill.resuming import kill_worker

        with copied_database("drill_worker"):
            _end([kill_worker(seed=seed)])


@app.command()
def oracle(
    rows: Annotated[int, typer.Option(min=10, help="Amounts to round.")] = 200_000, seed: _SEED = 1
) -> None:
    """Round amounts, every fifth a tie, by the engine, PostgreSQL's numeric and Python's decimal."""
    from mains.config.drill.oracle import compare_rounding
    from mains.config.drill.place import drill_home
    from mains.config.start import start_django

    with drill_home():
        start_django(need_tables=False)
        _end([compare_rounding(rows=rows, seed=seed)])


@app.command(name="all")
def every(seed: _SEED = 1) -> None:
    """All drills at small size, one after the other, in one place."""
    with _place(seed) as (home, numbers):
        from mains.config.drill import small

        _end([small.run(name, home=home, numbers=numbers, seed=seed) for name in small.DRILLS])


def _simulated(numbers: list[str], *, days: int, seed: int, name: str) -> "DrillCounts":
    from mains.config.drill.place import copied_database
    from mains.config.drill.simulation import simulate as live
    from mains.tariffs.queries.records import currency_of_utility

    with copied_database(name):
        return live(numbers=numbers, days=days, seed=seed, currency=currency_of_utility())


@contextmanager
def _place(seed: int) -> Iterator[tuple[Path, list[str]]]:
    """A home with a server, and in its database a small utility; the home and its account numbers."""
    from mains.config.drill.place import drill_home
    from mains.config.start import apply_migrations, start_django

    with drill_home() as home:
        start_django(need_tables=False)
        apply_migrations()
        from mains.config.drill.utility import SMALLEST, account_numbers, build_utility

        build_utility(accounts=SMALLEST, seed=seed)
        yield home, account_numbers()


@contextmanager
def _paid_copy(name: str, numbers: list[str]) -> Iterator[None]:
    from mains.config.drill.place import copied_database
    from mains.config.drill.small import pay_a_little

    with copied_database(name):
        pay_a_little(numbers)
        yield


def _end(found: "list[DrillCounts]", *, also: dict[str, int] | None = None) -> None:
    """Print the counts, and end with exit code 1 when something is lost."""
    rows: list[tuple[object, ...]] = []
    for one in found:
        rows += [(one.name, what, _shown(value), "") for what, value in one.counts.items()]
        rows += [
            (one.name, what, _shown(value), "ok" if not value else "LOST")
            for what, value in one.losses.items()
        ]
    rows += [("", what, _shown(value), "ok" if not value else "LOST") for what, value in (also or {}).items()]
    print_table(
        [Column("drill"), Column("what"), Column("count", is_number=True), Column("")], rows, empty=""
    )
    typer.echo(f"seed {found[0].seed}")
    if any(not one.is_sound for one in found) or any((also or {}).values()):
        raise typer.Exit(1)


def _shown(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"
