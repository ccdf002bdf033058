"""Bill the second month of the drill's utility in a process that kills itself after so many slices; 0 for never.

Run as a program it prints the hash of the run.
"""

import os
import signal
import sys


def main(kill_after: int) -> None:
    """Plan the run, or go on with it, and post its slices."""
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.billing.actions.runs import post_run
    from mains.billing.queries.hashes import run_hash
    from mains.billing.values import Stage
    from mains.config.drill.utility import known_on, plan_month, second_month

    slices = 0

    def on_slice(_stage: Stage, _done: int, _total: int) -> None:
        nonlocal slices
        slices += 1
        if slices == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    pack, month = second_month()
    run_id = plan_month(pack, month)
    post_run(run_id=run_id, now=known_on(pack, month), on_slice=on_slice)
    print(run_hash(run_id))


if __name__ == "__main__":
    main(int(sys.argv[1]))
