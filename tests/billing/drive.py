"""A process of its own that bills one month, to be killed: prints `ready`, waits for a line, prints `done HASH`.

Arguments: month, number of processes, accounts per slice.
"""

import sys
from datetime import UTC, date, datetime

if __name__ == "__main__":
    from mains.config.start import start_django

    start_django(need_tables=False)

    from mains.billing.actions.runs import plan_run, post_run
    from mains.billing.queries.hashes import run_hash

    month = date.fromisoformat(sys.argv[1])
    closes = {3: datetime(2021, 4, 4, tzinfo=UTC), 4: datetime(2021, 5, 4, tzinfo=UTC)}
    print("ready", flush=True)
    sys.stdin.readline()
    run = plan_run(month=month, now=closes[month.month], accounts_per_slice=int(sys.argv[3]))
    post_run(run_id=run.pk, now=closes[month.month], processes=int(sys.argv[2]))
    print(f"done {run_hash(run.pk)}", flush=True)
