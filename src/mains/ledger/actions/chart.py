"""State how the utility's accountants number its control accounts."""

import re
from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from mains.kernel.errors import MainsError
from mains.ledger.models import ChartAccount
from mains.ledger.queries.chart import read_chart
from mains.ledger.values import Control

_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,19}", re.ASCII)


class UnableToStateAccount(MainsError):
    """The account cannot stand in the chart."""


def state_accounts(*, rows: Sequence[Mapping[str, str]], place: str) -> None:
    """State the rows of a file, columns control, service, code, name; all of them or, with an error, none."""
    with transaction.atomic():
        for line, row in enumerate(rows, start=2):
            missing = [name for name in ("control", "code") if not (row.get(name) or "").strip()]
            if missing:
                raise UnableToStateAccount(
                    code="chart-column",
                    message=f"{missing[0]} is missing.",
                    place=f"{place}, line {line}",
                    remedy="The first line names the columns control, service, code, name.",
                    params={"column": missing[0]},
                )
            state_account(
                control=row["control"].strip(),
                service=(row.get("service") or "").strip(),
                code=row["code"],
                name=row.get("name") or "",
                place=f"{place}, line {line}",
            )


def state_account(*, control: str, service: str = "", code: str, name: str, place: str = "") -> None:
    """Number a control account, for one service or for all; a second statement replaces the first.

    What is posted stays as it is: the chart only says under which number it is shown and exported. One number stands
    for one control account, of any services. Raises UnableToStateAccount.
    """
    code, name = code.strip(), " ".join(name.split())
    if control not in Control.values:
        raise UnableToStateAccount(
            code="chart-control",
            message=f"There is no control account {control}.",
            place=place or f"account {code}",
            remedy=f"One of: {', '.join(Control.values)}.",
            params={"control": control, "known": ", ".join(Control.values)},
        )
    if not _CODE.fullmatch(code):
        raise UnableToStateAccount(
            code="chart-code",
            message="The number has at most 20 letters, digits, dots and hyphens.",
            place=place or f"account {code}",
            remedy="Write it as your accountants do, for example 62.01.",
        )
    with transaction.atomic():
        _one_at_a_time()
        taken = next(
            (row for row in read_chart().rows.values() if row.code == code and row.control != control), None
        )
        if taken is not None:
            raise UnableToStateAccount(
                code="chart-code-taken",
                message=f"{code} is already the number of {taken.name}.",
                place=place or f"account {code}",
                remedy="Give each control account a number of its own.",
                params={"account": code, "name": taken.name},
            )
        ChartAccount.objects.update_or_create(
            control=control,
            service=service,
            defaults={"code": code, "name": name[:100] or str(Control(control).label)},
        )


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_chart'))")
