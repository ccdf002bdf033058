"""Bills a month in a process that is made to be killed.

Reads lines `DATABASE MONTH PROCESSES ACCOUNTS_PER_SLICE`; the month `recalculation` recalculates those billed. Each is
billed by a fork of this process, which has everything imported and nothing begun: it prints `child PID`, then
`done HASH` unless it is killed, then `ended`.
"""

import os
import sys
import traceback
from datetime import UTC, date, datetime
from importlib import import_module

CLOSES = {3: datetime(2021, 4, 4, tzinfo=UTC), 4: datetime(2021, 5, 4, tzinfo=UTC)}


RECALCULATED = datetime(2021, 4, 20, tzinfo=UTC)


def bill(database: str, month: str, *, processes: int, accounts_per_slice: int) -> str:
    from django.db import connections

    from mains.billing.actions.recalculations import plan_recalculation
    from mains.billing.actions.runs import plan_run, post_run
    from mains.billing.models import BillRun
    from mains.billing.queries.hashes import run_hash
    from mains.config.start import start_database

    start_database()
    os.environ["MAINS_DATABASE"] = database
    connections["default"].settings_dict["NAME"] = database
    if month == "planned":
        plan_recalculation(now=RECALCULATED, accounts_per_slice=accounts_per_slice)
        return month
    if month == "recalculation":
        now = RECALCULATED
        # Planned, finished, and then asked for once more: the one that is finished counts.
        run = BillRun.objects.filter(kind=month).first() or plan_recalculation(
            now=now, accounts_per_slice=accounts_per_slice
        )
        assert run is not None
    else:
        now = CLOSES[int(month[5:7])]
        run = plan_run(month=date.fromisoformat(month), now=now, accounts_per_slice=accounts_per_slice)
    post_run(run_id=run.pk, now=now, processes=processes)
    return run_hash(run.pk)


def in_child(line: str) -> None:
    """Never returns."""
    try:
        database, month, processes, per_slice = line.split()
        found = bill(database, month, processes=int(processes), accounts_per_slice=int(per_slice))
        os.write(1, f"done {found}\n".encode())
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os._exit(0)


if __name__ == "__main__":
    from mains.config.start import start_django

    start_django(need_tables=False)

    for needed in ("actions.recalculations", "actions.runs", "queries.hashes"):
        import_module(f"mains.billing.{needed}")  # what every fork needs

    for command in sys.stdin:
        child = os.fork()
        if child == 0:
            in_child(command)
        os.write(1, f"child {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")
