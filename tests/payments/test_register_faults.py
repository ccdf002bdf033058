"""Every fault of a register file is named with line, field and remedy; nothing of the file is kept."""

from datetime import date

import pytest

from mains.ledger.models import Entry, Posting, Transaction
from mains.payments.actions.acceptance import UnableToAcceptRegister, accept_register
from mains.payments.actions.mapping import UnableToReadMapping, load_mapping
from mains.payments.actions.staging import MAX_FAULTS, UnableToStageRegister
from mains.payments.models import PaymentRegister, PaymentRegisterRow, Receipt
from mains.payments.values import FAULT_TEXTS, Fault, place_of
from money_cast import NOW, Cast, register_text

HEADER = "account,paid_on,amount,reference,payer"
GOOD = "0310000017,2021-04-12,10.00,R-1,Anna"


def lines(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


ANNA = "0310000017,2021-04-12"

FAULTY = {
    "empty": (b"", [("file-empty", 0, "")]),
    "only white space": (b"\n \r\n", [("file-empty", 0, "")]),
    "only a header": (lines("TOTAL,0,0.00"), [("file-empty", 0, "")]),
    "binary": (b"PK\x03\x04\x00\x00account\n\x00", [("file-binary", 1, "")]),
    "utf-16": (lines(GOOD).encode("utf-16"), [("file-encoding", 1, "")]),
    "wrong encoding": (
        lines(GOOD, f"{ANNA},10.00,R-2,Иванова", "TOTAL,2,20.00").encode("windows-1251"),
        [("file-encoding", 3, "")],
    ),
    "no header": (f"{GOOD}\nTOTAL,1,10.00\n", [("header-missing", 1, "")]),
    "a column is missing": (
        "account,paid_on,amount,payer\n0310000017,2021-04-12,10.00,Anna\nTOTAL,1,10.00\n",
        [("header-column", 1, "reference")],
    ),
    "a column twice": (f"{HEADER},amount\n{GOOD},1\nTOTAL,1,10.00\n", [("header-column", 1, "amount")]),
    "cut short": (lines(GOOD, f"{ANNA},7.50,R-2"), [("file-cut-short", 3, ""), ("line-fields", 3, "")]),
    "control line missing": (lines(GOOD), [("file-cut-short", 2, "")]),
    "two files joined": (
        lines(GOOD, "TOTAL,1,10.00") + lines(GOOD, "TOTAL,1,10.00"),
        [("file-after-trailer", 4, "")],
    ),
    "too few fields": (lines(ANNA, "TOTAL,1,10.00"), [("line-fields", 2, "")]),
    "too many fields": (lines(GOOD + ",x", "TOTAL,1,10.00"), [("line-fields", 2, "")]),
    "open quotation mark": (lines(f'{ANNA},10.00,R-1,"Anna', "TOTAL,1,10.00"), [("line-quotes", 2, "")]),
    "a line of ten megabytes": (lines("x" * 10_000_000, "TOTAL,1,10.00"), [("line-too-long", 2, "")]),
    "letters as amount": (
        lines(f"{ANNA},ten,R-1,", "TOTAL,1,10.00"),
        [("amount-invalid", 2, "amount")],
    ),
    "three decimals": (
        lines(f"{ANNA},10.001,R-1,", "TOTAL,1,10.00"),
        [("amount-invalid", 2, "amount")],
    ),
    "decimal comma": (
        lines(f'{ANNA},"10,00",R-1,', "TOTAL,1,10.00"),
        [("amount-invalid", 2, "amount")],
    ),
    "Arabic digits": (lines(f"{ANNA},١٢,R-1,", "TOTAL,1,12.00"), [("amount-invalid", 2, "amount")]),
    "exponent": (lines(f"{ANNA},1e3,R-1,", "TOTAL,1,10.00"), [("amount-invalid", 2, "amount")]),
    "zero": (lines(f"{ANNA},0.00,R-1,", "TOTAL,1,0.00"), [("amount-not-positive", 2, "amount")]),
    "negative": (lines(f"{ANNA},-5,R-1,", "TOTAL,1,-5.00"), [("amount-not-positive", 2, "amount")]),
    "absurd": (
        lines(f"{ANNA},10000000000.01,R-1,", "TOTAL,1,10000000000.01"),
        [("amount-too-large", 2, "amount")],
    ),
    "no such day": (
        lines("0310000017,2021-02-29,1.00,R-1,", "TOTAL,1,1.00"),
        [("date-invalid", 2, "paid_on")],
    ),
    "another form of date": (
        lines("0310000017,12.04.2021,1.00,R-1,", "TOTAL,1,1.00"),
        [("date-invalid", 2, "paid_on")],
    ),
    "tomorrow": (
        lines("0310000017,2021-06-08,1.00,R-1,", "TOTAL,1,1.00"),
        [("date-in-future", 2, "paid_on")],
    ),
    "no reference": (lines(f"{ANNA},1.00, ,", "TOTAL,1,1.00"), [("reference-missing", 2, "reference")]),
    "long reference": (
        lines(f"{ANNA},1.00,{'R' * 61},", "TOTAL,1,1.00"),
        [("reference-too-long", 2, "reference")],
    ),
    "reference twice": (lines(GOOD, GOOD, "TOTAL,2,20.00"), [("reference-twice", 3, "reference")]),
    "long payer": (lines(f"{GOOD}{'a' * 200}", "TOTAL,1,10.00"), [("text-too-long", 2, "payer")]),
    "long account": (
        lines(f"{'1' * 41},2021-04-12,1.00,R-1,", "TOTAL,1,1.00"),
        [("text-too-long", 2, "account")],
    ),
    "control characters": (lines(f"{GOOD}\x1b[2J", "TOTAL,1,10.00"), [("text-control", 2, "payer")]),
    "unreadable control line": (lines(GOOD, "TOTAL,one,10.00"), [("trailer-invalid", 3, "")]),
    "short control line": (lines(GOOD, "TOTAL,1"), [("trailer-invalid", 3, "")]),
    "wrong count": (lines(GOOD, "TOTAL,2,10.00"), [("trailer-count", 3, "count")]),
    "wrong total": (lines(GOOD, "TOTAL,1,10.01"), [("trailer-total", 3, "total")]),
    "several at once": (
        lines("0310000017,2021-13-01,x,R-1,", GOOD, "TOTAL,3,20.00"),
        [
            ("amount-invalid", 2, "amount"),
            ("date-invalid", 2, "paid_on"),
            ("reference-twice", 3, "reference"),
            ("trailer-count", 4, "count"),
        ],
    ),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_faulty_file_is_refused_whole(cast: Cast, case: str) -> None:
    content, expected = FAULTY[case]
    register = cast.stage(content)
    assert [(fault["code"], fault["line"], fault["field"]) for fault in register.faults] == expected
    stored = PaymentRegister.objects.get()
    assert (stored.status, stored.row_count, stored.total_minor) == ("refused", 0, 0)
    assert not PaymentRegisterRow.objects.exists()
    with pytest.raises(UnableToAcceptRegister) as refusal:
        accept_register(register_id=register.pk, now=NOW)
    assert refusal.value.code == "register-refused"
    assert not Receipt.objects.exists()
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("case", FAULTY)
def test_a_fault_says_what_where_and_what_to_do(cast: Cast, case: str) -> None:
    for item in cast.stage(FAULTY[case][0]).faults:
        fault = Fault(**item)
        assert fault.message.endswith(".")
        assert fault.remedy
        assert "%(" not in fault.message + fault.remedy
        assert place_of(fault, file_name="april.csv").startswith("april.csv")


def test_every_fault_is_described() -> None:
    folder = load_mapping.__globals__["_FOLDER"].parents[3] / "docs"
    names = ("payments-register.md", "bank-statements.md")
    documented = " ".join((folder / name).read_text("utf-8") for name in names)
    assert [code for code in FAULT_TEXTS if code not in documented and code != "faults-more"] == []


def test_fifty_faults_are_fifty_lines_and_a_flood_is_counted(cast: Cast) -> None:
    broken = [f"0310000017,2021-04-12,x,R-{number}," for number in range(50)]
    assert len(cast.stage(lines(*broken, "TOTAL,50,1.00")).faults) == 50
    flood = [f"0310000017,2021-04-12,x,R-{number}," for number in range(1_200)]
    faults = cast.stage(lines(*flood, "TOTAL,1200,1.00")).faults
    assert len(faults) == MAX_FAULTS + 1
    assert faults[-1]["params"] == {"count": 200}


def test_a_utf8_file_under_a_one_byte_mapping_is_caught(cast: Cast) -> None:
    text = "12.04.2021;A-1;0310000017;Иванова;10,00\n=;1;10,00\n"
    refused = cast.stage(text.encode("utf-8"), mapping="agent_txt")
    assert [(fault["code"], fault["line"]) for fault in refused.faults] == [("file-encoding", 1)]
    staged = cast.stage(text.encode("windows-1251"), mapping="agent_txt", name="agent.txt")
    assert (staged.status, staged.total_minor, staged.rows.get().payer) == ("staged", 1_000, "Иванова")
    assert staged.rows.get().paid_on == date(2021, 4, 12)


def test_a_delimiter_too_many_without_a_header_is_a_fault(cast: Cast) -> None:
    text = "12.04.2021;A-1;0310000017;Anna;10,00\n12.04.2021;A-2;0310000017;An;na;10,00\n=;2;20,00\n"
    faults = cast.stage(text, mapping="agent_txt").faults
    assert [(fault["code"], fault["line"]) for fault in faults] == [("line-fields", 2)]


def test_groups_of_digits_are_read_only_where_they_are_groups(cast: Cast) -> None:
    good = "12.04.2021;A-1;0310000017;Anna;1 250 000,40\n=;1;1250000,40\n"
    assert cast.stage(good, mapping="agent_txt").total_minor == 125_000_040
    bad = "12.04.2021;A-1;0310000017;Anna;12 50,40\n=;1;1250,40\n"
    assert cast.stage(bad, mapping="agent_txt").faults[0]["code"] == "amount-invalid"


def test_the_same_file_again_changes_nothing_and_says_so(cast: Cast) -> None:
    text = register_text([("0310000017", "2021-04-12", "10.00", "R-1")])
    first = cast.stage(text)
    with pytest.raises(UnableToStageRegister) as waiting:
        cast.stage(text, name="renamed.csv")
    assert waiting.value.params == {"register_id": first.pk, "status": "staged"}
    accept_register(register_id=first.pk, now=NOW)
    before = (
        PaymentRegister.objects.count(),
        Receipt.objects.count(),
        Entry.objects.count(),
        Posting.objects.count(),
    )
    with pytest.raises(UnableToStageRegister) as accepted:
        cast.stage(text)
    assert "accepted" in accepted.value.message
    after = (
        PaymentRegister.objects.count(),
        Receipt.objects.count(),
        Entry.objects.count(),
        Posting.objects.count(),
    )
    assert after == before


def test_a_refused_file_may_come_again_with_another_mapping(cast: Cast) -> None:
    text = "12.04.2021;A-1;0310000017;Anna;10,00\n=;1;10,00\n"
    assert cast.stage(text).status == "refused"
    again = cast.stage(text, mapping="agent_txt")
    assert (again.status, again.faults, PaymentRegister.objects.count()) == ("staged", [], 1)


def test_a_reference_received_before_is_listed_with_its_register(cast: Cast) -> None:
    accepted = cast.pay(("anna", "2021-04-12", "10.00", "R-1"))
    rows = [("0310000017", "2021-04-13", "2.00", "R-0"), ("0310000017", "2021-04-13", "5.00", "R-1")]
    register = cast.stage(register_text(rows), name="b.csv")
    assert [(fault["code"], fault["line"]) for fault in register.faults] == [("reference-known", 3)]
    assert str(accepted.register_id) in Fault(**register.faults[0]).message


def test_two_staged_files_with_one_reference_are_not_both_accepted(cast: Cast) -> None:
    one = cast.stage(register_text([("0310000017", "2021-04-12", "10.00", "R-1")]))
    two = cast.stage(register_text([("0310000017", "2021-04-12", "99.00", "R-1")]), name="b.csv")
    accept_register(register_id=one.pk, now=NOW)
    with pytest.raises(UnableToAcceptRegister) as refusal:
        accept_register(register_id=two.pk, now=NOW)
    assert refusal.value.code == "reference-known"
    assert "line 2, reference R-1" in refusal.value.place
    two.refresh_from_db()
    assert two.status == "staged"
    assert Receipt.objects.get().amount_minor == 1_000


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("encoding: utf-8", "encoding: klingon"), "encoding"),
        (('delimiter: ","', 'delimiter: "::"'), "delimiter"),
        (("%Y-%m-%d", "%c"), "date_format"),
        (("  amount: amount\n", ""), "columns.amount"),
        (("  amount: amount", "  amount: account"), "columns"),
        (("  amount: amount", "  amount: 3"), "columns.amount"),
        (("  count: 2", "  count: 0"), "trailer.count"),
        (("[0-9A-Z]{4,20}", "[0-9"), "account_number.pattern"),
        (("title: Bank", "colour: red\ntitle: Bank"), "colour"),
    ],
)
def test_a_faulty_mapping_is_refused_with_its_key(
    tmp_path: object, change: tuple[str, str], key: str
) -> None:
    source = load_mapping.__globals__["_FOLDER"] / "bank_csv.yaml"
    text = source.read_text("utf-8")
    assert change[0] in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(*change), "utf-8")
    with pytest.raises(UnableToReadMapping) as refusal:
        load_mapping(str(path))
    assert refusal.value.params == {"key": key}
    with pytest.raises(UnableToReadMapping, match="no mapping"):
        load_mapping("nowhere")
