"""SIGKILL of server and clients while they pay, again and again; then every acknowledged payment is looked for."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from mains.base import embedded
from mains.config.chance import Repeatable
from mains.config.drill.client import client_forks, written_lines
from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.config.drill.place import ORIGINAL, kill_server

_START_SECONDS = 30


def kill_everything(
    *, home: Path, database: str, numbers: list[str], clients: int, rounds: int, seed: int
) -> DrillCounts:
    """Let clients pay and kill everything at a random moment, `rounds` times; then count.

    A client writes down what was acknowledged as soon as the call returns. In the next round it first sends the payment
    again of which it knows no answer.
    """
    chance = Repeatable(seed)
    folder = home / "acknowledged"
    folder.mkdir()
    killed = 0
    with client_forks(folder, database=database, numbers=numbers, seed=seed) as begin:
        for _ in range(rounds):
            embedded.ensure_running(home, database=ORIGINAL)
            before = _acknowledged(folder)
            pids = [begin(client) for client in range(clients)]
            # The moment is drawn from the time in which they pay, not from that in which they start.
            _wait_for_payments(folder, len(before))
            time.sleep(chance.uniform(0, 0.6))
            killed += kill_server(home)
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    embedded.ensure_running(home, database=ORIGINAL)
    return _count(_acknowledged(folder), rounds=rounds, killed=killed, clients=clients, seed=seed)


def _acknowledged(folder: Path) -> list[list[object]]:
    return [line for log in sorted(folder.glob("*.log")) for line in written_lines(log)]


def _wait_for_payments(folder: Path, before: int) -> None:
    limit = time.monotonic() + _START_SECONDS
    while len(_acknowledged(folder)) <= before:
        if time.monotonic() > limit:
            print("no client could pay in time", file=sys.stderr)
            return
        time.sleep(0.02)


def _count(
    acknowledged: list[list[object]], *, rounds: int, killed: int, clients: int, seed: int
) -> DrillCounts:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.reference, c.amount_minor, count(*), -coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e"
            " WHERE e.kind = 'payment' AND e.document_id = min(c.id)), 0)"
            " FROM payments_receipt c WHERE c.reference LIKE 'K-%%' GROUP BY 1, 2",
            [],
        )
        there = {(reference, minor): (times, paid) for reference, minor, times, paid in cursor.fetchall()}
    keys = [(str(reference), int(str(minor))) for reference, minor in acknowledged]
    return DrillCounts(
        name="kill",
        seed=seed,
        counts={
            "rounds": rounds,
            "clients": clients,
            "processes killed": killed,
            "payments acknowledged": len(keys),
            "payments in the books": count(
                "SELECT count(*) FROM payments_receipt WHERE reference LIKE 'K-%%'"
            ),
        },
        losses={
            "acknowledged and missing": sum(key not in there for key in keys),
            "there more than once": sum(times > 1 for times, _ in there.values()),
            "booked with another amount": sum(paid != minor for (_, minor), (_, paid) in there.items()),
            "rounds without a payment": int(len(keys) < rounds),
            **book_losses(),
        },
    )
