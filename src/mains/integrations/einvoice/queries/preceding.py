"""The earlier bills that a bill corrects (BG-3)."""

from collections.abc import Iterator, Sequence

from mains.billing.queries.explain import LineExplanation
from mains.billing.queries.explain.bills import get_bill, posted_before
from mains.billing.queries.records import BillRecord, find_bill
from mains.billing.values import bill_number
from mains.integrations.einvoice.values.invoice import PrecedingInvoice
from mains.staff.values import EVERYTHING


def list_preceding(*, bill: BillRecord, lines: Sequence[LineExplanation]) -> Iterator[PrecedingInvoice]:
    """Every earlier bill that billed a month which this one corrects, oldest first."""
    corrected = {(line.posted.agreement_id, line.service_month) for line in lines if line.computed is None}
    if not corrected:
        return
    row = get_bill(month=bill.month, bill_id=bill.id)
    earlier = {(month, line.bill_id) for month, line in posted_before(bill=row, keys_of=corrected)}
    for month, bill_id in sorted(earlier):
        found = find_bill(month=month, bill_id=bill_id, scope=EVERYTHING)
        if found is not None:
            yield PrecedingInvoice(number=bill_number(month, bill_id), issued_on=found.issued_on)
