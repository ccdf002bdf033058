"""Find the account that a payment is for: rules in order, each with its confidence.

Only an account number, bill number or payer that leads to one account is sure; what leads to several is left to
a person, who sees them as proposals.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import polars as pl

from mains.base.columns import fetch_frame
from mains.kernel.identifiers import has_valid_check_digit
from mains.kernel.invoice_numbers import find_invoice_numbers
from mains.ledger.queries.open_items import open_items
from mains.payments.models import PaymentChannel
from mains.payments.values import LineState, MatchRule, PayerKind
from mains.payments.values.payers import payer_key
from mains.payments.values.states import CONFIDENCE_PERCENT, SURE_PERCENT

# Ids of bills → bill_id, month, account_id of those that exist. Bills are another context's; whoever imports a
# file hands their finder in.
BillFinder = Callable[[Sequence[int]], pl.DataFrame]
# End-to-end numbers → end_to_end_id, account_id, amount_minor of the direct debits that were ordered under them.
DebitFinder = Callable[[Sequence[str]], pl.DataFrame]

# A number this long that an account has is no chance, whether or not it carries a check digit.
_LONG_NUMBER = 8
_REGISTER_DAYS = 10
_MAX_GROUPS = 12
_TEXTS = ("remittance", "end_to_end_id")


def match_lines(
    lines: pl.DataFrame, *, find_bills: BillFinder | None = None, find_debits: DebitFinder | None = None
) -> pl.DataFrame:
    """The lines of `payments_banktransaction` with rule, account_id, register_id, deposit_id and state.

    Only lines in suspense are matched. A sum that is a register's goes to that register, a deposit's to the deposit.
    """
    lines = lines.with_row_index("place")
    waiting = lines.filter(pl.col("state") == LineState.SUSPENSE.value)
    deposits = _deposits_of(waiting)
    waiting = waiting.join(deposits, on="place", how="anti")
    registers = _registers_of(waiting)
    waiting = waiting.join(registers, on="place", how="anti")
    matched = _first_rules(
        [
            _by_invoices(waiting),
            *_by_debit(waiting, find_debits),
            *_by_numbers(waiting, find_bills),
            _by_payer(waiting, PayerKind.ACCOUNT),
            _by_payer(waiting, PayerKind.NAME),
        ]
    )
    sure = [rule for rule, percent in CONFIDENCE_PERCENT.items() if percent >= SURE_PERCENT]
    return (
        lines.join(matched, on="place", how="left", maintain_order="left")
        .join(registers, on="place", how="left", maintain_order="left")
        .join(deposits, on="place", how="left", maintain_order="left")
        .with_columns(pl.col("rule").fill_null(""))
        .with_columns(
            state=pl.when(pl.col("deposit_id").is_not_null())
            .then(pl.lit(LineState.DEPOSIT.value))
            .when(pl.col("register_id").is_not_null())
            .then(pl.lit(LineState.REGISTER.value))
            .when(
                (pl.col("state") == LineState.SUSPENSE.value)
                & pl.col("payer_account").is_in(_paying_channels())
            )
            .then(pl.lit(LineState.WAITING.value))
            .when(pl.col("rule").is_in(sure) & pl.col("account_id").is_not_null())
            .then(pl.lit(LineState.RECEIPT.value))
            .otherwise(pl.col("state"))
        )
        .drop("place")
    )


def _first_rules(candidates: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """place, rule, account_id: the strongest rule of each line; no account where it names several."""
    order = {rule.value: number for number, rule in enumerate(MatchRule)}
    found = pl.concat(candidates).unique()
    found = found.with_columns(rank=pl.col("rule").replace_strict(order, return_dtype=pl.Int64, default=99))
    best = found.group_by("place").agg(pl.col("rank").min())
    return (
        found.join(best, on=["place", "rank"])
        .group_by("place")
        .agg(pl.col("rule").first(), pl.col("account_id").min(), accounts=pl.col("account_id").n_unique())
        .select(
            "place",
            rule=pl.when(pl.col("accounts") > 1)
            .then(pl.lit(MatchRule.SEVERAL.value))
            .otherwise(pl.col("rule")),
            account_id=pl.when(pl.col("accounts") > 1).then(None).otherwise(pl.col("account_id")),
        )
    )


def _by_debit(lines: pl.DataFrame, find_debits: DebitFinder | None) -> list[pl.DataFrame]:
    """Direct debits that the utility ordered, by their own number and amount."""
    if find_debits is None:
        return []
    named = lines.filter(pl.col("end_to_end_id") != "")
    debits = find_debits(named["end_to_end_id"].unique().to_list())
    return [_ruled(named.join(debits, on=["end_to_end_id", "amount_minor"]), MatchRule.COLLECTION)]


def _by_numbers(lines: pl.DataFrame, find_bills: BillFinder | None) -> list[pl.DataFrame]:
    """Account numbers of structured references and of texts, and bill numbers of both."""
    reference = pl.col("structured_reference").str.replace_all(" ", "")
    # A creditor reference of ISO 11649 is RF, two check digits, and the creditor's own number.
    body = reference.str.replace(r"^RF[0-9]{2}", "")
    structured = pl.concat(
        [
            lines.select("place", number=expression).filter(pl.col("number") != "")
            for expression in (reference, body, body.str.strip_chars_start("0"))
        ]
    ).unique()
    spoken = pl.concat(
        [
            *(
                lines.select("place", number=pl.col(name).str.extract_all(r"[0-9]{5,20}")).explode(
                    "number", keep_nulls=False
                )
                for name in _TEXTS
            ),
            _grouped(lines),
        ]
    ).unique()
    accounts = _accounts_of(pl.concat([structured, spoken])["number"].unique().to_list())
    return [
        _ruled(structured.join(accounts, on="number"), MatchRule.REFERENCE),
        _ruled(spoken.join(accounts, on="number"), MatchRule.ACCOUNT_NUMBER),
        # A bill number is written `2103-1204876`: two groups of digits.
        _by_bills(pl.concat([structured, spoken]), find_bills),
    ]


def _by_invoices(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines that name an invoice: it may be for many accounts, or an advance, so the money waits until the invoice
    takes it (`mains.invoicing`), and no other number in the text counts."""
    texts = ("structured_reference", *_TEXTS)
    named = [
        place
        for place, *said in lines.select("place", *texts).iter_rows()
        if any(find_invoice_numbers(text or "") for text in said)
    ]
    return lines.filter(pl.col("place").is_in(named)).select(
        "place", account_id=pl.lit(None, pl.Int64), rule=pl.lit(MatchRule.INVOICE.value)
    )


