"""Clients that pay until they are killed: forks of a process that has everything imported and nothing begun.

Run as a program with FOLDER DATABASE SEED and a file of account numbers in the folder, it reads numbers of clients,
forks each, and prints its pid.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from mains.config.chance import Repeatable

PAID_ON = date(2022, 1, 10)
NOW = datetime(2022, 1, 11, 9, tzinfo=UTC)
_NUMBERS = "numbers.json"


@contextmanager
def client_forks(
    folder: Path, *, database: str, numbers: list[str], seed: int
) -> Iterator[Callable[[int], int]]:
    """A function that begins client number so and so, and returns its pid."""
    (folder / _NUMBERS).write_text(json.dumps(numbers), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "mains.config.drill.client", str(folder), database, str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None  # it is piped
        assert answered is not None  # so is this

        def begin(client: int) -> int:
            asked.write(f"{client}\n")
            asked.flush()
            return int(answered.readline())

        try:
            yield begin
        finally:
            asked.close()


def written_lines(log: Path) -> list[list[object]]:
    """Payments that a client wrote down whole, as [reference, amount]: the last line may be cut by the kill."""
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_bytes().split(b"\n")[:-1] if line.startswith(b"[")]


def _pay_on(pay: Callable[..., bool], log: Path, client: int, numbers: list[str], seed: int) -> None:
    step = len(written_lines(log))
    # What was cut stays cut.
    with log.open("ab", buffering=0) as written:
        written.write(b"\n" if log.stat().st_size else b"")
        while True:
            # The same step is the same payment, whenever it is sent.
            chance = Repeatable(f"{seed}/{client}/{step}")
            reference, amount = f"K-{client}-{step}", chance.randint(1, 50_000)
            pay(
                number=chance.choice(numbers),
                paid_on=PAID_ON,
                amount_minor=amount,
                reference=reference,
                now=NOW,
            )
            written.write(json.dumps([reference, amount]).encode() + b"\n")
            step += 1


def main() -> None:
    """Fork a client for each line of the input."""
    from mains.config.start import start_django

    start_django(need_tables=False)
    from mains.config.drill.paying import pay  # and with it what every fork needs

    folder, database, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    numbers = json.loads((folder / _NUMBERS).read_text(encoding="utf-8"))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(partial(_pay_on, pay, folder / f"{int(line)}.log", int(line), numbers, seed), database)
        print(pid, flush=True)


def _run(pay_on: Callable[[], None], database: str) -> None:
    """Never returns."""
    from django.db import connections

    os.environ["MAINS_DATABASE"] = connections["default"].settings_dict["NAME"] = database
    try:
        pay_on()
    finally:
        # The server is killed under it: there is nobody to tell, and nothing of the parent's to close.
        os._exit(1)


if __name__ == "__main__":
    main()
