"""The cashier's form: the accounts that a customer pays for, read from the fields of the page and shown there again."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.http import QueryDict
from django.utils.translation import get_language

from mains.base.folding import swap_layout
from mains.cashdesk.actions.payments import LINES_MAX, Asked, PaidLine
from mains.cashdesk.queries.payers import Payer, find_payer_id, find_payer_of_bill, list_payers
from mains.cashdesk.values import Means
from mains.cashdesk.values.scanned import Scanned, read_scanned
from mains.kernel.money import Currency, Money, UnableToReadMoney
from mains.reporting.queries.search import Found, find_accounts
from mains.staff.values import Scope

_ANY = Currency("XXX")
_COMMA = frozenset(("ru", "tr", "de", "fr"))
_SPACES = str.maketrans(
    "", "", " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'\N{RIGHT SINGLE QUOTATION MARK}"
)
HITS = 9


def read_amount(text: str) -> int | None:
    """Minor units of an amount as people type it, with a comma or a point before the decimals; None when it is none."""
    try:
        return Money.parse(text.translate(_SPACES).replace(",", "."), _ANY).minor
    except UnableToReadMoney:
        return None


def amount_input(minor: int) -> str:
    """An amount as a field holds it: no groups, the decimal sign of the reader's language."""
    text = str(Money(minor, _ANY).units)
    return text.replace(".", ",") if (get_language() or "en").partition("-")[0] in _COMMA else text


@dataclass(frozen=True, kw_only=True)
class Row:
    """An account in the basket: what it owes, the amount as typed, and what the scanned bill says if it is another."""

    payer: Payer
    typed: str
    seen_minor: int
    bill_minor: int | None = None

    @property
    def amount_minor(self) -> int | None:
        return read_amount(self.typed)


@dataclass(frozen=True, kw_only=True)
class Basket:
    """The form as it was sent, its accounts looked up anew. `key` makes it one payment however often it is sent."""

    key: str
    rows: tuple[Row, ...] = ()
    means: Means = Means.CASH
    tendered: str = ""
    slip: str = ""
    instalments: int = 1
    text: str = ""
    hits: Sequence[Found] = field(default_factory=tuple)
    problem: str = ""
    notice: str = ""
    focus: str = "search"

    @property
    def total_minor(self) -> int:
        return sum(row.amount_minor or 0 for row in self.rows)

    @property
    def tendered_minor(self) -> int | None:
        """The cash given; `=` is the exact amount."""
        return self.total_minor if self.tendered.strip() == "=" else read_amount(self.tendered)

    @property
    def change_minor(self) -> int | None:
        """What the customer gets back; None when not enough was given."""
        given = self.tendered_minor
        return given - self.total_minor if given is not None and given >= self.total_minor else None

    @property
    def is_ready(self) -> bool:
        """Whether everything is typed that a payment by these means needs."""
        said = self.tendered if self.means == Means.CASH else self.slip
        return bool(self.rows) and bool(said.strip())

    def asked(self) -> Asked:
        """What the form asks for."""
        return Asked(
            key=self.key,
            means=self.means,
            lines=tuple(
                PaidLine(
                    account_id=row.payer.account_id,
                    amount_minor=row.amount_minor or 0,
                    seen_minor=row.seen_minor,
                )
                for row in self.rows
            ),
            tendered_minor=self.tendered_minor,
            slip=self.slip,
            instalments=self.instalments,
        )

    def seen_anew(self) -> "Basket":
        """The same with what the accounts owe now as seen; amounts that were the whole debt follow it."""
        rows = tuple(
            replace(
                row,
                seen_minor=row.payer.owed_minor,
                typed=amount_input(row.payer.proposed_minor)
                if row.amount_minor == max(0, row.seen_minor)
                else row.typed,
            )
            for row in self.rows
        )
        return replace(self, rows=rows)


def new_key() -> str:
    """A key for one form: what is booked under it is booked once."""
    return secrets.token_urlsafe(24)


def new_basket() -> Basket:
    """An empty form with a key of its own."""
    return Basket(key=new_key())


