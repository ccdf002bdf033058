"""Payment codes: GOST R 56042-2014, EPC069-12, EMVCo, named values; read back from the printed picture."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
import segno
import zxingcpp
from typer.testing import CliRunner

from mains.config.cli.bill import app
from mains.customers.models import Party
from mains.reporting.queries.bill_paper.payment_codes import (
    Payment,
    Standard,
    UnableToMakePaymentCode,
    codes_of,
    list_codes,
    make_code,
    payment_svg,
)
from mains.reporting.queries.bill_paper.payment_codes.emv import crc
from mains.reporting.queries.bill_paper.registry import Payee

PAYEE = Payee(
    name="АО «Энерго»",
    tax_number="9100000018",
    bank_name="Банк",
    bank_code="043500001",
    bank_account="40702810800000000001",
    correspondent_account="30101810100000000001",
)
PAYMENT = Payment(
    payee=PAYEE,
    currency="RUB",
    amount_minor=31231,
    account_number="95794439",
    bill_number="2105-7841",
    month=date(2021, 5, 1),
    due_on=date(2021, 6, 10),
    purpose="Счёт, май 2021 г.",
)


EURO = replace(
    PAYMENT,
    payee=replace(
        PAYEE, name="Stadtwerke Nord GmbH", bank_code="COBADEFFXXX", bank_account="DE89370400440532013000"
    ),
    currency="EUR",
)
NAIRA = replace(
    PAYMENT,
    payee=replace(PAYEE, name="Ödan Élèctricity Distribution Plc"),
    currency="NGN",
    settings={"guid": "org.example.odan", "country": "NG", "city": "Ọdan", "account": "0000000017"},
)


def payment_payload(payment: Payment) -> str:
    return "".join(code.payload for code in list_codes(payment))


def read_back(payload: str, *, encoding: str = "utf-8") -> zxingcpp.Barcode:
    """What a reader that knows nothing of us sees in the symbol that the bill draws."""
    symbol = segno.make(payload, error="m", boost_error=False, micro=False, encoding=encoding)
    dark = np.array([list(row) for row in symbol.matrix], dtype=np.uint8)
    picture = np.kron(
        np.pad(1 - np.minimum(dark, 1), 4, constant_values=1) * 255, np.ones((4, 4), dtype=np.uint8)
    )
    (found,) = zxingcpp.read_barcodes(picture.astype(np.uint8))
    return found


def fields_of(text: str) -> dict[str, str]:
    """Tags and values of EMVCo, by a reader of its own."""
    found, place = {}, 0
    while place < len(text):
        length = int(text[place + 2 : place + 4])
        found[text[place : place + 2]] = text[place + 4 : place + 4 + length]
        place += 4 + length
    return found


def test_roubles_follow_the_standard():
    assert payment_payload(PAYMENT) == (
        "ST00012|Name=АО «Энерго»|PersonalAcc=40702810800000000001|BankName=Банк|BIC=043500001"
        "|CorrespAcc=30101810100000000001|Sum=31231|Purpose=Счёт, май 2021 г.|PayeeINN=9100000018"
        "|PersAcc=95794439|PaymPeriod=05.2021"
    )


def test_a_separator_that_a_value_holds_is_replaced():
    payload = payment_payload(replace(PAYMENT, purpose="A|B~C"))
    assert payload.startswith("ST00012_Name=")
    assert "_Purpose=A|B~C_" in payload


def test_values_keep_the_standards_lengths():
    payload = payment_payload(replace(PAYMENT, payee=replace(PAYEE, name="Я" * 300), purpose="Б" * 300))
    fields = dict(part.split("=", 1) for part in payload.split("|")[1:])
    assert (len(fields["Name"]), len(fields["Purpose"])) == (160, 210)


def test_elsewhere_named_values():
    payment = replace(PAYMENT, currency="NGN", payee=replace(PAYEE, name="Odan\nPlc", tax_number=""))
    lines = payment_payload(payment).splitlines()
    assert lines[0] == "PAY1"
    values = dict(line.split("=", 1) for line in lines[1:])
    assert values["payee"] == "Odan Plc"
    assert (values["currency"], values["amount"]) == ("NGN", "312.31")
    assert (values["customer_account"], values["bill"]) == ("95794439", "2105-7841")
    assert values["due"] == "2021-06-10"


@pytest.mark.parametrize(
    "payment",
    [
        replace(PAYMENT, amount_minor=0),
        replace(PAYMENT, amount_minor=-5),
        replace(PAYMENT, payee=replace(PAYEE, bank_account="")),
        replace(PAYMENT, payee=replace(PAYEE, bank_code="")),
    ],
)
def test_nothing_to_pay_or_nowhere_to_pay_to(payment):
    assert payment_payload(payment) == ""


def test_the_picture_is_plain_svg():
    svg = payment_svg(list_codes(PAYMENT)[0])
    assert svg.startswith("<svg")
    assert "<path" in svg
    assert "script" not in svg


def test_euros_follow_epc():
    code = list_codes(EURO)[0]
    assert code.standard == Standard.EPC
    assert code.payload.split("\n") == [
        "BCD", "002", "1", "SCT", "COBADEFFXXX", "Stadtwerke Nord GmbH", "DE89370400440532013000", "EUR312.31", "", "",
        "95794439 2105-7841",
    ]  # fmt: skip
    assert len(code.payload.encode()) <= 331
    seen = read_back(code.payload)
    assert (seen.text, seen.ec_level) == (code.payload, "M")
    assert segno.make(code.payload, error="m", micro=False).version <= 13


def test_emv_is_tags_lengths_values_and_crc():
    code = make_code(Standard.EMV, NAIRA)
    fields = fields_of(read_back(code.payload).text)
    assert list(fields) == ["00", "01", "26", "52", "53", "54", "58", "59", "60", "62", "63"]
    assert fields_of(fields["26"]) == {"00": "org.example.odan", "01": "0000000017"}
    assert (fields["53"], fields["54"], fields["58"]) == ("566", "312.31", "NG")
    assert (fields["59"], fields["60"]) == ("Odan Electricity Distribu", "Odan")
    assert fields_of(fields["62"]) == {"01": "2105-7841", "06": "95794439"}
    assert fields["63"] == f"{crc(code.payload[:-4]):04X}"


def test_the_crc_is_the_one_of_the_specification():
    # The check value of CRC-16/IBM-3740, as ISO/IEC 13239 with initial value FFFF is catalogued.
    assert crc("123456789") == 0x29B1


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "koi8-r"])
def test_gost_in_each_of_its_encodings(encoding):
    payment = replace(PAYMENT, payee=replace(PAYEE, name="АО Энерго"), settings={"encoding": encoding})
    code = make_code(Standard.GOST, payment)
    sign = {"cp1251": "1", "utf-8": "2", "koi8-r": "3"}[encoding]
    data = segno.make(code.payload, error="m", micro=False, encoding=encoding)
    assert payment_svg(code).count("<path") == 1
    assert data.error == "M"
    seen = read_back(code.payload, encoding=encoding).bytes.decode(encoding)
    assert seen.startswith(f"ST0001{sign}|Name=АО Энерго|PersonalAcc=40702810800000000001|")


Change = Callable[[Payment], Payment]


def payee(**changes: Any) -> Change:
    return lambda payment: replace(payment, payee=replace(payment.payee, **changes))


def setting(**changes: str) -> Change:
    return lambda payment: replace(payment, settings={**payment.settings, **changes})


REFUSED: Mapping[str, tuple[Standard, Payment, Change, str]] = {
    "short account": (Standard.GOST, PAYMENT, payee(bank_account="4070281080"), "PersonalAcc has 20 digits"),
    "short BIC": (Standard.GOST, PAYMENT, payee(bank_code="0435"), "BIC has 9 digits"),
    "euros by GOST": (Standard.GOST, EURO, setting(), "asks for roubles"),
    "strange encoding": (Standard.GOST, PAYMENT, setting(encoding="latin-1"), "has no encoding"),
    "letter not in cp1251": (
        Standard.GOST,
        replace(PAYMENT, purpose="Ő"),
        setting(encoding="cp1251"),
        "no letter",
    ),
    "wrong IBAN": (Standard.EPC, EURO, payee(bank_account="DE89370400440532013001"), "is not an IBAN"),
    "wrong BIC": (Standard.EPC, EURO, payee(bank_code="12"), "is not a BIC"),
    "roubles by EPC": (Standard.EPC, PAYMENT, setting(), "asks for euros"),
    "too many bytes": (Standard.EPC, EURO, payee(name="𐌰" * 70), "readers of EPC codes take 331"),
    "no scheme": (Standard.EMV, PAYMENT, setting(country="RU", city="X"), "needs the setting guid"),
    "wrong tag": (Standard.EMV, NAIRA, setting(tag="07"), "tag from 26 to 51"),
    "other script": (Standard.EMV, NAIRA, setting(name="电力"), "letters that EMV codes do not carry"),
    "unknown currency": (Standard.EMV, replace(NAIRA, currency="XXX"), setting(), "numeric code of XXX"),
    "long value": (Standard.EMV, NAIRA, setting(guid="x" * 100), "99 letters at most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_readers_would_not_take_is_refused(name):
    standard, payment, change, message = REFUSED[name]
    with pytest.raises(UnableToMakePaymentCode, match=message) as refusal:
        make_code(standard, change(payment))
    assert refusal.value.remedy


def test_bank_details_that_no_standard_takes_are_printed_as_they_are():
    odd = replace(PAYMENT, payee=replace(PAYEE, bank_account="123"))
    assert payment_payload(odd).startswith("PAY1")
    assert payment_payload(replace(EURO, payee=replace(EURO.payee, bank_account="123"))).startswith("PAY1")


@pytest.mark.django_db
def test_a_supplier_states_its_codes():
    party = Party.objects.create(code="SUN", name="Sun", kind="supplier")
    called = CliRunner().invoke(
        app,
        ["payment-code", "SUN", "epc", "emv", "--set", "emv.guid=org.example", "--set", "epc.purpose=UBIL"],
    )
    assert called.exit_code == 0, called.output
    assert called.output == "epc purpose=UBIL\nemv guid=org.example\n"
    stated = codes_of(party_id=party.pk)
    assert stated == [("epc", {"purpose": "UBIL"}), ("emv", {"guid": "org.example"})]
    with pytest.raises(UnableToMakePaymentCode, match="needs the setting country"):
        list_codes(EURO, stated=stated)
    refused = CliRunner().invoke(app, ["payment-code", "SUN", "gost", "--set", "colour=red"])
    assert "no setting 'colour'" in str(refused.exception)
    assert codes_of(party_id=party.pk) == stated
    assert CliRunner().invoke(app, ["payment-code", "SUN", "--usual"]).output == ""
    assert codes_of(party_id=party.pk) == []
