"""Words of the payments context: registers, statements of banks, and what can be wrong with their files."""

from mains.payments.values.bank_lines import BankFileRead, BankLine, BankStatementRead
from mains.payments.values.faults import FAULT_TEXTS, Fault, place_of, translate_fault
from mains.payments.values.states import LineState, MatchRule, PayerKind, RegisterStatus

__all__ = [
    "FAULT_TEXTS",
    "BankFileRead",
    "BankLine",
    "BankStatementRead",
    "Fault",
    "LineState",
    "MatchRule",
    "PayerKind",
    "RegisterStatus",
    "place_of",
    "translate_fault",
]
