"""Parties, their contracts and bank details."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from mains.settlement.models import Contract, Payee
from mains.settlement.values import Cycle, Rounding

_WITH_MONEY = """
    SELECT payee_id FROM settlement_tally WHERE kind = 'share' AND business_date <= %(through)s
    GROUP BY payee_id ORDER BY payee_id
"""


@dataclass(frozen=True, kw_only=True)
class ContractRow:
    """A contract as people read it; `shares` are party and millionths."""

    contract_id: int
    number: str
    provider: str
    manager: str
    service: str
    fee_ppm: int
    rounding: Rounding
    passes_through: bool
    shares: tuple[tuple[str, int], ...]
    valid_from: date
    valid_to: date | None
    proof: str


@dataclass(frozen=True, kw_only=True)
class PayeeRow:
    """A payee as people read it."""

    payee_id: int
    party_id: int
    code: str
    name: str
    cycle: Cycle
    minimum_minor: int
    holder: str
    account: str
    bank_code: str
    valid_from: date
    valid_to: date | None
    proof: str


def names_of_parties() -> dict[int, tuple[str, str]]:
    """Code and name of every party by id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, code, name FROM customers_party")
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def payees_with_money(*, through: date) -> tuple[int, ...]:
    """Parties that something was collected for through a day."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_MONEY, {"through": through})
        return tuple(row[0] for row in cursor.fetchall())


def find_payee(*, party_id: int, on_date: date) -> Payee | None:
    """The bank details of a party that are believed to hold on a day."""
    return Payee.objects.filter(
        party_id=party_id, superseded_at__isnull=True, valid__contains=on_date
    ).first()


def list_contracts() -> list[ContractRow]:
    """The contracts that are believed, by number and day."""
    names = names_of_parties()
    found = (
        Contract.objects.filter(superseded_at__isnull=True)
        .select_related("route")
        .order_by("number", "valid")
    )
    return [
        ContractRow(
            contract_id=one.pk,
            number=one.number,
            provider=names[one.route.provider_id][1],
            manager=names[one.route.manager_id][1] if one.route.manager_id else "",
            service=one.route.service,
            fee_ppm=one.fee_ppm,
            rounding=Rounding(one.fee_rounding),
            passes_through=one.passes_through,
            shares=tuple((names[party][1], weight) for party, weight in one.shares),
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found
    ]


def list_payees() -> list[PayeeRow]:
    """The bank details that are believed, by party and day."""
    names = names_of_parties()
    found = Payee.objects.filter(superseded_at__isnull=True).order_by("party__code", "valid")
    return [
        PayeeRow(
            payee_id=one.pk,
            party_id=one.party_id,
            code=names[one.party_id][0],
            name=names[one.party_id][1],
            cycle=Cycle(one.cycle),
            minimum_minor=one.minimum_minor,
            holder=one.holder,
            account=one.account,
            bank_code=one.bank_code,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found
    ]