def _grouped(lines: pl.DataFrame) -> pl.DataFrame:
    """Numbers that are written in groups, `0310 0000 17`: what neighbouring groups make together."""
    groups = lines.select(
        "place", said=pl.col("remittance").str.extract_all(r"[0-9]+(?:[ -][0-9]+)+")
    ).explode("said", keep_nulls=False)
    joined = [(said, number) for said in groups["said"].unique().to_list() for number in _joins(said)]
    return groups.join(
        pl.DataFrame(joined, schema={"said": pl.String, "number": pl.String}, orient="row"), on="said"
    ).select("place", "number")


def _joins(said: str) -> set[str]:
    parts = re.split("[ -]", said)[:_MAX_GROUPS]
    joins = {
        "".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 2, len(parts) + 1)
    }
    return {number for number in joins if 5 <= len(number) <= 20}


def _accounts_of(numbers: Sequence[str]) -> pl.DataFrame:
    """number, account_id of the numbers that an account has; short ones only with a right check digit."""
    plausible = [
        number
        for number in numbers
        if 4 <= len(number) <= 20 and (len(number) >= _LONG_NUMBER or has_valid_check_digit(number))
    ]
    return fetch_frame(
        "SELECT number, id FROM customers_account WHERE number = ANY(%(numbers)s)",
        {"numbers": plausible},
        schema={"number": pl.String, "account_id": pl.Int64},
    )


def _by_bills(numbers: pl.DataFrame, find_bills: BillFinder | None) -> pl.DataFrame:
    """Year, month and id of a bill with a check digit over all of it."""
    if find_bills is None:
        return pl.DataFrame(schema={"place": pl.UInt32, "account_id": pl.Int64, "rule": pl.String})
    read = [
        (number, number[:4], int(number[4:-1]))
        for number in numbers["number"].unique().to_list()
        if 6 <= len(number) <= 18 and "01" <= number[2:4] <= "12" and has_valid_check_digit(number)
    ]
    named = pl.DataFrame(
        read, schema={"number": pl.String, "said": pl.String, "bill_id": pl.Int64}, orient="row"
    )
    bills = find_bills(named["bill_id"].to_list()).with_columns(said=pl.col("month").dt.strftime("%y%m"))
    of_number = named.join(bills, on=["bill_id", "said"]).select("number", "account_id")
    return _ruled(numbers.join(of_number, on="number"), MatchRule.BILL_NUMBER)


