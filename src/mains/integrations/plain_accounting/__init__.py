"""The ledger as a journal of plain-text accounting, for a program that shares nothing with Mains to add up."""

from mains.integrations.plain_accounting.journal import JournalDetail, write_journal
from mains.integrations.plain_accounting.notations import BEANCOUNT, HLEDGER, NOTATIONS, Notation

__all__ = ["BEANCOUNT", "HLEDGER", "NOTATIONS", "JournalDetail", "Notation", "write_journal"]
