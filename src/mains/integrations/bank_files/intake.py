"""Take a bank's file in: read it, and stage it with the account of every line."""

from datetime import datetime

from django.utils import timezone

from mains.billing.queries.numbers import accounts_of_bills
from mains.directdebit.queries.collections import accounts_of_debits
from mains.integrations.bank_files.batches import with_batches_apart
from mains.integrations.bank_files.reading import read_bank_file
from mains.payments.actions.bank_staging import stage_bank_file


def take_bank_file(
    *, content: bytes, file_name: str, now: datetime, account_number: str = "", actor_id: int | None = None
) -> int:
    """Read and stage a file of any format that banks use; it is staged, or refused with all its faults.

    Returns its id, for `find_bank_file`.
    Raises UnableToStageBankFile when the same bytes are staged or accepted already.
    """
    staged = stage_bank_file(
        content=content,
        file_name=file_name,
        found=with_batches_apart(read_bank_file(content, today=timezone.localdate(now))),
        now=now,
        account_number=account_number,
        find_bills=accounts_of_bills,
        find_debits=accounts_of_debits,
        actor_id=actor_id,
    )
    return int(staged.pk)
