"""Whether an account number at a bank can be one: IBAN and BIC, or a Russian account with its bank's BIK."""

import re

from stdnum import bic, iban

_BIK = re.compile(r"04\d{7}", re.ASCII)
_ACCOUNT = re.compile(r"\d{20}", re.ASCII)
_WEIGHTS = (7, 1, 3) * 8


def is_russian(*, account: str, bank_code: str) -> bool:
    """Whether both have the form of a Russian settlement account and a BIK."""
    return bool(_BIK.fullmatch(bank_code) and _ACCOUNT.fullmatch(account))


def account_fault(*, account: str, bank_code: str) -> str:
    """What is wrong with the number of an account, in English; empty when nothing is.

    An IBAN is checked by its check digits, a BIC by its form. A Russian account is checked with the BIK of its bank by
    the control key (Bank of Russia, order of 8 September 1997 No. 515): the last three digits of the BIK and the
    account, weighed 7, 1, 3, sum to a multiple of ten in their last digits.
    """
    account, bank_code = account.replace(" ", ""), bank_code.replace(" ", "")
    if _ACCOUNT.fullmatch(account):
        if not _BIK.fullmatch(bank_code):
            return "A Russian account needs the BIK of its bank, nine digits that begin with 04."
        digits = [int(digit) for digit in bank_code[-3:] + account]
        if sum(digit * weight % 10 for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 10:
            return "The control key of the account does not fit its bank's BIK."
        return ""
    if not iban.is_valid(account):
        return "It is neither an IBAN nor a Russian account of 20 digits: the check digits do not fit."
    if bank_code and not bic.is_valid(bank_code):
        return "The BIC of the bank has not the form of one."
    return ""
