"""Sums that a bank books for a whole batch of direct debits: a line for each of them, by the batch's own name."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mains.directdebit.queries.collections import ItemRecord, debits_of_batches
from mains.payments.values import BankFileRead, BankLine

_OURS = re.compile(r"(?<![0-9A-Za-z])DD-[0-9]{1,15}-B[0-9]{1,2}(?![0-9A-Za-z])")


def with_batches_apart(found: BankFileRead) -> BankFileRead:
    """The file with each sum of a batch of direct debits replaced by its direct debits, where the sums agree.

    A line is a batch's when it is an entry of its own and names the batch, in its field or in its words. What the bank
    rejected before it collected is not in its sum; banks say of each what it was, so another sum is left to a person.
    """
    named = {
        (place, number): batch
        for place, statement in enumerate(found.statements)
        for number, line in enumerate(statement.lines)
        if line.amount_minor > 0 and not line.is_pending and (batch := _batch_of(line))
    }
    if not named:
        return found
    debits = debits_of_batches(sorted(set(named.values())))
    for place, statement in enumerate(found.statements):
        sizes = Counter(line.entry for line in statement.lines)
        statement.lines = [
            made
            for number, line in enumerate(statement.lines)
            for made in _apart(line, named.get((place, number), "") if sizes[line.entry] == 1 else "", debits)
        ]
    return found


def _batch_of(line: BankLine) -> str:
    """The one batch that the line names; '' for none or several."""
    texts = (
        line.batch_id,
        line.end_to_end_id,
        line.structured_reference,
        line.remittance,
        line.bank_reference,
    )
    names = {match[0] for text in texts for match in _OURS.finditer(text)}
    return names.pop() if len(names) == 1 else ""


def _apart(line: BankLine, batch: str, debits: Mapping[str, list[ItemRecord]]) -> Iterator[BankLine]:
    items = debits.get(batch, [])
    if not items or sum(item.amount_minor for item in items) != line.amount_minor:
        yield line
        return
    for item in items:
        yield replace(
            line,
            amount_minor=item.amount_minor,
            end_to_end_id=item.end_to_end_id,
            payer_name=item.debtor_name,
            payer_account=item.iban,
        )
