"""What a person asks for when an account moves out, and what has to be refused before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import models

from mains.billing.actions.open_month import DayOfReading, FinalReading, check_day
from mains.customers.actions.moves import NewPayer, NextTerms, admit_payer, move_out
from mains.customers.queries.records import AccountRecord, AgreementRecord, list_agreements
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month
from mains.metering.queries.records import MeterRecord, list_meters
from mains.metering.values import ReadingSource
from mains.tariffs.queries.names import get_tariff


class UnableToSettle(MainsError):
    """The account cannot be settled on that day, or not by what is known."""


@dataclass(frozen=True, kw_only=True)
class MoveOrder:
    """An account stops paying after `last_date`.

    `service_point_ids` narrows it to some of its supplies, none means all of them. `is_estimate`: registers without a
    reading of the last day are settled by forecast. Who comes next: an account by id, a new customer, or nobody; on the
    same terms unless `next_terms` say otherwise.
    """

    account: AccountRecord
    last_date: date
    service_point_ids: tuple[int, ...] = ()
    readings: tuple[FinalReading, ...] = ()
    source: int = ReadingSource.OPERATOR
    is_estimate: bool = False
    next_account_id: int | None = None
    next_payer: NewPayer | None = None
    next_terms: NextTerms | None = None
    proof: str = ""


@dataclass(frozen=True, kw_only=True)
class Following:
    """Who pays from the day after, by number, empty where nobody does; and for each supply tariff and category."""

    number: str
    terms: tuple[tuple[str, str, str], ...]
    """Code of the service point, code of the tariff, category."""


def list_supplies(*, account: AccountRecord, on: date) -> list[AgreementRecord]:
    """What the account pays for on the day, by service point; where it pays for nothing any more, what it left last."""
    begun = [row for row in list_agreements(account=account) if row.valid_from <= on]
    latest = {row.service_point_id: row for row in sorted(begun, key=lambda row: row.valid_from)}
    held = [row for row in latest.values() if row.valid_to is None or row.valid_to > on]
    if held:
        return sorted(held, key=lambda row: row.service_point_code)
    left = max((row.valid_to for row in latest.values() if row.valid_to), default=None)
    return sorted(
        (row for row in latest.values() if row.valid_to == left), key=lambda row: row.service_point_code
    )


def reading_day(order: MoveOrder) -> DayOfReading:
    """The order as what readings and use are asked by."""
    return DayOfReading(
        account=order.account,
        day=order.last_date,
        source=order.source,
        is_estimate=order.is_estimate,
        error=UnableToSettle,
        evidence={"note": order.proof} if order.proof else None,
    )


def check_last_day(order: MoveOrder, *, open_month: date, now: datetime) -> None:
    """Raise UnableToSettle when the last day is not over yet, or lies beyond the month that is open."""
    check_day(
        about=reading_day(order),
        open_month=open_month,
        open_month_end=next_month(open_month),
        now=now,
        to_come=(f"{order.last_date} is still to come.", "Settle the account on its last day or later."),
    )


def chosen_supplies(order: MoveOrder) -> list[AgreementRecord]:
    """The supplies that the order is about. Raises UnableToSettle when there are none."""
    supplies = list_supplies(account=order.account, on=order.last_date)
    wanted = set(order.service_point_ids)
    chosen = [row for row in supplies if not wanted or row.service_point_id in wanted]
    if not chosen or wanted - {row.service_point_id for row in chosen}:
        raise _unable(
            order,
            "nothing-to-leave",
            f"The account does not pay for this supply on {order.last_date}.",
            "Look at its agreements, and check the day.",
            "last_date",
        )
    return chosen


def registers_on(service_point_ids: Sequence[int], day: date) -> list[MeterRecord]:
    """Registers that hang at the service points on the day."""
    return [
        meter
        for meter in list_meters(service_point_ids=service_point_ids)
        if meter.installed_from <= day and (meter.installed_to is None or meter.installed_to > day)
    ]


def record_moves(
    order: MoveOrder, supplies: Sequence[AgreementRecord], *, actor: models.Model | None, now: datetime
) -> Following:
    """Record the change of payer of each supply; who comes next. Raises UnableToSettle, and as `move_out` and
    `admit_payer` do."""
    _check_terms(order, supplies)
    points = [row.service_point_id for row in supplies]
    next_id = order.next_account_id
    if order.next_payer is not None:
        next_id, _number = admit_payer(
            payer=order.next_payer,
            instead_of_id=order.account.id,
            service_point_ids=points,
            opened_on=date.fromordinal(order.last_date.toordinal() + 1),
        )
    number, terms = "", []
    for row in supplies:
        found = move_out(
            account_id=order.account.id,
            service_point_id=row.service_point_id,
            last_date=order.last_date,
            next_account_id=next_id,
            terms=order.next_terms,
            actor=actor,
            now=now,
            proof=order.proof,
        )
        number = number or found.next_number
        if found.tariff_id is not None:
            tariff = get_tariff(tariff_id=found.tariff_id)
            terms.append((row.service_point_code, tariff.code, found.category))
    return Following(number=number, terms=tuple(terms))


def _check_terms(order: MoveOrder, supplies: Sequence[AgreementRecord]) -> None:
    """Each tariff is for a service that is left, and no service has two."""
    left = {row.service for row in supplies}
    for tariff_id in order.next_terms.tariff_ids if order.next_terms else ():
        tariff = get_tariff(tariff_id=tariff_id)
        if tariff.service not in left:
            raise _unable(
                order,
                "tariff-service",
                f"Tariff {tariff.code} is for {tariff.service}: nothing of it is left, or another tariff is named.",
                "Name one tariff for each service that is left.",
                f"next_tariff_{tariff.service}",
            )
        left.remove(tariff.service)


def _unable(order: MoveOrder, code: str, message: str, remedy: str, field: str) -> UnableToSettle:
    return UnableToSettle(
        code=code,
        message=message,
        place=f"account {order.account.number}",
        remedy=remedy,
        params={"field": field},
    )
