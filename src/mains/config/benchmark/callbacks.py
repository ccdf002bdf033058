"""Call-backs of a wallet at a fixed rate against the real server on this machine: how long each takes, and whether
every acknowledged payment is in the books exactly once."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from django.db import connection

from mains.config.benchmark.callback_floor import floor_p95_ms
from mains.config.benchmark.processor import family_seconds, server_seconds
from mains.config.chance import Repeatable
from mains.integrations.payment_providers.simulator import SimulatedOrder, WeChatDialect
from mains.ledger.queries import invariants as ledger_invariants
from mains.payments.actions.channels import secret_name, state_channel
from mains.payments.models import PaymentChannel, PaymentOrder
from mains.payments.queries import invariants as payment_invariants
from mains.payments.values.online import OrderState

CODE = "bench-wallet"
_CONNECTIONS = 64
_SEED = 823
_START_SECONDS = 60
_WARM_UP = 60
_OF_ACCOUNTS = """
    SELECT a.id, a.number FROM customers_account a
    WHERE EXISTS (SELECT FROM ledger_entry e WHERE e.account_id = a.id AND e.amount_minor > 0)
    ORDER BY a.id
"""


@dataclass(frozen=True, kw_only=True)
class CallbackFigures:
    """Milliseconds from the moment at which a call-back was due to be sent until its answer was there.

    `web_cpu_ms` and `database_cpu_ms` are processor time of one call-back; they hold on a machine that others use.
    `floor_p95_ms`: the same rows inserted again at the same rate by the database alone (`callback_floor`).
    `missing` are acknowledged payments without a receipt, `doubled` orders with more than one; both must be 0.
    """

    accounts: int
    rate_per_second: int
    seconds: int
    sent: int
    acknowledged: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float
    web_cpu_ms: float
    database_cpu_ms: float | None
    floor_p95_ms: float
    missing: int
    doubled: int
    breaches: int

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class _Call:
    number: str
    request: bytes


def time_callbacks(*, database: str, rate: int, seconds: int) -> CallbackFigures:
    """Serve the connected utility as `mains serve` does, and send it signed call-backs of WeChat Pay, each of another
    order of a random account that has bills, at `rate` per second whether or not earlier ones are answered."""
    dialect = WeChatDialect()
    channel = state_channel(
        code=CODE,
        title="Benchmark",
        kind="wallet",
        currency="RUB",
        adapter="wechat",
        settings=dialect.settings("http://127.0.0.1"),
        now=datetime.now(UTC),
    )
    orders = _orders(channel, count=rate * seconds + _WARM_UP)
    with _served(database, dialect) as (port, web):
        calls = [_call(dialect, order, port) for order in orders]
        asyncio.run(_send(calls[:_WARM_UP], port=port, rate=20))
        used, used_by_server = family_seconds(web), server_seconds()
        answers = asyncio.run(_send(calls[_WARM_UP:], port=port, rate=rate))
        web_ms = (family_seconds(web) - used) * 1000 / len(answers)
        on_server = server_seconds()
    taken = [number for number, status, _ in answers if status == 200]
    times = sorted(elapsed * 1000 for _, _, elapsed in answers)
    steps = quantiles(times, n=100, method="inclusive")
    missing, doubled = _checked(taken)
    return CallbackFigures(
        accounts=_count("SELECT count(*) FROM customers_account"),
        rate_per_second=rate,
        seconds=seconds,
        sent=len(answers),
        acknowledged=len(taken),
        errors=len(answers) - len(taken),
        p50_ms=round(steps[49], 1),
        p95_ms=round(steps[94], 1),
        p99_ms=round(steps[98], 1),
        slowest_ms=round(times[-1], 1),
        web_cpu_ms=round(web_ms, 2),
        database_cpu_ms=(
            None
            if on_server is None or used_by_server is None
            else round((on_server - used_by_server) * 1000 / len(answers), 2)
        ),
        floor_p95_ms=floor_p95_ms(numbers=taken, rate=rate),
        missing=missing,
        doubled=doubled,
        breaches=len(ledger_invariants.find_breaches()) + len(payment_invariants.find_breaches()),
    )


def _orders(channel: PaymentChannel, *, count: int) -> list[PaymentOrder]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_ACCOUNTS)
        accounts = cursor.fetchall()
    chance, now = Repeatable(_SEED), datetime.now(UTC)
    return PaymentOrder.objects.bulk_create(
        PaymentOrder(
            channel=channel,
            number=f"bench{place:012d}",
            account_id=account_id,
            account_number=number,
            amount_minor=chance.randint(1_00, 3_000_00),
            state=OrderState.OPEN,
            expires_at=now + timedelta(hours=1),
            next_try_at=now + timedelta(hours=1),
            created_at=now,
            changed_at=now,
        )
        for place, (account_id, number) in enumerate(chance.choices(accounts, k=count))
    )


@contextmanager
def _served(database: str, dialect: WeChatDialect) -> Iterator[tuple[int, int]]:
    """`mains serve` on a free port of 127.0.0.1, with the database and the secrets of the channel; port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"MAINS_DATABASE": database}
    environment |= {secret_name(CODE, name): value for name, value in dialect.secrets().items()}
    server = subprocess.Popen(
        [sys.executable, "-m", "mains", "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(port: int) -> None:
    for _ in range(_START_SECONDS * 5):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"The server did not listen on port {port}.")


def _call(dialect: WeChatDialect, order: PaymentOrder, port: int) -> _Call:
    paid = SimulatedOrder(
        number=order.number,
        amount_minor=order.amount_minor,
        currency="RUB",
        notify_url="",
        status="paid",
        payment=f"T-{order.number}",
    )
    headers, body = dialect.callback(paid, at=datetime.now(UTC))
    lines = [
        f"POST /callbacks/{CODE}/ HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return _Call(number=order.number, request="\r\n".join([*lines, "", ""]).encode() + body)


async def _send(calls: list[_Call], *, port: int, rate: int) -> list[tuple[str, int, float]]:
    """Number, status (0 for a lost connection) and seconds of each call; open loop over kept connections."""
    idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    loop, found = asyncio.get_running_loop(), []
    begin = loop.time() + 0.2

    async def send(place: int, call: _Call) -> None:
        due = begin + place / rate
        await asyncio.sleep(max(due - loop.time(), 0))
        reader, writer = await idle.get()
        if reader.at_eof():  # the server has closed it, because it had nothing to do for half a minute
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(call.request)
            status = await _read_status(reader)
        except (OSError, asyncio.IncompleteReadError):
            status = 0
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found.append((call.number, status, loop.time() - due))
        idle.put_nowait((reader, writer))

    await asyncio.gather(*(send(place, call) for place, call in enumerate(calls)))
    while not idle.empty():
        idle.get_nowait()[1].close()
    return found


async def _read_status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next(
        (int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:")), 0
    )
    await reader.readexactly(length)
    return int(lines[0].split()[1])


def _checked(taken: list[str]) -> tuple[int, int]:
    """How many of the acknowledged orders have no receipt, and how many orders have more than one."""
    missing = _count(
        "SELECT count(*) FROM unnest(%s::text[]) AS taken (number) WHERE NOT EXISTS ("
        " SELECT FROM payments_receipt r JOIN payments_paymentorder o ON o.id = r.order_id"
        " WHERE o.number = taken.number AND r.amount_minor = o.amount_minor)",
        taken,
    )
    doubled = _count(
        "SELECT count(*) FROM (SELECT order_id FROM payments_receipt WHERE order_id IS NOT NULL"
        " GROUP BY 1 HAVING count(*) > 1) AS twice"
    )
    return missing, doubled


def _count(statement: str, *params: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(params) or None)
        return int(cursor.fetchone()[0])
