"""An independent program reads the exported journal and finds the balance of every account as the ledger has it."""

import csv
import io
import re
import shutil
import subprocess
from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from django.db import connection

from debt_cast import approve, people, run_interest, state_rules
from mains.debt.actions.movements import Place, propose_transfer, propose_write_off, undo_movement
from mains.debt.queries.open_debts import list_supplies
from mains.integrations.plain_accounting import BEANCOUNT, HLEDGER, JournalDetail, Notation, write_journal
from mains.integrations.plain_accounting.journal import UnableToWriteJournal
from mains.ledger.actions.advances import AdvancePlace, draw_advances, receive_advance
from mains.ledger.actions.chart import UnableToStateAccount, state_account, state_accounts
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.queries.chart import read_chart
from mains.ledger.queries.invariants import find_breaches
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.suspense import identify_receipt
from mains.payments.models import Receipt
from mains.settlement.actions.splitting import split_payments
from money_cast import NOW, Cast
from settlement_cast import contract

MARCH, APRIL = date(2021, 3, 31), date(2021, 4, 30)


@pytest.fixture
def lived(cast: Cast) -> Cast:
    """Two months of bills, payments, money in suspense and found again, and a bill that gives back."""
    cast.bill("anna", 125_040, on=MARCH)
    cast.bill("chen", 7, on=MARCH, service="cold_water")
    cast.bill("chen", 99_999_999_999, on=MARCH)
    cast.pay(("anna", "2021-04-12", "1300.00", "R-1"), ("999", "2021-04-13", "7.50", "R-2"))
    cast.bill("anna", -3_010, on=APRIL, correction_minor=-3_010)
    identify_receipt(
        receipt_id=Receipt.objects.get(reference="R-2").pk,
        account_number=cast.numbers["boris"],
        business_date=APRIL,
        now=NOW,
    )
    return cast


@pytest.mark.parametrize("detail", list(JournalDetail))
def test_hledger_agrees_with_every_balance(lived: Cast, detail: JournalDetail, tmp_path: Path) -> None:
    journal = _written(HLEDGER, detail, tmp_path)
    assert _hledger("check", "--strict", journal=journal) == ""
    found = list(
        csv.reader(io.StringIO(_hledger("balance", "--flat", "-N", "-E", "-O", "csv", journal=journal)))
    )
    balances = {account: _minor(amount) for account, amount in found[1:]}
    assert balances == _balances(detail)
    assert len(balances) == {JournalDetail.CONTROL: 9, JournalDetail.CUSTOMERS: 10}[detail]


def test_hledger_agrees_when_payments_are_split(lived: Cast, tmp_path: Path) -> None:
    contract("power:60; water:40", fee="2.5")
    assert split_payments(now=NOW).rows
    journal = _written(HLEDGER, JournalDetail.CONTROL, tmp_path)
    assert _hledger("check", "--strict", journal=journal) == ""
    found = list(
        csv.reader(io.StringIO(_hledger("balance", "--flat", "-N", "-E", "-O", "csv", journal=journal)))
    )
    assert {account: _minor(amount) for account, amount in found[1:]} == _balances(JournalDetail.CONTROL)
    assert any(account.startswith("liabilities:2300:") for account, _amount in found)


def test_hledger_agrees_when_debts_are_moved_and_bear_interest(cast: Cast, tmp_path: Path) -> None:
    state_rules()
    item = cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=date(2021, 1, 10))
    run_interest(cast, APRIL)
    alma, _bert = people()
    told = {"reason": "Barred", "document": "Order 1", "now": NOW, "actor_id": alma}
    account = cast.accounts["anna"]
    written_off = propose_write_off(item_id=item, account_id=account, amount_minor=300_000, **told)
    approve(written_off)
    cast.pay(("chen", "2021-04-10", "30.00", "ADVANCE"))
    power = Place(account_id=cast.accounts["chen"], provider_id=cast.parties["power"], service="electricity")
    water = Place(account_id=cast.accounts["chen"], provider_id=cast.parties["water"], service="cold_water")
    credit = {one.service: one.credit_minor for one in list_supplies(account_id=cast.accounts["chen"])}
    here, there = (power, water) if credit["electricity"] else (water, power)
    approve(propose_transfer(place=here, to=there, amount_minor=1_000, **told))
    undo_movement(movement_id=written_off.pk, reason="Paid", now=NOW, actor_id=alma)
    journal = _written(HLEDGER, JournalDetail.CUSTOMERS, tmp_path)
    assert _hledger("check", "--strict", journal=journal) == ""
    found = list(
        csv.reader(io.StringIO(_hledger("balance", "--flat", "-N", "-E", "-O", "csv", journal=journal)))
    )
    assert {account: _minor(amount) for account, amount in found[1:]} == _balances(JournalDetail.CUSTOMERS)


