"""Cards at the desk, whole or in instalments: what the acquirer transfers is matched, gross, commission and net."""

from datetime import timedelta

import pytest

from bank_samples import CLIENT_BANK, PAYER_ROUBLES, ROUBLES, client_bank
from desk_cast import Desks, on_control, refused
from mains.cashdesk.actions.desks import state_acquirer
from mains.cashdesk.values import Means
from mains.integrations.bank_files.intake import take_bank_file
from mains.ledger.models import Posting
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.actions.channels import state_channel
from mains.payments.actions.payouts import record_payout
from mains.payments.models import AcquirerDue, PayoutPart
from mains.payments.queries.acquirer_dues import list_due_parts, list_transfers, list_waiting_lines
from mains.payments.queries.bank_balance import list_bank_balances
from mains.staff.values import EVERYTHING
from money_cast import NOW

ACQUIRER_ACCOUNT = "40702810900000000777"
DAY = NOW.date()


@pytest.fixture
def terminal(desks: Desks) -> Desks:
    """North's terminal is of an acquirer who pays the next day, instalments every 30 days, for 2 percent."""
    add_bank_account(number=ROUBLES, title="Bank", currency="RUB")
    state_channel(
        code="acquirer", title="Acquirer", kind="card", currency="RUB", now=NOW, payer_accounts=[ACQUIRER_ACCOUNT],
        settings={"first_days": 0, "every_days": 30, "commission_percent": "2", "max_instalments": 6},
    )  # fmt: skip
    state_acquirer(desk_code=desks.north.code, channel_code="acquirer")
    desks.open()
    return desks


def statement(minor: int, text: str) -> int:
    """A statement of one day with a transfer of this amount instead of the sample's 300.00; its file."""
    rubles = f"{minor / 100:.2f}"
    said = CLIENT_BANK.replace("За воду", text).replace("Сумма=300\n", f"Сумма={rubles}\n")
    total, closing = 1250_40 + minor, 6000_40 + minor
    said = said.replace(f"ПлательщикРасчСчет={PAYER_ROUBLES}", f"ПлательщикРасчСчет={ACQUIRER_ACCOUNT}")
    said = said.replace("03.05.2021", f"{DAY:%d.%m.%Y}").replace("02.05.2021", f"{DAY:%d.%m.%Y}")
    said = said.replace("1550.40", f"{total / 100:.2f}").replace("6300.40", f"{closing / 100:.2f}")
    return take_bank_file(content=client_bank(said), file_name="may.txt", now=NOW)


def test_a_transfer_pays_what_was_due_and_instalments_wait(terminal: Desks, sound) -> None:
    terminal.take("nora", ("anna", 20_000), means=Means.CARD, slip="101")
    terminal.take("nora", ("boris", 9_001), means=Means.CARD, slip="102", instalments=3)
    assert on_control("cards") == 29_001
    assert [due.amount_minor for due in AcquirerDue.objects.order_by("id")] == [20_000, 3_001, 3_000, 3_000]
    # Due today: 200.00 and the first 30.01; the commission of 230.01 is 4.60.
    file_id = statement(23_001 - 460, "Перевод по терминалу")
    accept_bank_file(file_id=file_id, now=NOW)
    (transfer,) = list_transfers(code="acquirer")
    assert (transfer.gross_minor, transfer.fee_minor, transfer.net_minor) == (23_001, 460, 22_541)
    assert (transfer.parts, transfer.difference_minor) == (2, 0)
    assert on_control("cards") == 6_000
    left = list_due_parts(code="acquirer", on_date=DAY)
    assert [(one.due_on - DAY, one.left_minor) for one in left] == [
        (timedelta(days=30), 3_000),
        (timedelta(days=60), 3_000),
    ]
    assert list_waiting_lines(code="acquirer") == []
    (balance,) = list_bank_balances(scope=EVERYTHING, on_date=DAY)
    assert not any(one.amount_minor == 22_541 for one in balance.differences)
    assert balance.unexplained_minor == 0
    assert sound() == []


def test_what_fits_nothing_is_listed_with_its_difference_and_booked_by_a_person(
    terminal: Desks, sound
) -> None:
    terminal.take("nora", ("anna", 20_000), means=Means.CARD, slip="101")
    accept_bank_file(file_id=statement(19_500, "Перевод по терминалу"), now=NOW)
    assert list_transfers(code="acquirer") == []
    (line,) = list_waiting_lines(code="acquirer")
    assert (line.expected_gross_minor, line.expected_fee_minor, line.difference_minor) == (20_000, 400, -100)
    record_payout(
        channel_code="acquirer", reference="T-1", paid_on=line.booked_on, amount_minor=line.net_minor, fee_minor=500,
        bank_line_id=line.id, now=NOW,
    )  # fmt: skip
    assert (on_control("cards"), PayoutPart.objects.get().amount_minor) == (0, 20_000)
    assert sum(Posting.objects.filter(control="bank_charges").values_list("amount_minor", flat=True)) == 500
    assert list_waiting_lines(code="acquirer") == []
    assert sound() == []


def test_a_desk_takes_no_more_instalments_than_its_acquirer_allows(terminal: Desks) -> None:
    paid = {"means": Means.CARD, "slip": "7"}
    refused("instalments", terminal.take, "nora", ("anna", 100), instalments=7, **paid)
    state_acquirer(desk_code=terminal.north.code, channel_code="")
    refused("instalments", terminal.take, "nora", ("anna", 100), instalments=2, **paid)