def read_basket(data: QueryDict, *, scope: Scope) -> Basket:
    """The form that was sent, without accounts that the cashier may not see and without those to be removed."""
    ids = [int(text) for text in data.getlist("account") if text.isdecimal() and len(text) < 18][:LINES_MAX]
    payers = list_payers(account_ids=ids, scope=scope)
    typed = dict(zip(ids, data.getlist("amount"), strict=False))
    seen = dict(zip(ids, data.getlist("seen"), strict=False))
    bills = dict(zip(ids, data.getlist("bill"), strict=False))
    removed = data.get("drop", "")
    text, tendered = data.get("q", "").strip()[:1000], data.get("tendered", "")[:1000]
    if not text and is_code(tendered):
        # The next bill was scanned while the cash given had the focus.
        text, tendered = tendered, ""
    return Basket(
        key=data.get("key", "")[:64],
        rows=tuple(
            Row(
                payer=payers[account_id],
                typed=typed.get(account_id, "")[:20],
                seen_minor=_whole(seen.get(account_id, "")) or 0,
                bill_minor=_whole(bills.get(account_id, "")),
            )
            for account_id in dict.fromkeys(ids)
            if account_id in payers and str(account_id) != removed
        ),
        means=Means.CARD if data.get("means") == Means.CARD else Means.CASH,
        tendered=tendered[:20],
        slip=data.get("slip", "")[:40],
        instalments=min(99, _whole(data.get("instalments", "1")) or 1),
        text=text,
    )


def add_account(basket: Basket, *, account_id: int, scope: Scope, bill_minor: int | None = None) -> Basket:
    """The form with one account more, all that it owes proposed; an account that is there stays as it is."""
    payer = list_payers(account_ids=[account_id], scope=scope).get(account_id)
    if payer is None or any(row.payer.account_id == account_id for row in basket.rows):
        return replace(basket, text="", focus="search")
    row = Row(
        payer=payer,
        typed=amount_input(payer.proposed_minor or bill_minor or 0)
        if payer.proposed_minor or bill_minor
        else "",
        seen_minor=payer.owed_minor,
        bill_minor=bill_minor if bill_minor != payer.proposed_minor else None,
    )
    focus = "search" if row.amount_minor else f"amount-{account_id}"
    return replace(basket, rows=(*basket.rows, row), text="", focus=focus)


def is_code(text: str) -> bool:
    """Whether this is the code of a bill, also typed by a scanner on a keyboard switched to Russian."""
    return (read_scanned(text) or read_scanned(swap_layout(text))) is not None


def find_into(basket: Basket, *, scope: Scope) -> Basket:
    """The form after its search: a scanned bill or a single account is added, several are shown to choose from."""
    text = basket.text
    scanned = read_scanned(text) or read_scanned(swap_layout(text))
    account_id = _account_of_code(scanned, scope) if scanned else _account_of_number(text, scope)
    if account_id is not None:
        return add_account(
            basket, account_id=account_id, scope=scope, bill_minor=scanned.amount_minor if scanned else None
        )
    found = [] if scanned else find_accounts(text=text[:100], scope=scope, limit=HITS)
    if len(found) == 1:
        return add_account(basket, account_id=found[0].account_id, scope=scope)
    return replace(basket, hits=tuple(found), focus="hits" if found else "search")


def _account_of_number(text: str, scope: Scope) -> int | None:
    """By the account's whole number, or by the number of one of its bills."""
    joined = "".join(text.split())
    return find_payer_id(number=joined, scope=scope) or find_payer_of_bill(bill_number=joined, scope=scope)


def _account_of_code(scanned: Scanned, scope: Scope) -> int | None:
    of_account = find_payer_id(number=scanned.account_number, scope=scope) if scanned.account_number else None
    if of_account is None and scanned.bill_number:
        return find_payer_of_bill(bill_number=scanned.bill_number, scope=scope)
    return of_account


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def read_count(
    data: Mapping[str, str], denominations: Sequence[int]
) -> tuple[dict[int, int], dict[int, str]]:
    """Pieces by denomination from the fields `n-500000` …, and what is no number of pieces, as typed."""
    pieces: dict[int, int] = {}
    wrong: dict[int, str] = {}
    for minor in denominations:
        text = data.get(f"n-{minor}", "").strip()
        if text.isascii() and text.isdigit() and len(text) <= 6:
            pieces[minor] = int(text)
        elif text:
            wrong[minor] = text
    return pieces, wrong
