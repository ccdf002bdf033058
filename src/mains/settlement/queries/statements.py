"""What a settlement states: opening, collected, taken back, fee, due; and the settlements and orders there are."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.settlement.models import OrderEvent, PaymentOrder, Settlement
from mains.settlement.queries.parties import names_of_parties
from mains.settlement.values import OrderState

# What the settlement before did not know: later days, and earlier ones that changed since.
_NEW = """
    payee_id = %(party_id)s AND business_date <= %(through)s AND batch_id <= %(last_batch_id)s
    AND NOT (business_date <= %(before)s AND batch_id <= %(batch_before)s)
"""
_LINES = f"""
    SELECT provider_id, service, party_id,
           coalesce(sum(amount_minor - taken_minor), 0)::bigint, coalesce(-sum(taken_minor), 0)::bigint,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'fee'), 0)::bigint,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'share'), 0)::bigint
    FROM settlement_tally WHERE {_NEW} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PLACES = """
    SELECT p.organisation_id, p.service, -sum(p.amount_minor)::bigint
    FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE p.control = 'payable' AND p.provider_id = %(party_id)s
      AND (t.kind <> 'settlement_split' OR (t.business_date <= %(through)s AND t.source_id <= %(last_batch_id)s))
    GROUP BY 1, 2 HAVING sum(p.amount_minor) <> 0 ORDER BY 1, 2
"""
_BEGINNING = date(1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """One provider's service and whose it is in the end: collected − taken back − fee = due, minor units."""

    provider_id: int
    service: str
    party_id: int
    collected_minor: int
    taken_back_minor: int
    fee_minor: int
    due_minor: int


@dataclass(frozen=True, kw_only=True)
class StatementFacts:
    """`opening_minor` was not paid by the settlement before; `places` are (organisation, service, owed)."""

    since: date | None
    opening_minor: int
    lines: tuple[StatementLine, ...]
    places: tuple[tuple[int, str, int], ...]

    @property
    def due_minor(self) -> int:
        return self.opening_minor + sum(line.due_minor for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class SettlementRow:
    """A settlement with its order, as lists show it. `state` is None when the money is carried on."""

    settlement_id: int
    party_id: int
    party: str
    since: date | None
    through: date
    opening_minor: int
    due_minor: int
    ordered_minor: int
    order_id: int | None
    end_to_end_id: str
    state: OrderState | None
    prepared_by_id: int | None
    prepared_by: str
    decided_by: str
    execute_on: date | None
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class SettlementRecord:
    """A settlement as it was drawn up; `content` is what its statement says, see `actions/settling.py`."""

    settlement_id: int
    through: date
    recorded_at: datetime
    content: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApprovedOrder:
    """A payment order on its way to the bank, with the account that the contract named."""

    order_id: int
    end_to_end_id: str
    amount_minor: int
    holder: str
    tax_number: str
    account: str
    bank_code: str
    since: date | None
    through: date
    execute_on: date
    approved_at: datetime


def statement_facts(
    *, party_id: int, previous: Settlement | None, through: date, last_batch_id: int
) -> StatementFacts:
    """What a party is due through a day of the splits through a batch, since its settlement before."""
    params: dict[str, Any] = {
        "party_id": party_id,
        "through": through,
        "last_batch_id": last_batch_id,
        "before": previous.through if previous else _BEGINNING,
        "batch_before": previous.last_batch_id if previous else 0,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINES, params)
        lines = tuple(
            StatementLine(
                provider_id=row[0],
                service=row[1],
                party_id=row[2],
                collected_minor=row[3],
                taken_back_minor=row[4],
                fee_minor=row[5],
                due_minor=row[6],
            )
            for row in cursor.fetchall()
        )
        cursor.execute(_PLACES, params)
        places = tuple(cursor.fetchall())
    return StatementFacts(
        since=previous.through if previous else None,
        opening_minor=_carried(previous),
        lines=lines,
        places=places,
    )


def list_settlements(*, party_id: int | None = None, limit: int = 200) -> list[SettlementRow]:
    """The latest settlements first."""
    found = Settlement.objects.select_related("recorded_by").order_by("-through", "party_id")
    if party_id is not None:
        found = found.filter(party_id=party_id)
    settlements = list(found[:limit])
    orders = {
        order.settlement_id: order
        for order in PaymentOrder.objects.filter(settlement__in=settlements).prefetch_related(
            "events__recorded_by"
        )
    }
    names = names_of_parties()
    return [_row(one, orders.get(one.pk), names[one.party_id][1]) for one in settlements]


def find_settlement(*, settlement_id: int) -> SettlementRecord | None:
    """A settlement with the statement as it was drawn up."""
    found = Settlement.objects.filter(pk=settlement_id).first()
    if found is None:
        return None
    return SettlementRecord(
        settlement_id=found.pk, through=found.through, recorded_at=found.recorded_at, content=found.content
    )


def list_approved_orders(*, order_ids: tuple[int, ...] = ()) -> list[ApprovedOrder]:
    """Orders that were approved: those of the ids, or all that no bank statement has shown yet, by id."""
    ended = (OrderState.BOOKED, OrderState.RETURNED)
    booked = OrderEvent.objects.filter(state__in=ended).values("order_id")
    found = OrderEvent.objects.filter(state=OrderState.APPROVED).select_related(
        "order__settlement", "order__party"
    )
    found = found.filter(order_id__in=order_ids) if order_ids else found.exclude(order_id__in=booked)
    return [
        ApprovedOrder(
            order_id=event.order.pk,
            end_to_end_id=event.order.end_to_end_id,
            amount_minor=event.order.amount_minor,
            holder=event.order.holder,
            tax_number=event.order.party.tax_number,
            account=event.order.account,
            bank_code=event.order.bank_code,
            since=event.order.settlement.since,
            through=event.order.settlement.through,
            execute_on=event.execute_on or event.order.settlement.through,
            approved_at=event.recorded_at,
        )
        for event in found.order_by("order_id")
    ]


def _carried(previous: Settlement | None) -> int:
    """What the settlement before left: all of it when its order was refused, here or by the bank; and what banks
    refused since of orders before that one."""
    if previous is None:
        return 0
    ends = (OrderState.REFUSED, OrderState.RETURNED)
    refused = OrderEvent.objects.filter(order__settlement=previous, state__in=ends).exists()
    late = OrderEvent.objects.filter(
        order__party_id=previous.party_id,
        order__settlement__through__lt=previous.through,
        state=OrderState.RETURNED,
        recorded_at__gt=previous.recorded_at,
    ).values_list("order__amount_minor", flat=True)
    return int(previous.due_minor - (0 if refused else previous.ordered_minor) + sum(late))


def _row(one: Settlement, order: PaymentOrder | None, party: str) -> SettlementRow:
    events = sorted(order.events.all(), key=lambda event: event.pk) if order else []
    decided = next((e for e in events if e.state in (OrderState.APPROVED, OrderState.REFUSED)), None)
    return SettlementRow(
        settlement_id=one.pk,
        party_id=one.party_id,
        party=party,
        since=one.since,
        through=one.through,
        opening_minor=one.opening_minor,
        due_minor=one.due_minor,
        ordered_minor=one.ordered_minor,
        order_id=order.pk if order else None,
        end_to_end_id=order.end_to_end_id if order else "",
        state=OrderState(events[-1].state) if events else None,
        prepared_by_id=one.recorded_by_id,
        prepared_by=str(one.recorded_by) if one.recorded_by else "",
        decided_by=str(decided.recorded_by) if decided and decided.recorded_by else "",
        execute_on=decided.execute_on if decided else None,
        recorded_at=one.recorded_at,
    )
