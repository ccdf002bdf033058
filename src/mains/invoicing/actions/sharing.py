"""One account's bills over several payers: each gets an invoice and a debt of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import polars as pl
from django.db import models, transaction

from mains.base.dated import record_fact
from mains.customers.queries.records import AccountRecord
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import GroupMember, Invoice, InvoicePart, SharedBill, SharePlan
from mains.invoicing.queries.intervals import is_deferred
from mains.invoicing.queries.shares import BillToShare, charges_of, list_bills_to_share, units_of_accounts
from mains.invoicing.values import WHOLE_PPM, InvoiceKind, Part, Share, divide_bill
from mains.ledger.actions.allocation import allocate_credits, lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.actions.reallocation import fix_allocations
from mains.ledger.queries.open_items import list_entries_of
from mains.ledger.values import EntryKind, TransactionKind

MAX_SHARES = 20


@dataclass(frozen=True, kw_only=True)
class Shared:
    """How many bills were divided, and how much of them went to other payers, in minor units."""

    bills: int
    invoices: int
    shared_minor: int


def state_shares(
    *,
    account: AccountRecord,
    shares: Sequence[Share],
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """Say who pays which part of the account's charges of these dates; no shares: the account pays all itself.

    Bills that are divided already stay so. Raises UnableToInvoice: more than a whole, nothing, a payer who is the
    account itself, an account on collective invoices; UnableToRecordFact.
    """
    _check_shares(account, shares)
    if shares and is_deferred(account_id=account.id, valid_from=valid_from, valid_to=valid_to):
        raise _refusal(
            f"account {account.number}",
            "shares-interval",
            "This account gets one invoice for several months.",
            "Let it be billed every month first.",
        )
    record_fact(
        model=SharePlan,
        subject={"account_id": account.id},
        values={"shares": [asdict(share) for share in shares]},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof[:200],
    )


def share_bills(*, account_ids: Sequence[int] | None = None, now: datetime) -> Shared:
    """Divide posted bills of accounts with shares that were not divided yet: a transfer in the ledger and an invoice
    for each payer, bill by bill. What a payer does not pay, nobody else owes. Doing it again divides nothing more."""
    made = [_share(bill, now=now) for bill in list_bills_to_share(account_ids=account_ids)]
    return Shared(
        bills=len(made),
        invoices=sum(len(divided) for divided in made),
        shared_minor=sum(sum(divided.values()) for divided in made),
    )


def _share(bill: BillToShare, *, now: datetime) -> dict[int, int]:
    """Divide one bill, once; what each other payer owes of it."""
    charges, fixed = charges_of(bill)
    divided = divide_bill(charges, own_id=bill.account_id, fixed=fixed)
    others = {part: minor for part, minor in divided.items() if part.payer_id != bill.account_id}
    with transaction.atomic():
        lock_allocation()
        _kept, is_new = SharedBill.objects.get_or_create(
            bill_id=bill.bill_id,
            defaults={
                "bill_month": bill.month,
                "account_id": bill.account_id,
                "shared_minor": sum(others.values()),
                "recorded_at": now,
            },
        )
        if not is_new:
            return {}
        if others:
            _post(bill, others, _invoices(bill, others, now=now), now=now)
    owed: dict[int, int] = {}
    for part, minor in others.items():
        owed[part.payer_id] = owed.get(part.payer_id, 0) + minor
    return owed


def _invoices(bill: BillToShare, others: Mapping[Part, int], *, now: datetime) -> dict[int, int]:
    """An invoice for each payer: its id by payer."""
    units, made = units_of_accounts(sorted({part.payer_id for part in others})), {}
    for payer_id in sorted({part.payer_id for part in others}):
        own = {part: minor for part, minor in others.items() if part.payer_id == payer_id}
        invoice = Invoice.objects.create(
            kind=InvoiceKind.SHARED,
            month=bill.month,
            account_id=payer_id,
            organisation_id=units[payer_id],
            source_month=bill.month,
            source_bill_id=bill.bill_id,
            amount_minor=sum(own.values()),
            issued_on=bill.issued_on,
            due_on=bill.due_on,
            recorded_at=now,
        )
        InvoicePart.objects.bulk_create(
            InvoicePart(
                invoice=invoice,
                account_id=payer_id,
                bill_month=bill.month,
                bill_id=bill.bill_id,
                provider_id=part.provider_id,
                service=part.service,
                amount_minor=minor,
            )
            for part, minor in own.items()
        )
        made[payer_id] = int(invoice.pk)
    return made


def _post(
    bill: BillToShare, others: Mapping[Part, int], invoices: Mapping[int, int], *, now: datetime
) -> None:
    """The transfer: the account is credited what its payers are debited, by provider and service; then the credit
    covers the very bill, and the payers' own credits cover their shares."""
    units = units_of_accounts([bill.account_id, *invoices])
    entries = pl.DataFrame(list(_entries(bill, others, invoices, units)), schema=ENTRY_SCHEMA)
    opened = hold_open_days(kind=TransactionKind.BILL_SHARED)
    day = max(bill.business_date, opened or bill.business_date)
    posted = post_transaction(
        kind=TransactionKind.BILL_SHARED,
        source_id=bill.bill_id,
        business_date=day,
        entries=entries,
        counterparts=_between_units(entries),
        now=now,
        narrative=f"Bill {bill.number} shared among payers",
    )
    passed_on = entries.with_columns(
        entry_id=pl.int_range(posted.entry_ids.start, posted.entry_ids.stop, dtype=pl.Int64)
    ).filter(pl.col("kind") == EntryKind.SHARED.value)
    fix_allocations(pairs=_with_the_bill(bill, passed_on), now=now)
    allocate_credits(account_ids=[bill.account_id, *invoices], now=now)


