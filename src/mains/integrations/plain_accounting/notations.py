"""How hledger and beancount write a transaction. Names are encoded so that two accounts never become one.

Sources: hledger manual, "Journal" (an account name ends at two spaces, parts are divided by colons);
Beancount Language Syntax (parts begin with a capital or a digit and hold letters, digits and hyphens).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

_TYPES = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
_HLEDGER_RESERVED = re.compile(r"[%:;\x00-\x1f\x7f]|(?<= ) | $|^ ")
_BEANCOUNT_RESERVED = re.compile(r"[^A-Za-z0-9]")


@dataclass(frozen=True, kw_only=True)
class Notation:
    """A format: its name, what stands before everything, how one account opens, a transaction's first line and one
    posting are written."""

    name: str
    suffix: str
    head: Callable[[str, str], str]
    opening: Callable[[str, date, str], str]
    account: Callable[[str, Sequence[str]], str]
    first_line: Callable[[date, str, str], str]
    posting: Callable[[str, str, str], str]


def decimal_text(minor: int) -> str:
    """Minor units with two decimals and no groups: -1250.40."""
    units, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{units}.{rest:02d}"


def _percent_encoded(part: str) -> str:
    return _HLEDGER_RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", part) or "%"


def _hyphen_encoded(part: str) -> str:
    # A hyphen stands twice, so what is written between two single ones is an encoded character and nothing else.
    text = _BEANCOUNT_RESERVED.sub(lambda found: "--" if found[0] == "-" else f"-{ord(found[0]):x}-", part)
    return f"N{text}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _plain(text: str) -> str:
    return re.sub(r"[\s;|]+", " ", text).strip()


HLEDGER = Notation(
    name="hledger",
    suffix=".journal",
    head=lambda title, currency: f"; {_plain(title)}\ndecimal-mark .\ncommodity 1000.00 {currency}\n\n",
    opening=lambda account, _first, _currency: f"account {account}\n",
    account=lambda kind, parts: ":".join([_TYPES[kind].lower(), *map(_percent_encoded, parts)]),
    first_line=lambda day, code, text: f"{day.isoformat()} ({_plain(code)}) {_plain(text)}\n",
    posting=lambda account, amount, currency: f"    {account}  {amount} {currency}\n",
)
BEANCOUNT = Notation(
    name="beancount",
    suffix=".beancount",
    head=lambda title, currency: (
        f'option "title" {_quoted(title)}\noption "operating_currency" "{currency}"\n\n'
    ),
    opening=lambda account, first, currency: f"{first.isoformat()} open {account} {currency}\n",
    account=lambda kind, parts: ":".join([_TYPES[kind], *map(_hyphen_encoded, parts)]),
    first_line=lambda day, code, text: f"{day.isoformat()} * {_quoted(text)}\n  code: {_quoted(code)}\n",
    posting=lambda account, amount, currency: f"  {account}  {amount} {currency}\n",
)
NOTATIONS = {notation.name: notation for notation in (HLEDGER, BEANCOUNT)}
