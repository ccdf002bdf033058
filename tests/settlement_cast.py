"""Contracts of the money cast, and what its splits should be, computed one payment at a time with fractions."""

from datetime import date, datetime
from fractions import Fraction

from psycopg.types.range import DateRange

from mains.customers.models import Agreement
from mains.ledger.models import Allocation, Entry
from mains.settlement.actions.contracts import ContractTerms, state_contract
from mains.settlement.models import Contract, Split
from money_cast import NOW, OPENED, Cast


def withdraw_manager(cast: Cast) -> None:
    """House Care manages the homes of Anna and Dilek from the beginning."""
    for name in ("anna", "dilek"):
        old = Agreement.objects.get(account_id=cast.accounts[name])
        Agreement.objects.filter(pk=old.pk).update(superseded_at=NOW)
        Agreement.objects.create(
            account_id=old.account_id,
            service_point_id=old.service_point_id,
            tariff_id=old.tariff_id,
            provider_id=old.provider_id,
            manager_id=cast.parties["care"],
            category=old.category,
            valid=DateRange(OPENED, None),
            recorded_at=NOW,
        )


def contract(
    shares: str,
    *,
    provider: str = "power",
    manager: str = "",
    service: str = "",
    fee: str = "2.5",
    rounding: str = "half_up",
    through: bool = False,
    since: date = date(2021, 1, 1),
    until: date | None = None,
    now: datetime = NOW,
) -> Contract:
    return state_contract(
        terms=ContractTerms(
            provider=provider,
            manager=manager,
            service=service,
            number=f"A-{provider}-{manager}",
            fee_percent=fee,
            rounding=rounding,
            shares=shares,
            passes_through=through,
        ),
        valid_from=since,
        valid_to=until,
        proof="Agency contract",
        actor=None,
        now=now,
    )


def held() -> dict[tuple, int]:
    """What is split: (credit, kind, payee, party) to minor units."""
    sums: dict[tuple, int] = {}
    for one in Split.objects.all():
        key = (one.credit_id, one.kind, one.payee_id, one.party_id)
        sums[key] = sums.get(key, 0) + one.amount_minor
    return {key: minor for key, minor in sums.items() if minor}


def expected() -> dict[tuple, int]:
    """The same from entries, allocations, agreements and contracts as they are now."""
    entries = {entry.id: entry for entry in Entry.objects.all()}
    sums: dict[tuple, int] = {}
    for credit in entries.values():
        if credit.kind != "payment" or credit.amount_minor >= 0:
            continue
        for found, minor in _by_contract(credit, entries).items():
            for (kind, payee, party), part in _shared(found, minor).items():
                key = (credit.id, kind, payee, party)
                sums[key] = sums.get(key, 0) + part
    return {key: minor for key, minor in sums.items() if minor}


def _by_contract(credit: Entry, entries: dict[int, Entry]) -> dict[Contract, int]:
    covered: dict[int, int] = {}
    for one in Allocation.objects.filter(credit_id=credit.id):
        covered[one.item_id] = covered.get(one.item_id, 0) + one.amount_minor
    pieces = [
        (entries[item].business_date, minor)
        for item, minor in covered.items()
        if minor and entries[item].kind != "reversal"
    ]
    pieces.append((credit.business_date, -credit.amount_minor - sum(covered.values())))
    sums: dict[Contract, int] = {}
    for day, minor in pieces:
        found = _contract_of(credit, day)
        if found is not None and minor:
            sums[found] = sums.get(found, 0) + minor
    return sums


def _contract_of(credit: Entry, day: date) -> Contract | None:
    agreements = Agreement.objects.filter(
        account_id=credit.account_id,
        provider_id=credit.provider_id,
        service_point__service=credit.service,
        superseded_at__isnull=True,
    )
    known = sorted(agreements, key=lambda one: (one.valid.lower <= day, one.valid.lower), reverse=True)
    manager = known[0].manager_id if known else None
    candidates = [
        one
        for one in Contract.objects.filter(superseded_at__isnull=True).select_related("route")
        if one.route.provider_id == credit.provider_id
        and one.route.service in ("", credit.service)
        and one.route.manager_id in (None, manager)
    ]
    for on_date in (day, credit.business_date):
        valid = [
            one
            for one in candidates
            if one.valid.lower <= on_date and (one.valid.upper is None or on_date < one.valid.upper)
        ]
        if valid:
            return max(valid, key=lambda one: (one.route.manager_id is not None, one.route.service != ""))
    return None


def _shared(contract: Contract, minor: int) -> dict[tuple, int]:
    fee = _rounded(Fraction(minor * contract.fee_ppm, 1_000_000), contract.fee_rounding)
    rest = minor - fee
    exact = [Fraction(rest * weight, 1_000_000) for _party, weight in contract.shares]
    parts = [share.numerator // share.denominator for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[: rest - sum(parts)]:
        parts[place] += 1
    through = contract.route.manager_id if contract.passes_through else None
    holder = through or contract.shares[0][0]
    shared = {("fee", holder, holder): fee}
    for (party, _weight), part in zip(contract.shares, parts, strict=True):
        shared["share", through or party, party] = part
    assert sum(shared.values()) == minor
    return shared


def _rounded(exact: Fraction, rounding: str) -> int:
    whole = exact.numerator // exact.denominator
    over = exact - whole
    if rounding == "half_even":
        return round(exact)
    up = {"half_up": over >= Fraction(1, 2), "up": over > 0, "down": False}[rounding]
    return whole + up
