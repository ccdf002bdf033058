"""What follows from new bills and new money by itself."""

from dataclasses import dataclass
from datetime import datetime

from mains.invoicing.actions.advance_vat import post_advance_vat
from mains.invoicing.actions.deferring import Deferred, defer_bills
from mains.invoicing.actions.payments import Taken, take_payments
from mains.invoicing.actions.sharing import Shared, share_bills
from mains.ledger.actions.advances import Drawn, draw_advances


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What waits or was invoiced, was divided, used and taken in."""

    deferred: Deferred
    shared: Shared
    drawn: Drawn
    taken: Taken


def follow_up(*, now: datetime) -> Followed:
    """Let bills wait for a later invoice, divide new bills among their payers, take in money that names an invoice, and
    let advances pay for new bills; VAT of advances follows what is left of them.

    In this order: shares are owed by others, so that no advance pays them. Doing it again changes nothing.
    """
    deferred = defer_bills(now=now)
    shared = share_bills(now=now)
    taken = take_payments(now=now)
    drawn = draw_advances(now=now)
    post_advance_vat(now=now)
    return Followed(deferred=deferred, shared=shared, taken=taken, drawn=drawn)
