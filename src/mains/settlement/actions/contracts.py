"""State contracts and payees: dated facts, with the document that they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import models, transaction

from mains.base.dated import end_fact, record_fact
from mains.customers.queries.records import find_party_id
from mains.kernel.errors import MainsError
from mains.settlement.models import Contract, Payee, Route
from mains.settlement.values import MILLION, Cycle, Rounding
from mains.settlement.values.bank_numbers import account_fault

COLUMNS = (
    "provider",
    "manager",
    "service",
    "number",
    "fee_percent",
    "rounding",
    "shares",
    "through",
    "from",
    "to",
    "proof",
)
PAYEE_COLUMNS = ("party", "cycle", "minimum", "holder", "account", "bank_code", "from", "to", "proof")


class UnableToStateContract(MainsError):
    """The contract or the payee cannot stand."""


@dataclass(frozen=True, kw_only=True)
class ContractTerms:
    """What a contract says, as people write it: party codes, percent, `shares` such as `GEN:52; NET:48`."""

    provider: str
    manager: str = ""
    service: str = ""
    number: str
    fee_percent: str = "0"
    rounding: str = Rounding.HALF_UP.value
    shares: str
    passes_through: bool = False


def state_contract(
    *,
    terms: ContractTerms,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
    place: str = "",
) -> Contract:
    """Let money of these dates be shared by a contract; what was split otherwise is corrected by the next splitting.

    Raises UnableToStateContract: an unknown party, a percentage that is not between 0 and 100 with at most four
    decimals, shares that do not sum to 100, a chain through nobody, no number or proof.
    """
    place = place or f"contract {terms.number}"
    provider_id = _party(terms.provider, place)
    manager_id = _party(terms.manager, place) if terms.manager.strip() else None
    if not terms.number.strip() or not proof.strip():
        raise _unable("contract-document", "The number or the document of the contract is missing.", place,
                      "Give both: they are what the other side knows it by.")  # fmt: skip
    if terms.rounding not in Rounding.values:
        raise _unable("contract-rounding", f"There is no rounding {terms.rounding}.", place,
                      f"One of: {', '.join(Rounding.values)}.", terms.rounding)  # fmt: skip
    if terms.passes_through and manager_id is None:
        raise _unable("contract-through", "Money cannot pass through a company that is not named.", place,
                      "Name the managing company.")  # fmt: skip
    with transaction.atomic():
        route, _is_new = Route.objects.get_or_create(
            provider_id=provider_id, manager_id=manager_id, service=terms.service.strip()
        )
        return record_fact(
            model=Contract,
            subject={"route_id": route.pk},
            values={
                "number": terms.number.strip()[:60],
                "fee_ppm": _percent(terms.fee_percent, place),
                "fee_rounding": terms.rounding,
                "passes_through": terms.passes_through,
                "shares": _shares(terms.shares, place),
            },
            valid_from=valid_from,
            valid_to=valid_to,
            actor=actor,
            now=now,
            proof=proof.strip()[:200],
        )


def state_payee(
    *,
    party: str,
    cycle: str,
    minimum_minor: int,
    holder: str,
    account: str,
    bank_code: str,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
    place: str = "",
) -> Payee:
    """Say when a party is paid, from how much on, and on which account. Raises UnableToStateContract."""
    place = place or f"payee {party}"
    party_id = _party(party, place)
    if cycle not in Cycle.values:
        raise _unable(
            "payee-cycle", f"There is no cycle {cycle}.", place, f"One of: {', '.join(Cycle.values)}.", cycle
        )
    if minimum_minor < 0 or not holder.strip() or not proof.strip():
        raise _unable("payee-incomplete", "The holder or the document is missing, or the minimum is below nothing.",
                      place, "Copy them from the contract.")  # fmt: skip
    fault = account_fault(account=account, bank_code=bank_code)
    if fault:
        raise _unable(
            "payee-account", fault, f"{place}, account {account}", "Copy account and bank from the contract."
        )
    return record_fact(
        model=Payee,
        subject={"party_id": party_id},
        values={
            "cycle": cycle,
            "minimum_minor": minimum_minor,
            "holder": " ".join(holder.split())[:140],
            "account": account.replace(" ", ""),
            "bank_code": bank_code.replace(" ", ""),
        },
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip()[:200],
    )


def end_contract(*, contract_id: int, first_free_day: date, now: datetime) -> None:
    """Let a contract end: money of later days is split no more. Raises UnableToWithdrawFact."""
    end_fact(
        model=Contract, fact_id=contract_id, subject=("route_id",), first_free_day=first_free_day, now=now
    )


def end_payee(*, payee_id: int, first_free_day: date, now: datetime) -> None:
    """Let bank details end: nothing is ordered for the party from then on. Raises UnableToWithdrawFact."""
    end_fact(model=Payee, fact_id=payee_id, subject=("party_id",), first_free_day=first_free_day, now=now)


def import_contracts(
    *, rows: Sequence[Mapping[str, str]], actor: models.Model | None, now: datetime, file_name: str
) -> int:
    """State the contracts of a file with the columns `COLUMNS`, all of them or none; how many."""
    with transaction.atomic():
        for line, row in enumerate(rows, start=2):
            place = f"{file_name}, line {line}"
            _complete(row, ("provider", "number", "shares", "from", "proof"), place, COLUMNS)
            state_contract(
                terms=ContractTerms(
                    provider=row["provider"],
                    manager=row.get("manager") or "",
                    service=row.get("service") or "",
                    number=row["number"],
                    fee_percent=row.get("fee_percent") or "0",
                    rounding=row.get("rounding") or Rounding.HALF_UP.value,
                    shares=row["shares"],
                    passes_through=(row.get("through") or "").strip().lower() in ("1", "yes", "true"),
                ),
                valid_from=_day(row["from"], place),
                valid_to=_day(row["to"], place) if row.get("to") else None,
                proof=row["proof"],
                actor=actor,
                now=now,
                place=place,
            )
    return len(rows)


def import_payees(
    *, rows: Sequence[Mapping[str, str]], actor: models.Model | None, now: datetime, file_name: str
) -> int:
    """State the payees of a file with the columns `PAYEE_COLUMNS`, all of them or none; how many. The minimum is in
    units of the currency."""
    with transaction.atomic():
        for line, row in enumerate(rows, start=2):
            place = f"{file_name}, line {line}"
            _complete(row, ("party", "cycle", "holder", "account", "from", "proof"), place, PAYEE_COLUMNS)
            state_payee(
                party=row["party"],
                cycle=row["cycle"].strip(),
                minimum_minor=_scaled(row.get("minimum") or "0", 2, place),
                holder=row["holder"],
                account=row["account"],
                bank_code=row.get("bank_code") or "",
                valid_from=_day(row["from"], place),
                valid_to=_day(row["to"], place) if row.get("to") else None,
                proof=row["proof"],
                actor=actor,
                now=now,
                place=place,
            )
    return len(rows)


def _party(code: str, place: str) -> int:
    found = find_party_id(code=code.strip())
    if found is None:
        raise _unable(
            "contract-party", f"There is no party {code}.", place, "Import it with the registry first.", code
        )
    return found


def _shares(text: str, place: str) -> list[list[int]]:
    shares = []
    for part in text.split(";"):
        code, _colon, percent = part.partition(":")
        shares.append([_party(code, place), _percent(percent, place)])
    parties = [party for party, _weight in shares]
    if sum(weight for _party_id, weight in shares) != MILLION or len(set(parties)) != len(parties):
        raise _unable("contract-shares", "The shares do not sum to 100 percent, or name a party twice.", place,
                      "Write each party once, as GEN:52; NET:48.")  # fmt: skip
    return shares


def _percent(text: str, place: str) -> int:
    """Millionths of a percentage."""
    found = _scaled(text, 4, place)
    if not 0 <= found <= MILLION:
        raise _unable("contract-percent", f"{text.strip()} is not a percentage from 0 to 100.", place,
                      "At most four decimals, as 2.5.", text)  # fmt: skip
    return found


def _scaled(text: str, decimals: int, place: str) -> int:
    try:
        scaled = Decimal(text.strip().replace(",", ".")).scaleb(decimals)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        scaled, whole = Decimal(1), 0
    if scaled != whole or abs(whole) > 10**15:
        raise _unable("contract-number", f"{text.strip()} is no number with at most {decimals} decimals.", place,
                      "Write it with a point, as 2.5.", text)  # fmt: skip
    return whole


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise _unable(
            "contract-day", f"{text} is not a day.", place, "Write it as 2021-05-31.", text
        ) from error


def _complete(
    row: Mapping[str, str | None], needed: Sequence[str], place: str, columns: Sequence[str]
) -> None:
    for name in needed:
        if not (row.get(name) or "").strip():
            raise _unable("contract-column", f"{name} is missing.", place,
                          f"The first line names the columns {', '.join(columns)}.", name)  # fmt: skip


def _unable(code: str, message: str, place: str, remedy: str, given: str = "") -> UnableToStateContract:
    return UnableToStateContract(
        code=code, message=message, place=place, remedy=remedy, params={"given": given.strip()}
    )
