"""The same at the same moment: one key from fifty callers, and two files of one account's money."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

from django.db import connection

from mains.base.kept_connections import close_kept_connections
from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.config.drill.paying import MAPPING, pay, register_of
from mains.kernel.errors import MainsError
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register

_DAY, _NOW = date(2022, 1, 10), datetime(2022, 1, 11, 9, tzinfo=UTC)


def call_at_once(calls: list[Callable[[], object]]) -> list[object]:
    """What each call returned or refused, all begun at one moment in threads of their own."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        try:
            ready.wait(timeout=60)
            return call()
        except MainsError as error:
            return error
        finally:
            close_kept_connections()
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def pay_with_one_key(*, numbers: list[str], calls: int, seed: int) -> DrillCounts:
    """One payment sent by many callers at once, then the same key with another amount and another account."""
    number, other = numbers[seed % len(numbers)], numbers[(seed + 1) % len(numbers)]
    said = call_at_once([_one(number, 12_345, "ONE")] * calls)
    wrong = call_at_once([_one(number, 99_999, "ONE"), _one(other, 12_345, "ONE")])
    paid = count(
        "SELECT coalesce(-sum(e.amount_minor), 0) FROM ledger_entry e JOIN payments_receipt c ON c.id = e.document_id"
        " WHERE e.kind = 'payment' AND c.reference = 'ONE'"
    )
    return DrillCounts(
        name="same-key",
        seed=seed,
        counts={
            "calls": calls,
            "did it": sum(one is True for one in said),
            "told that it is done": sum(one is not True for one in said),
            "same key, other payment, refused": sum(one is not True for one in wrong),
        },
        losses={
            "receipts beyond one": abs(
                count("SELECT count(*) FROM payments_receipt WHERE reference = 'ONE'") - 1
            ),
            "money beyond the payment": abs(paid - 12_345),
            "other payments taken": sum(one is True for one in wrong),
            **book_losses(),
        },
    )


def pay_one_account_from_two_desks(*, numbers: list[str], rounds: int, seed: int) -> DrillCounts:
    """Two windows take money for one account at once, each its own: both count, and no debt is covered twice."""
    taken = 0
    for step in range(rounds):
        number = numbers[(seed + step) % len(numbers)]
        registers = [
            stage_register(
                content=register_of([(number, _DAY, 10_000 + step, f"W-{window}-{step}")]),
                file_name=f"window-{window}-{step}.csv",
                mapping=load_mapping(MAPPING),
                now=_NOW,
            ).pk
            for window in (1, 2)
        ]
        said = call_at_once([_accept(one) for one in registers])
        taken += sum(not isinstance(one, MainsError) for one in said)
    booked = count("SELECT count(*) FROM payments_receipt WHERE reference LIKE 'W-%%'")
    return DrillCounts(
        name="two-windows",
        seed=seed,
        counts={"rounds": rounds, "payments taken": taken, "payments in the books": booked},
        losses={
            "payments lost or doubled": abs(booked - 2 * rounds),
            "refused without need": 2 * rounds - taken,
            "debts covered beyond their amount": count(
                "SELECT count(*) FROM (SELECT e.id FROM ledger_allocation a JOIN ledger_entry e ON e.id = a.item_id"
                " GROUP BY e.id, e.amount_minor HAVING sum(a.amount_minor) > e.amount_minor) x"
            ),
            **book_losses(),
        },
    )


def _one(number: str, amount_minor: int, reference: str) -> Callable[[], object]:
    return lambda: pay(number=number, paid_on=_DAY, amount_minor=amount_minor, reference=reference, now=_NOW)


def _accept(register_id: int) -> Callable[[], object]:
    return lambda: accept_register(register_id=register_id, now=_NOW)
