"""Money in suspense: it goes to the account it was meant for, to several, or back to its payer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.columns import fetch_frame
from mains.kernel.errors import MainsError
from mains.ledger.actions.advances import AdvancePlace, receive_advance
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.learning import learn_payer
from mains.payments.actions.receipts import RECEIPT_SCHEMA, BookedReceipts, book_receipts, suspense_place
from mains.payments.events import money_moved
from mains.payments.models import Receipt, ReceiptIdentification, ReceiptReversal, SuspenseOwner
from mains.payments.queries.supply import utility_id
from mains.staff.values import EVERYTHING, Scope

MAX_SHARES = 50


class UnableToIdentifyReceipt(MainsError):
    """No such receipt in suspense, no such account within the person's reach, or shares that do not sum."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Part of a receipt that an account gets, in minor units."""

    account_number: str
    amount_minor: int


def identify_receipt(
    *,
    receipt_id: int,
    account_number: str,
    business_date: date,
    now: datetime,
    scope: Scope = EVERYTHING,
    actor_id: int | None = None,
) -> BookedReceipts:
    """Move a receipt from suspense to an account, where it covers the oldest debts; remember the payer.

    The payment counts from `business_date`, the day of identification; the receipt keeps the day it was paid.
    Raises UnableToIdentifyReceipt when the receipt is unknown or has an account already, or when `scope` has
    no such account.
    """
    account_id = _account_in_reach(account_number, scope)
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        booked = _give(receipt, [(account_id, account_number, None)], business_date, now, actor_id)
        learn_payer(receipt=receipt, account_id=account_id, now=now, actor_id=actor_id)
        return booked


def split_receipt(
    *,
    receipt_id: int,
    shares: Sequence[Share],
    business_date: date,
    now: datetime,
    scope: Scope = EVERYTHING,
    actor_id: int | None = None,
) -> BookedReceipts:
    """Move a receipt from suspense to several accounts at once; nothing is learned of its payer.

    Raises UnableToIdentifyReceipt as `identify_receipt` does, and when the shares are not all more than
    nothing, name an account twice, or do not sum to the receipt.
    """
    accounts = [_account_in_reach(share.account_number, scope) for share in shares]
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        _check_shares(receipt, shares, accounts)
        parts = [
            (account_id, share.account_number, share.amount_minor)
            for account_id, share in zip(accounts, shares, strict=True)
        ]
        return _give(receipt, parts, business_date, now, actor_id)


def spread_receipt(
    *,
    receipt_id: int,
    shares: Sequence[tuple[int, str, int]],
    business_date: date,
    now: datetime,
    actor_id: int | None = None,
) -> BookedReceipts:
    """Move a receipt from suspense to the accounts of one invoice: (account_id, number, minor units) of each, in any
    number, all above nothing and together the receipt. Raises UnableToIdentifyReceipt when it is not in suspense."""
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        assert sum(share[2] for share in shares) == receipt.amount_minor, "Shares sum to the receipt."
        assert all(share[2] > 0 for share in shares), "A share is more than nothing."
        return _give(receipt, list(shares), business_date, now, actor_id)


def keep_as_advance(
    *, receipt_id: int, place: AdvancePlace, business_date: date, now: datetime, actor_id: int | None = None
) -> None:
    """Move a receipt from suspense to an advance of an account, whole. Raises UnableToIdentifyReceipt when it is not in
    suspense."""
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        _record(
            receipt,
            part=0,
            account_id=place.account_id,
            amount_minor=None,
            reason="",
            now=now,
            actor_id=actor_id,
            advance_id=place.advance_id,
        )
        opened = hold_open_days(kind=TransactionKind.ADVANCE_RECEIVED)
        side = pl.DataFrame(
            {"control": [Control.SUSPENSE.value], "amount_minor": [receipt.amount_minor]}
        ).with_columns(suspense_place(utility_id()))
        receive_advance(
            place=place,
            amount_minor=receipt.amount_minor,
            other_side=side.select(*POSTING_SCHEMA),
            source_id=receipt.pk,
            business_date=max(business_date, opened or business_date),
            now=now,
            narrative=f"Receipt {receipt.pk} is an advance",
        )


def return_receipt(
    *, receipt_id: int, reason: str, business_date: date, now: datetime, actor_id: int | None = None
) -> None:
    """Decide that a receipt goes back to its payer: it leaves suspense for what is to be returned.

    The bank's line of the return takes it from there (`book_bank_line`). Raises UnableToIdentifyReceipt when
    the receipt is not in suspense or no reason is given.
    """
    if not reason.strip():
        raise UnableToIdentifyReceipt(
            code="reason-missing",
            message="A return needs its reason.",
            place=f"receipt {receipt_id}",
            remedy="Write why the money goes back.",
        )
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        _record(
            receipt, part=0, account_id=None, amount_minor=None, reason=reason, now=now, actor_id=actor_id
        )
        amount = receipt.amount_minor
        sides = pl.DataFrame(
            {"control": [Control.SUSPENSE.value, Control.RETURNS.value], "amount_minor": [amount, -amount]}
        )
        post_transaction(
            kind=TransactionKind.SUSPENSE_CLEARED,
            source_id=receipt.pk,
            business_date=business_date,
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=sides.with_columns(suspense_place(utility_id())).select(*POSTING_SCHEMA),
            now=now,
            narrative=f"Receipt {receipt.pk} goes back to its payer",
        )