def _entries(
    bill: BillToShare, others: Mapping[Part, int], invoices: Mapping[int, int], units: Mapping[int, int]
) -> Iterator[dict[str, object]]:
    passed: dict[tuple[int, str], int] = {}
    for part, minor in others.items():
        place = part.provider_id, part.service
        passed[place] = passed.get(place, 0) + minor
    common = {"correction_minor": 0}
    for (provider_id, service), minor in passed.items():
        yield common | {
            "account_id": bill.account_id,
            "organisation_id": units[bill.account_id],
            "provider_id": provider_id,
            "service": service,
            "kind": EntryKind.SHARED.value,
            "amount_minor": -minor,
            "due_date": bill.due_on if minor < 0 else None,
            "document_id": bill.bill_id,
        }
    for part, minor in others.items():
        yield common | {
            "account_id": part.payer_id,
            "organisation_id": units[part.payer_id],
            "provider_id": part.provider_id,
            "service": part.service,
            "kind": EntryKind.SHARE.value,
            "amount_minor": minor,
            "due_date": bill.due_on if minor > 0 else None,
            "document_id": invoices[part.payer_id],
        }


def _between_units(entries: pl.DataFrame) -> pl.DataFrame:
    """Counterparts: none. A transfer moves the receivable from one account and unit to the other, and balances."""
    assert int(entries["amount_minor"].cast(pl.Int128).sum()) == 0, "A transfer comes to nothing."
    return pl.DataFrame(schema=POSTING_SCHEMA)


def _with_the_bill(bill: BillToShare, passed_on: pl.DataFrame) -> pl.DataFrame:
    """What was passed on covers the very bill, whatever older debts the account has; where the bill gives back, it
    covers what was passed on of it: account_id, item_id, credit_id, amount_minor."""
    key = ["provider_id", "service"]
    bills = list_entries_of(account_ids=[bill.account_id]).filter(
        pl.col("entry_id").is_in(list(bill.entry_ids))
    )
    pairs = bills.select("account_id", *key, bill_id="entry_id", bill_minor="amount_minor").join(
        passed_on.select(*key, passed_id="entry_id", passed_minor="amount_minor"), on=key
    )
    owes = pl.col("bill_minor") > 0
    return pairs.filter((pl.col("bill_minor") > 0) != (pl.col("passed_minor") > 0)).select(
        "account_id",
        item_id=pl.when(owes).then("bill_id").otherwise("passed_id"),
        credit_id=pl.when(owes).then("passed_id").otherwise("bill_id"),
        amount_minor=pl.min_horizontal(pl.col("bill_minor").abs(), pl.col("passed_minor").abs()),
    )


def _check_shares(account: AccountRecord, shares: Sequence[Share]) -> None:
    place = f"account {account.number}"
    if len(shares) > MAX_SHARES:
        raise _refusal(place, "shares-many", f"A bill has at most {MAX_SHARES} shares.", "State fewer.")
    sums: dict[tuple[str, str], int] = {}
    for share in shares:
        if share.payer_id == account.id:
            raise _refusal(
                place,
                "shares-self",
                "The account itself pays what is left; it has no share.",
                "Name other payers only.",
            )
        stated = [value for value in (share.parts_ppm, share.amount_minor) if value is not None]
        if len(stated) != 1 or stated[0] <= 0 or (share.amount_minor is not None and share.component):
            raise _refusal(
                place,
                "shares-amount",
                "A share is a percentage of charges or a fixed amount of all or of a service, above nothing.",
                "State one of the two.",
            )
        if share.parts_ppm is not None:
            scope = share.service, share.component
            sums[scope] = sums.get(scope, 0) + share.parts_ppm
    if any(total > WHOLE_PPM for total in sums.values()):
        raise _refusal(
            place, "shares-whole", "The shares are more than a whole.", "State at most 100 percent."
        )
    if shares and GroupMember.objects.filter(account_id=account.id, superseded_at=None).exists():
        raise _refusal(
            place,
            "shares-group",
            "This account's bills are on collective invoices.",
            "Take it out of the group first.",
        )


def _refusal(place: str, code: str, message: str, remedy: str) -> UnableToInvoice:
    return UnableToInvoice(code=code, message=message, place=place, remedy=remedy, params={"field": "shares"})
