"""Everything that a bill on paper says, as values: who, what for, how much, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_row
from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain import BillChange, BillExplanation, explain_bill, explain_change
from mains.billing.queries.explain.bills import agreements_begun
from mains.billing.queries.explain.evidence import load_items
from mains.billing.queries.explain.items import RatedItem, rate_items
from mains.billing.queries.records import BillRecord, find_bill, find_run, list_bills
from mains.billing.queries.settled import has_shares_to_come
from mains.billing.values import bill_number
from mains.invoicing.queries.intervals import is_deferred_bill
from mains.invoicing.queries.shares import passed_on_of_bill
from mains.kernel.errors import MainsError
from mains.ledger.queries.advances import AdvanceUse, advance_use_of_bill
from mains.reporting.queries.bill_paper.charges import Section, list_sections
from mains.reporting.queries.bill_paper.chart import Bar, list_bars
from mains.reporting.queries.bill_paper.corrections import Correction, list_corrections
from mains.reporting.queries.bill_paper.registry import (
    Addressee,
    Payee,
    Place,
    get_addressee,
    get_payee,
    list_places,
)
from mains.reporting.queries.bill_paper.statement import Statement, get_statement
from mains.reporting.queries.bill_paper.usage import UseRow, list_use
from mains.staff.values import EVERYTHING


class UnableToPrintBill(MainsError):
    """There is no such bill, or it has letters that no font at hand can print."""


_LANGUAGE = """
SELECT c.language FROM billing_bill b
JOIN customers_account a ON a.id = b.account_id JOIN customers_customer c ON c.id = a.customer_id
WHERE b.month = %(month)s AND b.id = %(id)s
"""


@dataclass(frozen=True, kw_only=True)
class BillContent:
    """A bill as values; money in minor units. `places` are by agreement id. `waits_for_shares`: shares of common use of
    a final bill's month are billed later. `billed_through` is the last day of an on-site bill; `advance` what this
    bill has used of advances, `passed_on_minor` what of it other payers pay; `is_deferred`: an invoice for several
    months asks for it."""

    number: str
    bill: BillRecord
    addressee: Addressee
    payee: Payee
    places: Mapping[int, Place]
    statement: Statement
    sections: tuple[Section, ...]
    corrections: tuple[Correction, ...]
    use: tuple[UseRow, ...]
    bars: tuple[Bar, ...]
    explained: BillExplanation
    change: BillChange | None
    waits_for_shares: bool = False
    billed_through: date | None = None
    advance: AdvanceUse | None = None
    passed_on_minor: int = 0
    is_deferred: bool = False

    @property
    def place(self) -> Place:
        """The place that the bill is headed with."""
        agreement_id = next((section.agreement_id for section in self.sections), min(self.places))
        return self.places[agreement_id]

    @property
    def currency(self) -> str:
        return self.place.currency

    @property
    def unit(self) -> str:
        return UNIT_OF_SERVICE[self.place.service]


def customer_language(*, month: date, bill_id: int) -> str:
    """The language of the customer a bill is for. Raises UnableToPrintBill when there is no such bill."""
    found = fetch_row(str, _LANGUAGE, {"month": month, "id": bill_id})
    if found is None:
        raise _no_bill(month, bill_id)
    return found


def get_content(*, month: date, bill_id: int) -> BillContent:
    """A bill computed again from the facts its run knew.

    Texts that the explanation brings (titles of components) are in the active language. Raises UnableToPrintBill
    when there is no such bill, UnableToExplain when a stored amount does not follow from the facts.
    """
    bill = find_bill(month=month, bill_id=bill_id, scope=EVERYTHING)
    run = find_run(run_id=bill.run_id) if bill else None
    if bill is None or run is None:
        raise _no_bill(month, bill_id)
    explained = explain_bill(month=month, bill_id=bill_id)
    items = _own_items(explained, bill, run.facts_as_of)
    agreement_ids = {*items, *(line.posted.agreement_id for line in explained.lines)}
    places = {
        place.agreement_id: place
        for place in list_places(agreement_ids=sorted(agreement_ids), account_id=bill.account_id)
    }
    own = [rated for agreement_id, rated in sorted(items.items()) if agreement_id in places]
    known_before = _known_before(bill)
    addressee = get_addressee(account_id=bill.account_id, on_date=bill.issued_on)
    provider = next((places[rated.item.agreement_id] for rated in own), places[min(places)])
    return BillContent(
        number=bill_number(month, bill_id),
        bill=bill,
        addressee=addressee,
        payee=get_payee(provider_id=provider.provider_id),
        places=places,
        statement=get_statement(bill=bill, known_at=run.facts_as_of, known_before=known_before),
        sections=list_sections(
            items=own,
            lines=explained.lines,
            unit_of={place.agreement_id: UNIT_OF_SERVICE[place.service] for place in places.values()},
        ),
        corrections=list_corrections(
            explained=explained, account_id=bill.account_id, known_before=known_before
        ),
        use=list_use(items=own),
        bars=list_bars(
            account_id=bill.account_id,
            service_point_ids=[rated.item.service_point_id for rated in own],
            month=month,
            as_of=run.facts_as_of,
        ),
        explained=explained,
        change=explain_change(month=month, bill_id=bill_id),
        waits_for_shares=bill.is_settlement and has_shares_to_come(bill=bill),
        billed_through=run.billed_through,
        advance=advance_use_of_bill(account_id=bill.account_id, bill_id=bill.id),
        passed_on_minor=passed_on_of_bill(account_id=bill.account_id, bill_id=bill.id),
        is_deferred=is_deferred_bill(bill_id=bill.id),
    )


def _no_bill(month: date, bill_id: int) -> UnableToPrintBill:
    return UnableToPrintBill(
        code="no-bill",
        message=f"There is no bill {bill_number(month, bill_id)}.",
        remedy="Compare the number with the bill.",
    )


def _own_items(explained: BillExplanation, bill: BillRecord, as_of: datetime) -> Mapping[int, RatedItem]:
    """The items of the bill's own month, also where they cost nothing and so have no line; without those that a final
    bill has told of before."""
    found = explained.rated.get(bill.month)
    if found is None and not (bill.is_settlement or bill.is_on_site):
        found = rate_items(load_items(account_ids=[bill.account_id], month=bill.month, as_of=as_of))
    begun = agreements_begun(account_id=bill.account_id, month=bill.month, before=bill.recorded_at)
    return {number: rated for number, rated in (found or {}).items() if number not in begun}


def _known_before(bill: BillRecord) -> datetime | None:
    """What the account's last bill before this one knew; a recalculation posted in between is one."""
    earlier = [
        each
        for each in list_bills(account_id=bill.account_id, scope=EVERYTHING)
        if each.recorded_at < bill.recorded_at
    ]
    run = find_run(run_id=earlier[0].run_id) if earlier else None
    return run.facts_as_of if run else None
