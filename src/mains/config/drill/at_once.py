"""The same at the same moment: one key from fifty callers, and one account's money at two cash desks."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from threading import Barrier

from django.db import connection

from mains.base.kept_connections import close_kept_connections
from mains.cashdesk.actions.desks import add_desk
from mains.cashdesk.actions.payments import Asked, PaidLine, TakenPayment, take_payment
from mains.cashdesk.actions.shifts import Count, open_shift
from mains.cashdesk.queries.payers import list_payers
from mains.cashdesk.values import Means
from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.config.drill.paying import pay
from mains.kernel.errors import MainsError
from mains.payments.queries.supply import utility_id
from mains.staff.models import User
from mains.staff.values import EVERYTHING

_DAY, _NOW = date(2022, 1, 10), datetime(2022, 1, 11, 9, tzinfo=UTC)


def call_at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
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
    """Two cashiers take money for one account at the same moment, and each sends the form twice. Where nobody looked
    what it owes, both count; where both looked, one is told to look again. No debt is covered twice."""
    windows = [_Window(place) for place in (1, 2)]
    said: Counter[str] = Counter()
    for step in range(rounds):
        account_id = count(
            f"SELECT id FROM customers_account WHERE number = '{numbers[(seed + step) % len(numbers)]}'"
        )
        (payer,) = list_payers(account_ids=[account_id], scope=EVERYTHING).values()
        seen = payer.owed_minor if step % 2 else None
        forms = [window.form(account_id, 10_000 + step, seen_minor=seen, step=step) for window in windows]
        calls = [
            partial(window.take, form) for window, form in zip(windows, forms, strict=True) for _ in range(2)
        ]
        answers = call_at_once(calls)
        said.update(_name_of(one) for one in answers)
        for window, form, answer in zip(windows, forms, answers[::2], strict=True):
            if isinstance(answer, MainsError):  # the cashier looks again
                again = replace(form, lines=tuple(replace(line, seen_minor=None) for line in form.lines))
                said[f"{_name_of(call_at_once([partial(window.take, again)])[0])} when looked again"] += 1
    booked = count("SELECT count(*) FROM cashdesk_deskpayment")
    return DrillCounts(
        name="two-windows",
        seed=seed,
        counts={"rounds": rounds, "payments in the books": booked, **dict(sorted(said.items()))},
        losses={
            "payments lost or doubled": abs(booked - 2 * rounds),
            "receipts that are not one each": abs(
                count("SELECT count(*) FROM payments_receipt WHERE money_control = 'cash_desk'") - 2 * rounds
            ),
            "rounds in which both desks had looked and both went on": abs(
                said["refused: desk-owes-other"] - 2 * (rounds // 2)
            ),
            "refused for another reason": sum(
                times
                for name, times in said.items()
                if name.startswith("refused") and "owes-other" not in name
            ),
            "debts covered beyond their amount": count(
                "SELECT count(*) FROM (SELECT e.id FROM ledger_allocation a JOIN ledger_entry e ON e.id = a.item_id"
                " GROUP BY e.id, e.amount_minor HAVING sum(a.amount_minor) > e.amount_minor) x"
            ),
            **book_losses(),
        },
    )


class _Window:
    """A cash desk of the utility with its cashier, and an open shift on an empty till."""

    def __init__(self, place: int) -> None:
        self.cashier_id = list(User.objects.order_by("pk").values_list("pk", flat=True)[:2])[place - 1]
        desk = add_desk(
            code=f"W-{place}", name=f"Window {place}", organisation_id=utility_id(), void_limit_minor=0
        )
        self.shift_id = open_shift(
            desk_id=desk.pk,
            count=Count(),
            from_safe_minor=0,
            reason="",
            now=_NOW,
            actor_id=self.cashier_id,
            scope=EVERYTHING,
        ).pk

    def form(self, account_id: int, amount_minor: int, *, seen_minor: int | None, step: int) -> Asked:
        return Asked(
            key=f"window:{self.cashier_id}:{step}",
            means=Means.CASH,
            lines=(PaidLine(account_id=account_id, amount_minor=amount_minor, seen_minor=seen_minor),),
            tendered_minor=amount_minor,
        )

    def take(self, form: Asked) -> TakenPayment:
        return take_payment(
            shift_id=self.shift_id, asked=form, now=_NOW, actor_id=self.cashier_id, scope=EVERYTHING
        )


def _name_of(answer: object) -> str:
    if isinstance(answer, MainsError):
        return f"refused: {answer.code}"
    assert isinstance(answer, TakenPayment)
    return "told that it is done" if answer.was_known else "taken"


def _one(number: str, amount_minor: int, reference: str) -> Callable[[], object]:
    return lambda: pay(number=number, paid_on=_DAY, amount_minor=amount_minor, reference=reference, now=_NOW)