def _ruled(found: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    return found.select("place", "account_id", rule=pl.lit(rule.value))


def _by_payer(lines: pl.DataFrame, kind: PayerKind) -> pl.DataFrame:
    """Accounts for which this payer's money was identified before."""
    column = "payer_account" if kind == PayerKind.ACCOUNT else "payer_name"
    keys = {text: payer_key(kind=kind, text=text) for text in lines[column].unique().to_list() if text}
    learned = fetch_frame(
        """
        SELECT key, account_id FROM payments_learnedpayer
        WHERE kind = %(kind)s AND removed_at IS NULL AND key = ANY(%(keys)s)
        """,
        {"kind": kind.value, "keys": sorted(set(keys.values()))},
        schema={"key": pl.String, "account_id": pl.Int64},
    )
    of_text = pl.DataFrame(
        list(keys.items()), schema={column: pl.String, "key": pl.String}, orient="row"
    ).join(learned, on="key")
    found = lines.select("place", column, "amount_minor").join(of_text, on=column)
    if kind == PayerKind.ACCOUNT:
        return _ruled(found, MatchRule.PAYER_ACCOUNT)
    return _by_name_and_amount(found)


def _by_name_and_amount(found: pl.DataFrame) -> pl.DataFrame:
    """A name is sure only where an open bill or all that is open has the same amount."""
    if found.is_empty():
        return _ruled(found, MatchRule.PAYER_NAME)
    items = open_items(account_ids=found["account_id"].unique().to_list())
    amounts = pl.concat(
        [
            items.select("account_id", amount_minor=pl.col("outstanding_minor")),
            items.group_by("account_id").agg(amount_minor=pl.col("outstanding_minor").sum()),
        ]
    ).unique()
    agreeing = found.join(amounts, on=["account_id", "amount_minor"], how="semi")
    return pl.concat([_ruled(agreeing, MatchRule.PAYER_AND_AMOUNT), _ruled(found, MatchRule.PAYER_NAME)])


def _paying_channels() -> list[str]:
    """Bank accounts from which agents and acquirers pass money on: the accountant says which payout it is."""
    listed = PaymentChannel.objects.exclude(payer_accounts=[]).values_list("payer_accounts", flat=True)
    return [account for accounts in listed for account in accounts]


def _registers_of(lines: pl.DataFrame) -> pl.DataFrame:
    """place, register_id: sums of accepted registers whose sender pays to this account; each register once."""
    registers = fetch_frame(
        """
        SELECT r.id, b.id, r.total_minor, (r.accepted_at AT TIME ZONE 'UTC')::date
        FROM payments_paymentregister r
        JOIN payments_bankaccount b ON b.register_senders ? r.sender_code
        WHERE r.status = 'accepted' AND b.id = ANY(%(accounts)s)
          AND NOT EXISTS (
              SELECT FROM payments_banktransaction t JOIN payments_bankstatement s ON s.id = t.statement_id
              JOIN payments_bankfile f ON f.id = s.file_id
              WHERE t.register_id = r.id AND f.status = 'accepted' AND t.state = 'register')
        ORDER BY r.id
        """,
        {"accounts": lines["bank_account_id"].unique().to_list()},
        schema={
            "register_id": pl.Int64,
            "bank_account_id": pl.Int64,
            "amount_minor": pl.Int64,
            "accepted_on": pl.Date,
        },
    )
    pairs = (
        lines.select("place", "bank_account_id", "amount_minor", "booked_on")
        .join(registers, on=["bank_account_id", "amount_minor"])
        .filter((pl.col("booked_on") - pl.col("accepted_on")).abs() <= timedelta(days=_REGISTER_DAYS))
        .sort("place", "register_id")
    )
    return _each_once(pairs.select("place", "register_id"))


def _deposits_of(lines: pl.DataFrame) -> pl.DataFrame:
    """place, deposit_id: cash that we handed in, known by the number of its slip in the text and by its amount."""
    deposits = fetch_frame(
        """
        SELECT d.id, d.slip, d.amount_minor, d.bank_account_id FROM payments_deposit d
        WHERE d.amount_minor = ANY(%(amounts)s)
          AND NOT EXISTS (SELECT FROM payments_depositarrival a WHERE a.deposit_id = d.id)
        ORDER BY d.id
        """,
        {"amounts": lines["amount_minor"].unique().to_list()},
        schema={
            "deposit_id": pl.Int64,
            "slip": pl.String,
            "amount_minor": pl.Int64,
            "expected_account_id": pl.Int64,
        },
    )
    said = lines.select(
        "place", "amount_minor", "bank_account_id", said=pl.concat_str(*_WHERE_SLIPS, separator=" ")
    )
    pairs = (
        said.join(deposits, on="amount_minor")
        .filter(
            pl.col("expected_account_id").is_null()
            | (pl.col("expected_account_id") == pl.col("bank_account_id"))
        )
        .sort("place", "deposit_id")
    )
    named = [
        (place, deposit_id)
        for place, deposit_id, text, slip in pairs.select("place", "deposit_id", "said", "slip").iter_rows()
        if _names_slip(text, slip)
    ]
    return _each_once(pl.DataFrame(named, schema={"place": pl.UInt32, "deposit_id": pl.Int64}, orient="row"))


_WHERE_SLIPS = ("remittance", "end_to_end_id", "structured_reference", "bank_reference", "payer_name")


def _names_slip(text: str, slip: str) -> bool:
    """Whether the text has the slip's number as a word of its own, not as a part of a longer one."""
    return re.search(rf"(?<!\w){re.escape(slip)}(?!\w)", text, re.IGNORECASE) is not None


def _each_once(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of pairs of a place and an id, in order, those in which both are new."""
    taken: set[int] = set()
    placed: set[int] = set()
    rows: list[tuple[int, int]] = []
    for place, taken_id in pairs.iter_rows():
        if taken_id not in taken and place not in placed:
            taken.add(taken_id)
            placed.add(place)
            rows.append((place, taken_id))
    return pl.DataFrame(rows, schema=pairs.schema, orient="row")
