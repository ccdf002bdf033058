"""What each format of banks says is read whole: amounts, dates, references, payers, balances."""

from datetime import date

import pytest

from bank_samples import (
    CAMT_053,
    CLIENT_BANK,
    IBAN,
    MT_940,
    PAYER_IBAN,
    PAYER_ROUBLES,
    ROUBLES,
    SAMPLES,
    client_bank,
)
from mains.integrations.bank_files.numbers import clean_account, is_iban, minor_of
from mains.integrations.bank_files.reading import read_bank_file, sniff
from mains.integrations.bank_files.swift_texts import is_creditor_reference
from mains.payments.values import BankFileRead

TODAY = date(2021, 6, 7)
MAY_3 = date(2021, 5, 3)


def read(content: bytes | str) -> BankFileRead:
    found = read_bank_file(content.encode() if isinstance(content, str) else content, today=TODAY)
    assert found.faults == []
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_known_by_its_content(name: str) -> None:
    found = read(SAMPLES[name])
    assert found.form == name
    for statement in found.statements:
        if statement.opening_minor is not None:
            assert statement.opening_minor + statement.moved_minor == statement.closing_minor


def test_camt_gives_details_charges_and_reversals_their_own_lines() -> None:
    (statement,) = read(CAMT_053).statements
    assert (statement.number, statement.account, statement.currency) == ("S-2021-84", IBAN, "EUR")
    assert (statement.opening_minor, statement.closing_minor) == (100_000, 117_350)
    assert [(line.entry, line.amount_minor) for line in statement.lines] == [
        (1, 12_000), (2, 4_000), (2, 2_100), (2, -100), (3, -450), (4, -200),
    ]  # fmt: skip
    first, detail, _, charge, fee, reversal = statement.lines
    assert (first.payer_name, first.payer_account) == ("Anna Berg", PAYER_IBAN)
    assert (first.remittance, first.end_to_end_id) == ("Kundenkonto 0310000017 Mai", "E2E-1")
    assert detail.structured_reference == "RF18539007547034"
    assert is_creditor_reference(detail.structured_reference)
    assert (charge.is_charge, fee.is_charge, reversal.is_reversal) == (True, True, True)


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "11", "13"])
def test_every_version_of_camt_is_read_by_local_names(version: str) -> None:
    text = CAMT_053.replace("camt.053.001.08", f"camt.053.001.{version}")
    if int(version) < 8:
        text = text.replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")
    assert read(text).statements == read(CAMT_053).statements
    assert read(text.replace(' xmlns="', ' nothing="')).statements == read(CAMT_053).statements


def test_what_a_bank_only_announces_is_pending() -> None:
    (advice,) = read(SAMPLES["camt.054"]).statements
    assert advice.is_advice
    assert [line.is_pending for line in advice.lines] == [False, True]
    assert advice.moved_minor == 12_000


def test_a_camt_in_utf_16_is_read() -> None:
    text = CAMT_053.replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert read(text.encode("utf-16")).statements == read(CAMT_053).statements


def test_mt940_is_read_in_its_envelope_with_both_kinds_of_text() -> None:
    first, second = read(MT_940).statements
    assert (first.number, first.account, first.opening_minor, first.closing_minor) == (
        "00084/001", IBAN, 100_000, 111_350,
    )  # fmt: skip
    paid, fee, reversal = first.lines
    assert (paid.amount_minor, paid.booked_on, paid.bank_reference) == (12_000, MAY_3, "B-001")
    assert (paid.payer_name, paid.payer_account) == ("ANNA BERG", PAYER_IBAN)
    # The line is wrapped in the middle of the number.
    assert (paid.remittance, paid.end_to_end_id) == ("Kundenkonto 0310000017 Mai", "E2E-1")
    # Banks count interest with 30 days a month.
    assert (fee.amount_minor, fee.value_on, fee.is_charge) == (-450, date(2021, 2, 28), True)
    assert (reversal.amount_minor, reversal.is_reversal) == (-200, True)
    assert reversal.remittance == "Reversal of a payment that was not ours"
    (coded,) = second.lines
    assert (coded.payer_name, coded.payer_account) == ("B. Boer", PAYER_IBAN)
    assert (coded.end_to_end_id, coded.remittance) == ("X-7", "0310000027")


