"""Draw up what parties are due through a day, and prepare the payment orders for it."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.settlement.actions.splitting import split_payments
from mains.settlement.models import Batch, OrderEvent, Payee, PaymentOrder, Settlement
from mains.settlement.queries.parties import find_payee, names_of_parties, payees_with_money
from mains.settlement.queries.statements import StatementFacts, statement_facts
from mains.settlement.values import Cycle, OrderState


class UnableToSettle(MainsError):
    """A party cannot be settled with through the day."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A settlement that was drawn up; `ordered_minor` is nought when the money is carried on."""

    settlement_id: int
    party_id: int
    due_minor: int
    ordered_minor: int


def settle(
    *, through: date, now: datetime, party_ids: tuple[int, ...] = (), actor_id: int | None = None
) -> list[Settled]:
    """Settle through a day with the parties whose cycle ends on it, or with `party_ids`, whatever their cycle.

    What is due, if it reaches the payee's minimum, becomes a payment order that waits for approval; a negative balance
    or less than the minimum is carried. Raises UnableToSettle: a day that is not over, a party without bank details,
    settled through this day or a later one already, or with an order that still waits for approval.
    """
    if through >= now.date():
        raise _unable(
            "settle-future", "The day is not over.", f"{through.isoformat()}", "Settle through yesterday."
        )
    split_payments(now=now)
    with transaction.atomic():
        wanted = party_ids or payees_with_money(through=through)
        made = []
        for party_id in wanted:
            payee = find_payee(party_id=party_id, on_date=through)
            if not party_ids and (payee is None or not is_cycle_end(Cycle(payee.cycle), through)):
                continue
            if not party_ids and Settlement.objects.filter(party_id=party_id, through__gte=through).exists():
                continue
            made.append(_settle_one(party_id, payee, through=through, now=now, actor_id=actor_id))
        return made


def is_cycle_end(cycle: Cycle, day: date) -> bool:
    """Whether a cycle ends with the day: weeks on Sunday, months on their last day."""
    if cycle is Cycle.MONTHLY:
        return day.day == monthrange(day.year, day.month)[1]
    return cycle is Cycle.DAILY or day.weekday() == 6


def _settle_one(
    party_id: int, payee: Payee | None, *, through: date, now: datetime, actor_id: int | None
) -> Settled:
    names = names_of_parties()
    place = names.get(party_id, ("", str(party_id)))[1]
    if payee is None:
        raise _unable("settle-payee", "The party has no bank details on this day.", place,
                      "State them under Contracts and rules.")  # fmt: skip
    previous = Settlement.objects.filter(party_id=party_id).order_by("-through").first()
    if previous is not None and previous.through >= through:
        raise _unable("settle-again", f"The party is settled with through {previous.through.isoformat()}.", place,
                      "Settle through a later day.", through=previous.through.isoformat())  # fmt: skip
    if previous is not None and _waits(previous):
        raise _unable("settle-waiting", "The last payment order of this party still waits for approval.", place,
                      "Approve or refuse it first.")  # fmt: skip
    last_batch = Batch.objects.order_by("-id").first()
    facts = statement_facts(
        party_id=party_id,
        previous=previous,
        through=through,
        last_batch_id=last_batch.pk if last_batch else 0,
    )
    ordered = facts.due_minor if facts.due_minor >= max(payee.minimum_minor, 1) else 0
    try:
        with transaction.atomic():
            settlement = Settlement.objects.create(
                party_id=party_id,
                since=facts.since,
                through=through,
                opening_minor=facts.opening_minor,
                due_minor=facts.due_minor,
                ordered_minor=ordered,
                last_batch_id=last_batch.pk if last_batch else 0,
                content=_content(facts, payee, names, ordered_minor=ordered),
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _unable("settle-again", f"The party is settled with through {through.isoformat()}.", place,
                      "Settle through a later day.", through=through.isoformat()) from error  # fmt: skip
    if ordered:
        order = PaymentOrder.objects.create(
            settlement=settlement,
            party_id=party_id,
            end_to_end_id=f"MAINS-S{settlement.pk}",
            amount_minor=ordered,
            holder=payee.holder,
            account=payee.account,
            bank_code=payee.bank_code,
        )
        OrderEvent.objects.create(
            order=order, state=OrderState.PREPARED, recorded_at=now, recorded_by_id=actor_id
        )
    return Settled(
        settlement_id=settlement.pk, party_id=party_id, due_minor=facts.due_minor, ordered_minor=ordered
    )


def _waits(settlement: Settlement) -> bool:
    events = OrderEvent.objects.filter(order__settlement=settlement)
    states = set(events.values_list("state", flat=True))
    return states == {OrderState.PREPARED.value}


def _content(
    facts: StatementFacts, payee: Payee, names: dict[int, tuple[str, str]], *, ordered_minor: int
) -> dict[str, object]:
    """The statement as plain values, with the names of that day."""
    return {
        "party": names[payee.party_id][1],
        "holder": payee.holder,
        "account": payee.account,
        "bank_code": payee.bank_code,
        "since": facts.since.isoformat() if facts.since else None,
        "opening_minor": facts.opening_minor,
        "due_minor": facts.due_minor,
        "ordered_minor": ordered_minor,
        "lines": [
            {
                "provider": names.get(line.provider_id, ("", str(line.provider_id)))[1],
                "service": line.service,
                "owner": names.get(line.party_id, ("", str(line.party_id)))[1],
                "collected_minor": line.collected_minor,
                "taken_back_minor": line.taken_back_minor,
                "fee_minor": line.fee_minor,
                "due_minor": line.due_minor,
            }
            for line in facts.lines
        ],
        "places": [list(place) for place in facts.places],
    }


def _unable(code: str, message: str, place: str, remedy: str, through: str = "") -> UnableToSettle:
    return UnableToSettle(code=code, message=message, place=place, remedy=remedy, params={"through": through})
