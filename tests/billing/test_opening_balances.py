"""What another system carried comes in by file: checked whole, written once, withdrawn by an empty value."""

from datetime import UTC, date, datetime

import pytest

from billing.prosumers import BUDGET, NET, add_account
from mains.billing.actions.openings import UnableToRecordOpening, import_openings, record_opening_balance
from mains.billing.models import OpeningBalance

MARCH = date(2021, 3, 1)
SOLAR, SAVER = 5001, 5002
NOW = datetime(2021, 3, 2, tzinfo=UTC)
HEAD = "account,service_point,balance,month,value\n"


@pytest.fixture
def cast(utility):
    utility(3)
    add_account(SOLAR, tariff=NET, months=[], first_month=MARCH)
    add_account(SAVER, tariff=BUDGET, months=[], first_month=MARCH)


def take(lines: str, *, now: datetime = NOW):
    return import_openings(content=(HEAD + lines).encode(), actor=None, now=now, proof="file old.csv")


def believed() -> set[tuple[int, str, int, str]]:
    found = OpeningBalance.objects.filter(superseded_at=None)
    return {(each.account_id, each.balance, each.value_micro, each.unit) for each in found}


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("77,SP5001,credit,2021-03-01,40", "account", "77"),
        ("5001,SP77,credit,2021-03-01,40", "service_point", "SP77"),
        ("5001,SP5001,kredit,2021-03-01,40", "balance", "Its balances: credit."),
        ("5001,SP5002,credit,2021-03-01,40", "balance", "Its balances: none."),
        ("5001,SP5001,credit,2019-12-01,40", "balance", "Its balances: none."),
        ("5001,SP5001,credit,2021-03-15,40", "month", "first day"),
        ("5001,SP5001,credit,2021-03-01,4.1234567", "value", "six decimals"),
        ("5002,SP5002,owed,2021-03-01,4.125", "value", "coin"),
    ],
)
def test_a_fault_keeps_the_whole_file_out(cast, line, field, said):
    done = take(f"5001,SP5001,credit,2021-03-01,40\n{line}\n")
    (fault,) = done.faults
    assert (fault.line, fault.field) == (3, field)
    assert said in f"{fault.message} {fault.remedy}"
    assert not done.is_stored
    assert believed() == set()


def test_the_same_file_twice_changes_nothing_and_an_empty_value_withdraws(cast):
    lines = "5001,SP5001,credit,2021-03-01,40.5\n5002,SP5002,owed,2021-03-01,-12.34\n"
    assert take(lines).is_stored
    assert believed() == {(SOLAR, "credit", 40_500_000, "kWh"), (SAVER, "owed", -12_340_000, "RUB")}
    assert take(lines, now=datetime(2021, 3, 3, tzinfo=UTC)).is_stored
    assert OpeningBalance.objects.count() == 2
    assert take("5001,SP5001,credit,2021-03-01,\n", now=datetime(2021, 3, 4, tzinfo=UTC)).is_stored
    assert believed() == {(SAVER, "owed", -12_340_000, "RUB")}
    withdrawn = OpeningBalance.objects.get(account_id=SOLAR)
    assert (withdrawn.value_micro, withdrawn.superseded_at) == (40_500_000, datetime(2021, 3, 4, tzinfo=UTC))


def test_without_a_proof_nothing_is_recorded(cast):
    with pytest.raises(UnableToRecordOpening, match="needs a proof"):
        record_opening_balance(
            account_id=SOLAR, service_point_id=SOLAR, balance="credit", month=MARCH, value_micro=0, actor=None,
            now=NOW, proof=" ",
        )  # fmt: skip