@pytest.mark.parametrize("written", ["120,", "120,0", "120,00", "0120,00", "120.00"])
def test_mt940_amounts_need_no_trailing_zeros(written: str) -> None:
    assert read(MT_940.replace("CR120,", f"CR{written}")).statements[0].lines[0].amount_minor == 12_000


@pytest.mark.parametrize(
    ("value", "entry", "booked"),
    [("210101", "1231", date(2020, 12, 31)), ("201231", "0102", date(2021, 1, 2)), ("210503", "", MAY_3)],
)
def test_the_entry_date_takes_the_year_nearest_to_the_value_date(
    value: str, entry: str, booked: date
) -> None:
    text = MT_940.replace(":61:2105030503CR", f":61:{value}{entry}CR")
    assert read(text).statements[0].lines[0].booked_on == booked


def test_mt942_has_no_balances_and_counts_both_directions() -> None:
    (interim,) = read(SAMPLES["MT942"]).statements
    assert (interim.is_advice, interim.opening_minor, interim.currency) == (True, None, "EUR")
    assert [line.amount_minor for line in interim.lines] == [12_000, -450]


def test_1c_tells_the_direction_by_whose_account_it_is() -> None:
    (statement,) = read(SAMPLES["1C"]).statements
    assert (statement.account, statement.currency) == (ROUBLES, "RUB")
    assert (statement.opening_minor, statement.closing_minor) == (500_000, 630_040)
    paid, other, fee = statement.lines
    assert (paid.amount_minor, paid.payer_name, paid.payer_account) == (
        125_040,
        "Иванова Мария",
        PAYER_ROUBLES,
    )
    assert paid.remittance == "Оплата за свет, л/с 0310000017"
    assert (other.payer_name, other.amount_minor) == ("Петров Пётр", 30_000)
    assert (fee.amount_minor, fee.is_charge) == (-25_000, True)


@pytest.mark.parametrize(
    ("encoding", "stated"),
    [("cp1251", "Windows"), ("cp866", "DOS"), ("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8")],
)
@pytest.mark.parametrize("version", ["1.01", "1.02", "1.03"])
def test_1c_is_read_in_the_encoding_that_it_names(encoding: str, stated: str, version: str) -> None:
    content = client_bank(
        CLIENT_BANK.replace("Формата=1.03", f"Формата={version}"), encoding=encoding, stated=stated
    )
    assert read(content).statements == read(SAMPLES["1C"]).statements


def test_money_between_own_accounts_is_a_line_of_both() -> None:
    other = "40702810900000000002"
    section = CLIENT_BANK[CLIENT_BANK.index("СекцияРасчСчет") : CLIENT_BANK.index("СекцияДокумент")]
    second = (
        section.replace(ROUBLES, other)
        .replace("ВсегоПоступило=1550.40", "ВсегоПоступило=250.00")
        .replace("ВсегоСписано=250.00", "ВсегоСписано=0.00")
        .replace("КонечныйОстаток=6300.40", "КонечныйОстаток=5250.00")
    )
    text = CLIENT_BANK.replace(section, section + second).replace("70601810000000000001", other)
    assert [
        [line.amount_minor for line in statement.lines] for statement in read(client_bank(text)).statements
    ] == [[125_040, 30_000, -25_000], [25_000]]


def test_numbers_of_accounts_and_amounts() -> None:
    assert clean_account("DE02 1203 0000 0000 2020 51 EUR") == (IBAN, "EUR")
    assert clean_account("1234567890EUR") == ("1234567890", "EUR")
    assert clean_account("12345678/1020304050") == ("12345678/1020304050", "")
    assert is_iban(IBAN)
    assert not is_iban(IBAN[:-1] + "2")
    assert [minor_of(text) for text in ("1", "1.5", "1.50000", "1.005", "-1", "1,5", "")] == [
        100, 150, 150, None, None, None, None,
    ]  # fmt: skip
    assert sniff(b"account,paid_on\n") == ""