def own_suspense(
    *, receipt_id: int, owner_id: int | None, now: datetime, actor_id: int | None = None
) -> None:
    """Say who looks after a receipt in suspense; nobody with None. Raises UnableToIdentifyReceipt."""
    with transaction.atomic():
        receipt = _in_suspense(receipt_id)
        SuspenseOwner.objects.create(
            receipt=receipt, owner_id=owner_id, recorded_at=now, recorded_by_id=actor_id
        )


def _in_suspense(receipt_id: int) -> Receipt:
    """The receipt, locked until the end of the transaction."""
    receipt = Receipt.objects.select_for_update().filter(pk=receipt_id).first()
    if receipt is None or receipt.account_id is not None or receipt.identifications.exists():
        raise _not_in_suspense(receipt_id)
    if ReceiptReversal.objects.filter(receipt=receipt).exists():
        raise _not_in_suspense(receipt_id)
    return receipt


def _check_shares(receipt: Receipt, shares: Sequence[Share], accounts: Sequence[int]) -> None:
    total = sum(share.amount_minor for share in shares)
    if any(share.amount_minor <= 0 for share in shares):
        message = "A share is more than nothing."
    elif len(set(accounts)) < len(accounts):
        message = "An account has two shares."
    elif not 1 <= len(shares) <= MAX_SHARES:
        message = f"A payment is split over 1 to {MAX_SHARES} accounts."
    elif total != receipt.amount_minor:
        message = "The shares do not sum to the payment."
    else:
        return
    raise UnableToIdentifyReceipt(
        code="shares",
        message=message,
        place=f"receipt {receipt.pk}",
        remedy="Give all of the payment away, each account once.",
        params={"total_minor": total, "receipt_minor": receipt.amount_minor},
    )


def _give(
    receipt: Receipt,
    parts: Sequence[tuple[int, str, int | None]],
    business_date: date,
    now: datetime,
    actor_id: int | None,
) -> BookedReceipts:
    """Book parts (account, its number, amount or None for all) one after the other."""
    lock_allocation()  # of all accounts at once: splitting what moved among providers follows
    booked = []
    for part, (account_id, number, amount_minor) in enumerate(parts):
        _record(
            receipt, part=part, account_id=account_id, amount_minor=amount_minor, reason="", now=now,
            actor_id=actor_id,
        )  # fmt: skip
        whole = receipt.amount_minor if amount_minor is None else amount_minor
        booked.append(
            book_receipts(
                receipts=pl.DataFrame(
                    [(receipt.pk, account_id, business_date, whole)], schema=RECEIPT_SCHEMA, orient="row"
                ),
                kind=TransactionKind.SUSPENSE_CLEARED,
                source_id=receipt.pk,
                other_side=pl.DataFrame(schema={**POSTING_SCHEMA, "business_date": pl.Date}),
                now=now,
                narrative=f"Receipt {receipt.pk} belongs to account {number}",
                first_part=part,
            )
        )
    money_moved(now=now)
    return BookedReceipts(
        allocated_minor=sum(one.allocated_minor for one in booked),
        advance_minor=sum(one.advance_minor for one in booked),
    )


def _record(
    receipt: Receipt,
    *,
    part: int,
    account_id: int | None,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    actor_id: int | None,
    advance_id: int | None = None,
) -> None:
    try:
        with transaction.atomic():
            ReceiptIdentification.objects.create(
                receipt=receipt,
                part=part,
                account_id=account_id,
                amount_minor=amount_minor,
                advance_id=advance_id,
                reason=reason.strip()[:200],
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _not_in_suspense(receipt.pk) from error


def _account_in_reach(account_number: str, scope: Scope) -> int:
    found = fetch_frame(
        "SELECT id, organisation_id FROM customers_account WHERE number = %(number)s",
        {"number": account_number.strip()},
        schema={"id": pl.Int64, "organisation_id": pl.Int64},
    ).rows()
    if not found or not scope.covers(found[0][1]):
        raise UnableToIdentifyReceipt(
            code="account-unknown",
            message="There is no such account.",
            place=f"account {account_number}",
            remedy="Check the number, or search for the customer by name or address.",
        )
    return int(found[0][0])


def _not_in_suspense(receipt_id: int) -> UnableToIdentifyReceipt:
    return UnableToIdentifyReceipt(
        code="not-in-suspense",
        message="This receipt is not in suspense.",
        place=f"receipt {receipt_id}",
        remedy="Nothing was changed. See `mains payments suspense` for the open ones.",
    )