def test_hledger_agrees_on_advances_and_shared_bills(lived: Cast, tmp_path: Path) -> None:
    """An advance comes in, a bill uses part of it, a bill is passed on to another account, and money goes back."""
    cast, anna = lived, lived.accounts["anna"]
    place = AdvancePlace(
        advance_id=1,
        account_id=anna,
        organisation_id=cast.places["anna"],
        provider_id=cast.parties["power"],
        service="electricity",
    )
    bank = pl.DataFrame([("bank", cast.places["anna"], 0, "", 70_000)], schema=POSTING_SCHEMA, orient="row")
    given = {"source_id": 1, "business_date": APRIL, "now": NOW, "narrative": "Advance"}
    receive_advance(place=place, amount_minor=70_000, other_side=bank, **given)
    cast.bill("anna", 50_000, on=APRIL)
    assert draw_advances(now=NOW).amount_minor > 0
    sides = [("anna", -1_000, "shared"), ("boris", 1_000, "share")]
    entries = [
        {
            "account_id": cast.accounts[name],
            "organisation_id": cast.places[name],
            "provider_id": cast.parties["power"],
            "service": "electricity",
            "kind": kind,
            "amount_minor": minor,
            "correction_minor": 0,
            "due_date": None,
            "document_id": 9,
        }
        for name, minor, kind in sides
    ]
    post_transaction(
        kind=TransactionKind.BILL_SHARED,
        source_id=9,
        business_date=APRIL,
        entries=pl.DataFrame(entries, schema=ENTRY_SCHEMA),
        counterparts=pl.DataFrame(schema=POSTING_SCHEMA),
        now=NOW,
    )
    journal = _written(HLEDGER, JournalDetail.CUSTOMERS, tmp_path)
    assert _hledger("check", "--strict", journal=journal) == ""
    found = list(
        csv.reader(io.StringIO(_hledger("balance", "--flat", "-N", "-E", "-O", "csv", journal=journal)))
    )
    assert {account: _minor(amount) for account, amount in found[1:]} == _balances(JournalDetail.CUSTOMERS)
    assert find_breaches() == []


def test_hledger_finds_an_altered_amount(lived: Cast, tmp_path: Path) -> None:
    journal = _written(HLEDGER, JournalDetail.CONTROL, tmp_path)
    journal.write_text(journal.read_text().replace("1250.40", "1250.41", 1))
    with pytest.raises(subprocess.CalledProcessError):
        _hledger("balance", journal=journal)


def test_beancount_names_no_two_accounts_alike(lived: Cast, tmp_path: Path) -> None:
    assert (
        BEANCOUNT.account("asset", ["a-b", "a_b", "Ü x", "a--b"]) == "Assets:Na--b:Na-5f-b:N-dc--20-x:Na----b"
    )
    text = _written(BEANCOUNT, JournalDetail.CUSTOMERS, tmp_path).read_text()
    opened = re.findall(r"^\S+ open (\S+) RUB$", text, re.MULTILINE)
    assert len(opened) == len(set(opened)) == 10
    posted = [line.split() for line in text.splitlines() if line.startswith("  ") and line.endswith(" RUB")]
    assert {account for account, _amount, _currency in posted} == set(opened)
    assert sum(_minor(amount) for _account, amount, _currency in posted) == 0


