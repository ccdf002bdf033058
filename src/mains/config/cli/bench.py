"""`mains bench`: speed at the size of a whole utility."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from datetime import time as clock_time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mains.base.progress import ProgressReport
    from mains.staff.models import User

app = typer.Typer(help="Measure speed at the size of a whole utility.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Each benchmark makes its own database beside the others, keeps the loaded utility, and works on a copy."""


@app.command()
def billing(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 100 to 1,000,000.")] = 823_000,
    pack: Annotated[str, typer.Option(help="The pack that makes it.")] = "ru_communal",
    seed: Annotated[int, typer.Option(help="The same seed makes the same utility.")] = 1,
    growth: Annotated[
        str, typer.Option(help="Other sizes to compare with; empty for none.")
    ] = "50000,200000",
    second_month: Annotated[
        bool,
        typer.Option("--second-month/--first-only", help="Time the next month too, with its corrections."),
    ] = True,
    pages: Annotated[int, typer.Option(help="Account pages and searches to time; 0 for none.")] = 500,
    more_components: Annotated[
        int, typer.Option(help="Monthly charges added to every tariff, for longer bills.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Bill one month of a whole utility, and write the same rows by plain COPY in the same run.

    The utility is generated and loaded first and kept for the next time; that is not counted.
    """
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    with progress_report(quiet=as_json) as progress:
        result = _measure(
            pack,
            accounts=accounts,
            seed=seed,
            second_month=second_month,
            pages=pages,
            more_components=more_components,
            progress=progress,
        )
        sizes = [int(size) for size in growth.split(",") if size.strip() and int(size) != accounts]
        with progress.step("Compare sizes", total=len(sizes)) as step:
            result["growth"] = {}
            for size in sizes:
                result["growth"][str(size)] = _other_size(pack, size, seed)
                step.advance()
            result["growth"][str(accounts)] = result["seconds_per_100k_accounts"]
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        _print(result)


@app.command()
def recalculation(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 100 to 1,000,000.")] = 823_000,
    months: Annotated[int, typer.Option(help="Months to bill before anything is corrected.")] = 36,
    pack: Annotated[str, typer.Option(help="The pack that makes it.")] = "ru_communal",
    seed: Annotated[int, typer.Option(help="The same seed makes the same utility.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Correct years of one account after a late reading, and three months of all accounts after a change of price."""
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.benchmark.databases import loaded_copy
    from mains.config.benchmark.recalculation import time_recalculation
    from mains.packs.definition import read_pack

    definition = read_pack(pack)
    with (
        progress_report(quiet=as_json) as progress,
        loaded_copy(pack=pack, accounts=accounts, seed=seed, progress=progress),
        progress.step("Bill months", total=months) as step,
    ):
        figures = time_recalculation(pack=definition, months=months, on_month=lambda _: step.advance())
    data = {"pack": pack, "seed": seed} | figures.data()
    if as_json:
        typer.echo(json.dumps(data, indent=2))
        return
    typer.echo(f"{figures.accounts:,} accounts, {figures.months} months billed")
    for kind, one in figures.one_account_ms.items():
        typer.echo(
            f"one account ({kind}), {one.months} months corrected: median {one.median} ms, slowest {one.slowest} ms,"
            f" of which {one.median_processor} ms processor time of the command"
        )
    typer.echo(
        f"price changed 3 months back: {figures.tariff_seconds} s for {figures.tariff_corrections:,} accounts,"
        f" {figures.tariff_ratio} times three monthly runs {figures.monthly_seconds} s"
    )
    typer.echo(f"memory {figures.peak_memory_mib:,} MiB")


@app.command()
def replay(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 100 to 1,000,000.")] = 50_000,
    pack: Annotated[str, typer.Option(help="The pack that makes it.")] = "ru_communal",
    seed: Annotated[int, typer.Option(help="The same seed makes the same utility.")] = 1,
    months: Annotated[int, typer.Option(help="How many months to bill first.")] = 2,
    explanations: Annotated[int, typer.Option(help="Random bills to explain.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Replay all bills with the exact interpreters in one process, and explain random ones."""
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.benchmark.databases import loaded_copy
    from mains.config.benchmark.replay import bill_months, time_replay
    from mains.packs.definition import read_pack

    with (
        progress_report(quiet=as_json) as progress,
        loaded_copy(pack=pack, accounts=accounts, seed=seed, progress=progress),
    ):
        with progress.step("Bill months"):
            billed = bill_months(pack=read_pack(pack), months=months)
        with progress.step("Replay and explain"):
            found = time_replay(accounts=accounts, months=billed, explanations=explanations)
    if as_json:
        typer.echo(json.dumps({"pack": pack, "seed": seed} | found.data(), indent=2))
        return
    typer.echo(
        f"{found.bills:,} bills, {found.amounts:,} amounts, {found.differences:,} differences: "
        f"{found.cpu_seconds} s of one core, {found.bills_per_cpu_second:,} bills/s; "
        f"the server {found.server_cpu_seconds} s, by the clock {found.clock_seconds} s"
    )
    typer.echo(
        f"explanation of one bill: median {found.explanation_ms_median} ms, p95 {found.explanation_ms_p95} ms "
        f"({found.explained_bills} bills; processor {found.explanation_cpu_ms_median} and "
        f"{found.explanation_cpu_ms_p95} ms)"
    )


@app.command()
def whatif(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 100 to 1,000,000.")] = 823_000,
    pack: Annotated[str, typer.Option(help="The pack that makes it.")] = "ru_communal",
    seed: Annotated[int, typer.Option(help="The same seed makes the same utility.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Try the tariffs in force over one billed month of a whole utility: the what-if without its differences."""
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.benchmark.databases import loaded_copy
    from mains.config.benchmark.whatif import time_whatif
    from mains.packs.definition import read_pack

    definition = read_pack(pack)
    with (
        progress_report(quiet=as_json) as progress,
        loaded_copy(pack=pack, accounts=accounts, seed=seed, progress=progress),
        progress.step("Bill a month and try drafts on it"),
    ):
        result = time_whatif(pack=definition, month=definition.billing.months[0]).data()
    for name, value in result.items() if not as_json else ():
        typer.echo(f"{name.replace('_', ' ')}: {value}")
    if as_json:
        typer.echo(json.dumps(result, indent=2))


@app.command()
def callbacks(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 100 to 1,000,000.")] = 50_000,
    rate: Annotated[int, typer.Option(min=1, max=1_000, help="Call-backs a second.")] = 100,
    seconds: Annotated[int, typer.Option(min=1, max=120, help="For how long.")] = 60,
    pack: Annotated[str, typer.Option(help="The pack that makes it.")] = "ru_communal",
    seed: Annotated[int, typer.Option(help="The same seed makes the same utility.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Send signed call-backs of a wallet to the real server at a fixed rate, on this machine only."""
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.benchmark.callbacks import time_callbacks
    from mains.config.benchmark.databases import loaded_copy
    from mains.config.benchmark.replay import bill_months
    from mains.packs.definition import read_pack

    with (
        progress_report(quiet=as_json) as progress,
        loaded_copy(pack=pack, accounts=accounts, seed=seed, progress=progress) as database,
    ):
        with progress.step("Bill a month"):
            bill_months(pack=read_pack(pack), months=1)
        with progress.step("Send call-backs"):
            found = time_callbacks(database=database, rate=rate, seconds=seconds)
    if as_json:
        typer.echo(json.dumps({"pack": pack, "seed": seed} | found.data(), indent=2))
    else:
        typer.echo(
            f"{found.sent:,} call-backs at {found.rate_per_second}/s for {found.seconds} s,"
            f" {found.accounts:,} accounts:"
            f" p50 {found.p50_ms} ms, p95 {found.p95_ms} ms, p99 {found.p99_ms} ms, slowest {found.slowest_ms} ms"
        )
        typer.echo(
            f"{found.acknowledged:,} acknowledged, {found.errors:,} errors, {found.missing} missing in the books,"
            f" {found.doubled} doubled, {found.breaches} breaches of the ledger's invariants"
        )
        typer.echo(
            f"processor time of one call-back: server {found.web_cpu_ms} ms, database {found.database_cpu_ms} ms;"
            f" the same rows inserted by the database alone: p95 {found.floor_p95_ms} ms"
        )
    raise typer.Exit(1 if found.errors or found.missing or found.doubled or found.breaches else 0)


def _measure(
    pack: str,
    *,
    accounts: int,
    seed: int,
    second_month: bool,
    pages: int,
    more_components: int,
    progress: "ProgressReport",
) -> dict[str, Any]:
    from mains.config.benchmark.billing import time_month
    from mains.config.benchmark.components import add_components
    from mains.config.benchmark.databases import loaded_copy
    from mains.config.benchmark.pages import time_pages
    from mains.packs.definition import read_pack

    definition = read_pack(pack)
    with loaded_copy(pack=pack, accounts=accounts, seed=seed, progress=progress):
        months = definition.billing.months
        if more_components:
            known = datetime.combine(months[0], clock_time(), tzinfo=UTC)
            add_components(count=more_components, now=known)
        with progress.step(f"Bill {months[0]:%Y-%m}"):
            result = time_month(pack=definition, month=months[0]).data()
        if second_month and len(months) > 1:
            with progress.step(f"Bill {months[1]:%Y-%m}, with corrections"):
                result["second_month"] = time_month(pack=definition, month=months[1]).data()
        if pages:
            with progress.step("Open pages"):
                timed = time_pages(user=_all_seeing_user(), pages=pages)
                result["pages"] = {name: figures.data() for name, figures in timed.items()}
    return {"pack": pack, "seed": seed} | result


def _all_seeing_user() -> "User":
    from mains.staff.models import Assignment
    from mains.staff.values import Permission

    assignments = Assignment.objects.filter(superseded_at=None).select_related("user", "role")
    found = max(
        assignments.order_by("role_id", "user_id").distinct("role_id"),
        key=lambda one: len(
            set(one.role.permissions) & {Permission.SEE_ACCOUNTS, Permission.SEE_MONEY, *Permission}
        ),
    )
    return found.user


def _other_size(pack: str, accounts: int, seed: int) -> float:
    """Seconds per 100,000 accounts at another size, measured in a process of its own."""
    command = [sys.executable, "-m", "mains", "bench", "billing", "--pack", pack, "--accounts", str(accounts)]
    options = ["--seed", str(seed), "--growth", "", "--first-only", "--pages", "0", "--json"]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout)["seconds_per_100k_accounts"])


def _print(result: dict[str, Any]) -> None:
    for name in ("month", "second_month"):
        figures = result if name == "month" else result.get(name)
        if figures:
            _print_month(figures)
    for size, seconds in result["growth"].items():
        typer.echo(f"{int(size):,} accounts: {seconds} s per 100,000")
    for name, figures in result.get("pages", {}).items():
        times = f"median {figures['median_ms']} ms, p95 {figures['p95_ms']} ms"
        typer.echo(f"{name}: {times}, at most {figures['queries_max']} queries")


def _print_month(figures: dict[str, Any]) -> None:
    billed = f"{figures['bills']:,} bills with {figures['lines']:,} lines"
    typer.echo(f"{figures['month']}: {billed} for {figures['accounts']:,} accounts")
    for step, seconds in figures["steps"].items():
        typer.echo(f"  {step.replace('_', ' ')}: {seconds} s")
    typer.echo(f"  in all {figures['total_seconds']} s, {figures['accounts_per_second']:,} accounts/s")
    typer.echo(
        f"  memory {figures['peak_memory_mib']:,} MiB, written {figures['bytes_written'] / 2**20:,.0f} MiB"
    )
    typer.echo(
        f"  plain COPY of the same rows {figures['floor_seconds']} s: {figures['ratio_to_floor']} times that"
    )


@app.command()
def rating(
    accounts: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Accounts with a year of hours.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same use.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Rate a year of hourly use under time-of-use tiers and demand charges, side by side with NREL's PySAM.

    No database is needed. PySAM is optional: without it our own figure is given alone.
    """
    from mains.base.progress import progress_report
    from mains.config.benchmark.rating import time_rating

    with progress_report(quiet=as_json) as progress:
        result = time_rating(accounts=accounts, seed=seed, progress=progress)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    ours, peer = result["mains_ms_per_account"], result["pysam_ms_per_account"]
    typer.echo(f"{accounts} accounts, {result['intervals_per_account']} intervals and 12 bills each")
    typer.echo(f"Mains: {ours:.3f} ms per account-year, from intervals to bill lines")
    typer.echo(f"Mains, of all processors together: {result['mains_processor_ms_per_account']:.3f} ms")
    if peer is None:
        typer.echo(f"PySAM is not installed. {result['pysam_remedy']}")
        return
    typer.echo(f"PySAM {result['pysam_version']}: {peer:.3f} ms per account-year, computing alone")
    typer.echo(f"PySAM, of all processors together: {result['pysam_processor_ms_per_account']:.3f} ms")
    typer.echo(f"PySAM with handing over the load: {result['pysam_with_load_ms_per_account']:.3f} ms")
    typer.echo(f"Mains is {peer / ours:.1f} times as fast by the clock")
    typer.echo(
        f"{result['compared']} amounts compared to the cent, {result['different']} differ"
        f" (of these {result['different_by_a_tie']} by a half cent which a binary float cannot hold)"
    )
    for line in result["differences"]:
        typer.echo(f"  {line}")


@app.command()
def money(
    accounts: Annotated[int, typer.Option(help="Size of the utility, 1,000 to 1,000,000.")] = 50_000,
    months: Annotated[int, typer.Option(min=2, max=48, help="Months of bills and payments.")] = 3,
    payments: Annotated[int, typer.Option(help="Payments of the register and of each bank file.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Take in a register and bank files, post late interest, close a day, allocate one account anew; split a month of
    payments as one set, and ask for statements, in a ledger made for it."""
    from mains.base.progress import progress_report
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.benchmark.money import day_of_work, ledger_of, time_settlement
    from mains.config.benchmark.money_work import reallocation_ms, time_money_work

    with (
        progress_report(quiet=as_json) as progress,
        ledger_of(accounts=accounts, months=months, progress=progress),
    ):
        with progress.step("Registers, bank files, interest, closing"):
            work = time_money_work(payments=payments, day=day_of_work(months), currency="RUB")
        if not as_json:
            _print_work(work.data())
        found = time_settlement(accounts=accounts, months=months, progress=progress)
        # The last: its months make the ledger's tables more than those of the others need.
        one_account = reallocation_ms(day_of_work(months + 3))
    if as_json:
        typer.echo(json.dumps(found.data() | {"work": work.data(), "reallocation_ms": one_account}, indent=2))
        return
    typer.echo(f"{found.accounts:,} accounts, {found.months} months, {found.entries:,} entries")
    typer.echo(
        f"a month split: {found.split_month_seconds} s, {found.split_month_rows:,} parts; "
        f"all again, nothing changed: {found.split_again_seconds} s; "
        f"asked for with nothing new: {found.split_one_ms} ms; {found.breaches} breaches"
    )
    typer.echo(
        f"counted for statements: all {found.tally_seconds} s, one more month {found.tally_month_seconds} s"
    )
    for name, milliseconds in found.statement_ms.items():
        typer.echo(f"{name}: {milliseconds} ms")
    typer.echo(f"one account with 36 months allocated anew: {one_account} ms")


def _print_work(found: dict[str, Any]) -> None:
    spent = found.pop("processor_seconds")
    for name, value in found.items():
        unit = "" if name in ("payments", "interest_lines") else " ms" if name.endswith("_ms") else " s"
        typer.echo(f"{name.removesuffix('_ms').replace('_', ' ')}: {value:,}{unit}")
    typer.echo(f"processor time of command and server: {json.dumps(spent)}")
