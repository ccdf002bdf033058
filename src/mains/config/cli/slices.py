"""What `mains report` prints of slices of the turnover, of collection, and of ages as of an instant."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mains.config.cli.days import command_time
from mains.config.cli.tables import Column, amount_text, print_table
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.reporting.queries.statement_files import StatementTable
    from mains.reporting.queries.turnover_slices import Slice


class UnableToFindSlice(MainsError):
    """A code names nothing."""


def asked_slice(
    *, month_from: date, month_to: date, as_of: datetime | None, only: Sequence[str] = ()
) -> "Slice":
    """The slice that `only` narrows to, parts such as `node=F-12`. Raises UnableToFindSlice."""
    from mains.customers.queries.records import find_party_id
    from mains.network.queries.records import find_node_id
    from mains.reporting.queries.turnover_slices import Slice
    from mains.staff.queries.names import find_unit_id, find_user_id
    from mains.tariffs.queries.names import find_tariff_id

    find: dict[str, Callable[[str], int | None]] = {
        "unit": lambda code: find_unit_id(code=code),
        "node": lambda code: find_node_id(code=code),
        "provider": lambda code: find_party_id(code=code),
        "tariff": lambda code: find_tariff_id(code=code),
        "person": lambda code: find_user_id(user_name=code),
    }
    told: dict[str, Any] = {}
    for part in only:
        name, _equals, code = part.partition("=")
        if name in ("service", "class"):
            told["category" if name == "class" else name] = code
            continue
        key = find[name](code) if name in find else None
        if key is None:
            raise UnableToFindSlice(
                code="slice-unknown",
                message=f"There is no {part}.",
                place="option --only",
                remedy="Write unit, node, service, provider, class, tariff or person, an equals sign and the code.",
            )
        told[name] = key
    return Slice(month_from=month_from, month_to=month_to, as_of=as_of, **told)


def print_slice(*, by: str, asked: "Slice", files: Mapping[str, Path | None]) -> None:
    """Print a slice by a dimension, or write it to files."""
    from mains.reporting.actions.turnover_tally import refresh_turnover
    from mains.reporting.queries.slice_tables import slice_table
    from mains.reporting.queries.turnover_slices import Dimension, turnover_accounts, turnover_by
    from mains.staff.values import EVERYTHING

    if by not in [one.value for one in Dimension]:
        raise typer.BadParameter(f"There is no dimension {by}. One of: {', '.join(Dimension)}.")
    refresh_turnover()
    dimension = Dimension(by)
    if dimension is Dimension.ACCOUNT:
        level = turnover_accounts(scope=EVERYTHING, asked=asked)
    else:
        level = turnover_by(scope=EVERYTHING, asked=asked, by=dimension)
    _give(slice_table(level, scope=EVERYTHING, within=""), f"turnover by {by}", asked, files)


def print_collection(*, by: str, asked: "Slice", files: Mapping[str, Path | None]) -> None:
    """Print collection against targets, or write it to files."""
    from mains.reporting.actions.turnover_tally import refresh_turnover
    from mains.reporting.queries.collection_targets import collection_lines
    from mains.reporting.queries.slice_tables import collection_table
    from mains.reporting.queries.turnover_slices import Dimension
    from mains.staff.values import EVERYTHING

    if by not in (Dimension.UNIT, Dimension.PERSON):
        raise typer.BadParameter("Collection is by unit or by person.")
    refresh_turnover()
    lines = collection_lines(scope=EVERYTHING, asked=asked, by=Dimension(by))
    _give(collection_table(lines, asked), f"collection by {by}", asked, files)


def print_ageing(*, on_date: date | None, as_of: datetime) -> None:
    """What was owed at the end of a day by how long it was overdue, as known at an instant; nothing is kept."""
    from django.utils import timezone

    from mains.ledger.queries.open_items import age_open_items
    from mains.ledger.values import Age

    day = on_date or timezone.localdate(as_of)
    sums = {
        age: (amount, accounts)
        for age, amount, accounts in age_open_items(on_date=day, as_of=as_of)
        .group_by("age")
        .sum()
        .select("age", "amount_minor", "accounts")
        .iter_rows()
    }
    print_table(
        [Column("age"), Column("amount", is_number=True), Column("accounts", is_number=True)],
        [
            (age.label, amount_text(sums.get(age.value, (0, 0))[0]), f"{sums.get(age.value, (0, 0))[1]:,}")
            for age in Age
        ],
    )


def _give(table: "StatementTable", name: str, asked: "Slice", files: Mapping[str, Path | None]) -> None:
    from mains.reporting.actions.kept_statements import printed_statement
    from mains.reporting.queries import statement_files

    makers = {
        "csv": statement_files.statement_csv,
        "xlsx": statement_files.statement_xlsx,
        "pdf": statement_files.statement_pdf,
    }
    wanted = {form: path for form, path in files.items() if path is not None}
    for form, path in wanted.items():
        path.write_bytes(
            printed_statement(
                asked={"name": name, "slice": str(asked), "reach": None},
                form=form,
                month_to=asked.month_to,
                make=partial(makers[form], table),
                now=command_time(),
            )
        )
        typer.echo(f"Written: {path}")
    if not wanted:
        print_table(
            [Column(title, is_number=place >= table.texts) for place, title in enumerate(table.headings)],
            [[_shown(cell) for cell in row] for row in (*table.rows, table.total)],
        )


def _shown(cell: str | int | Decimal | None) -> str:
    if cell is None:
        return "-"
    return amount_text(cell) if isinstance(cell, int) else str(cell)