def test_names_that_hledger_would_read_otherwise_are_encoded() -> None:
    assert HLEDGER.account("asset", ["a:b", "a  b", "50%", " c;d ", ""]) == (
        "assets:a%3Ab:a %20b:50%25:%20c%3Bd%20:%"
    )


def test_dates_limit_the_journal(lived: Cast, tmp_path: Path) -> None:
    out = io.StringIO()
    written = write_journal(out=out, notation=HLEDGER, first=APRIL, last=APRIL, as_of=NOW)
    assert written.transactions == 2
    assert "2021-03" not in out.getvalue()


def test_without_a_tariff_amounts_have_no_currency(db: None) -> None:
    with pytest.raises(UnableToWriteJournal) as refusal:
        write_journal(out=io.StringIO(), notation=HLEDGER, as_of=NOW)
    assert refusal.value.code == "no-currency"


def test_the_chart_of_the_utility_names_the_accounts(lived: Cast, tmp_path: Path) -> None:
    state_account(control="receivable", code="62.01", name="Households")
    state_account(control="receivable", service="cold_water", code="62.02", name="Water")
    chart = read_chart()
    assert chart.find(Control.RECEIVABLE, "cold_water").code == "62.02"
    assert chart.find(Control.RECEIVABLE, "heat").code == "62.01"
    assert chart.find(Control.BANK, "heat").code == "1000"
    assert (
        "assets:62.02:birch:water:cold_water"
        in _written(HLEDGER, JournalDetail.CONTROL, tmp_path).read_text()
    )


def test_a_chart_with_a_fault_is_refused_whole(cast: Cast) -> None:
    rows = [{"control": "bank", "code": "51"}, {"control": "till", "code": "50"}]
    with pytest.raises(UnableToStateAccount) as refusal:
        state_accounts(rows=rows, place="chart.csv")
    assert (refusal.value.code, refusal.value.place) == ("chart-control", "chart.csv, line 3")
    assert read_chart().find(Control.BANK, "").code == "1000"
    with pytest.raises(UnableToStateAccount, match="already the number of Bank"):
        state_account(control="tax", code="1000", name="Tax")


def _written(notation: Notation, detail: JournalDetail, folder: Path) -> Path:
    path = folder / f"books{notation.suffix}"
    with path.open("w", encoding="utf-8") as out:
        write_journal(out=out, notation=notation, detail=detail, as_of=NOW)
    return path


def _hledger(*arguments: str, journal: Path) -> str:
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("hledger is not installed: apt-get install hledger")
    command = [program, "-f", str(journal), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def _minor(amount: str) -> int:
    units, _, rest = amount.removesuffix(" RUB").partition(".")
    return int(units + (rest or "00").ljust(2, "0"))


def _balances(detail: JournalDetail) -> dict[str, int]:
    """Account names and balances by SQL over the tables, in the delivered chart."""
    numbers = {
        "bank": "assets:1000",
        "receivable": "assets:1200",
        "suspense": "liabilities:2100",
        "revenue": "income:4000",
        "collected": "income:4900",
        "fee": "income:4200",
        "payable": "liabilities:2300",
        "advances": "liabilities:2170",
        "penalty": "income:4100",
        "allowance": "assets:1290",
        "offset": "assets:1295",
    }
    place = "(SELECT code FROM staff_organisation WHERE id = {p}.organisation_id), "
    place += "coalesce((SELECT code FROM customers_party WHERE id = {p}.provider_id), '-'), "
    place += "coalesce(nullif({p}.service, ''), '-')"
    statement = f"SELECT control, {place.format(p='p')}, '', p.amount_minor FROM ledger_posting p"
    if detail is JournalDetail.CUSTOMERS:
        statement += f" WHERE control <> 'receivable' UNION ALL SELECT 'receivable', {place.format(p='e')},"
        statement += " ':' || (SELECT number FROM customers_account WHERE id = e.account_id), e.amount_minor"
        statement += " FROM ledger_entry e"
    balances: dict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        for control, unit, party, service, number, amount in cursor.fetchall():
            balances[f"{numbers[control]}:{unit}:{party}:{service}{number}"] += amount
    return dict(balances)
