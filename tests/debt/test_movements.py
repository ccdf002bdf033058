"""Write-offs, refunds, transfers and offsets: proposed by one, approved by another, posted back whole."""

from datetime import date, timedelta

import pytest

from bank_samples import ROUBLES, client_bank, status_report
from debt_cast import approve, people, run_interest, state_rules
from mains.debt.actions.movements import (
    Payee,
    Place,
    UnableToMove,
    decide_movement,
    propose_refund,
    propose_transfer,
    propose_write_off,
    undo_movement,
)
from mains.debt.actions.refunds import UnableToPayRefund, book_refund_line, pay_in_cash
from mains.debt.models import Movement, RefundAnswer, RefundFile
from mains.debt.queries.invariants import find_breaches
from mains.debt.queries.movements import list_movements, list_refunds_to_pay
from mains.debt.values import RefundWay
from mains.integrations.bank_files.intake import take_bank_file
from mains.integrations.payment_orders.refunds import order_refunds
from mains.integrations.payment_orders.status_reports import (
    UnableToReadStatusReport,
    read_status_report,
    take_status_report,
)
from mains.integrations.payment_orders.values import BankParty, UnableToWritePaymentOrders
from mains.ledger.actions.policies import state_policy
from mains.ledger.models import Posting
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.open_items import open_credits, open_items
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import BankTransaction, Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.staff.actions.approvals import UnableToDecide, UnableToPropose, state_limit
from mains.staff.models import Assignment, Organisation, Proposal, Role
from mains.staff.values import EVERYTHING, ProposalKind, Scope
from money_cast import NOW, Cast

MARCH, APRIL = date(2021, 3, 31), date(2021, 4, 30)
LATER = timedelta(hours=1)
CASH = Payee(way=RefundWay.CASH)


def told() -> dict[str, object]:
    return {"reason": "Court ruling", "document": "Ruling 5", "now": NOW, "actor_id": people()[0]}


def place(cast: Cast, name: str, service: str = "electricity") -> Place:
    party = "water" if service == "cold_water" else "power"
    return Place(account_id=cast.accounts[name], provider_id=cast.parties[party], service=service)


def write_off(cast: Cast, item: int, minor: int, name: str = "anna") -> Movement:
    return propose_write_off(item_id=item, account_id=cast.accounts[name], amount_minor=minor, **told())


def open_of(cast: Cast, name: str = "anna") -> dict[int, int]:
    rows = open_items(account_ids=[cast.accounts[name]]).iter_rows(named=True)
    return {row["item_id"]: row["outstanding_minor"] for row in rows}


def control(name: str) -> int:
    return sum(Posting.objects.filter(control=name).values_list("amount_minor", flat=True))


def sound() -> bool:
    checks = (ledger_invariants, payment_invariants)
    return find_breaches() == [] and all(one.find_breaches() == [] for one in checks)


def test_a_write_off_covers_its_debt_whatever_is_entered_later(cast: Cast) -> None:
    march = cast.bill("anna", 5_000, on=MARCH)
    april = cast.bill("anna", 4_000, on=APRIL)
    movement = write_off(cast, april, 3_000)
    assert balance_of(account_id=cast.accounts["anna"]) == 9_000, "a proposal posts nothing"
    approve(movement)
    assert open_of(cast) == {march: 5_000, april: 1_000}
    assert control("allowance") == 3_000
    cast.pay(("anna", "2021-04-10", "55.00", "OLD"))
    assert open_of(cast) == {april: 500}
    undo_movement(movement_id=movement.pk, reason="Paid after all", now=NOW, actor_id=people()[1])
    assert open_of(cast) == {april: 3_500}
    assert control("allowance") == 0
    assert sound()


def test_nobody_approves_their_own_and_nothing_is_decided_twice(cast: Cast) -> None:
    movement = write_off(cast, cast.bill("anna", 5_000, on=MARCH), 5_000)
    alma, bert = people()
    proposal = Proposal.objects.get()
    for person, code in ((alma, "proposal-own"), (None, "proposal-own")):
        with pytest.raises(UnableToDecide) as refusal:
            decide_movement(proposal_id=proposal.pk, agrees=True, now=NOW, actor_id=person)
        assert refusal.value.code == code
    foreign = Scope(organisation_ids=frozenset({cast.units["South"]}), permissions=EVERYTHING.permissions)
    with pytest.raises(UnableToDecide) as unseen:
        decide_movement(proposal_id=proposal.pk, agrees=True, now=NOW, actor_id=bert, scope=foreign)
    assert unseen.value.code == "proposal-unknown"
    decide_movement(proposal_id=proposal.pk, agrees=False, now=NOW, actor_id=bert, note="Not time-barred")
    with pytest.raises(UnableToDecide) as decided:
        decide_movement(proposal_id=proposal.pk, agrees=True, now=NOW, actor_id=bert)
    assert decided.value.code == "proposal-decided"
    assert [one.state for one in list_movements(scope=EVERYTHING)] == ["refused"]
    assert control("allowance") == 0
    with pytest.raises(UnableToMove):
        undo_movement(movement_id=movement.pk, reason="x", now=NOW, actor_id=bert)


def test_a_role_approves_up_to_its_limit(cast: Cast) -> None:
    bert = people()[1]
    role = Role.objects.create(code="chief", name="Chief")
    Role.objects.create(code="other", name="Other")
    Assignment.objects.create(
        user_id=bert, role=role, organisation=Organisation.objects.get(code="lumen"),
        valid=("2020-01-01", None), recorded_at=NOW,
    )  # fmt: skip
    item = cast.bill("anna", 5_000, on=MARCH)
    told_limit = {"kind": ProposalKind.WRITE_OFF, "valid_from": MARCH, "proof": "Order 3", "actor": None}
    state_limit(role="other", amount_minor=10_000, now=NOW, **told_limit)
    movement = write_off(cast, item, 2_000)
    with pytest.raises(UnableToDecide) as none:
        approve(movement)
    assert none.value.code == "proposal-limit", "roles without a limit approve nothing once another has one"
    state_limit(role="chief", amount_minor=2_000, now=NOW, **told_limit)
    approve(movement)
    with pytest.raises(UnableToDecide):
        approve(write_off(cast, item, 2_001))
    assert sound()


def test_a_refund_is_paid_out_of_a_credit_in_cash(cast: Cast) -> None:
    cast.bill("anna", 5_000, on=MARCH)
    cast.pay(("anna", "2021-04-10", "70.00", "TOO-MUCH"))
    with pytest.raises(UnableToMove) as more:
        propose_refund(place=place(cast, "anna"), amount_minor=2_001, payee=CASH, **told())
    assert more.value.code == "movement-credit-less"
    refund = approve(propose_refund(place=place(cast, "anna"), amount_minor=2_000, payee=CASH, **told()))
    assert (balance_of(account_id=cast.accounts["anna"]), control("refunds")) == (0, -2_000)
    assert [one.id for one in list_refunds_to_pay(scope=EVERYTHING)] == [refund.pk]
    pay_in_cash(movement_id=refund.pk, now=NOW, actor_id=people()[1])
    assert (control("refunds"), control("cash")) == (0, -2_000)
    with pytest.raises(UnableToPayRefund):
        pay_in_cash(movement_id=refund.pk, now=NOW, actor_id=people()[1])
    with pytest.raises(UnableToMove):
        undo_movement(movement_id=refund.pk, reason="Too late", now=NOW, actor_id=people()[1])
    reverse_receipt(receipt_id=Receipt.objects.get().pk, reason="Bounced", business_date=APRIL, now=NOW)
    assert balance_of(account_id=cast.accounts["anna"]) == 7_000, "bill and refund are owed"
    assert sound()


def test_a_refund_is_ordered_once_and_booked_when_the_bank_shows_it(cast: Cast) -> None:
    add_bank_account(number=ROUBLES, title="Bank", currency="RUB")
    file = take_bank_file(content=client_bank(), file_name="may.txt", now=NOW, account_number="")
    accept_bank_file(file_id=file, now=NOW)
    line = BankTransaction.objects.get(amount_minor=-25_000)
    with pytest.raises(UnableToPayRefund) as unordered:
        book_refund_line(transaction_id=line.pk, now=NOW)
    assert unordered.value.code == "refund-line"
    payee = Payee(way=RefundWay.BANK, name="Anna", account="DE89 3704 0044 0532 0130 00")
    cast.pay(("dilek", "2021-04-10", "300.00", "TOO-MUCH"))
    refund = approve(propose_refund(place=place(cast, "dilek"), amount_minor=25_000, payee=payee, **told()))
    utility = BankParty(name="Lumen", iban="DE89370400440532013000", bic="COBADEFFXXX")
    ordered = order_refunds(debtor=utility, execute_on=date(2021, 6, 8), now=NOW, actor_id=None)
    assert ordered.count == 1
    assert f"REFUND-{refund.pk}".encode() in ordered.content
    with pytest.raises(UnableToWritePaymentOrders):
        order_refunds(debtor=utility, execute_on=date(2021, 6, 8), now=NOW, actor_id=None)
    with pytest.raises(UnableToMove):
        undo_movement(movement_id=refund.pk, reason="Too late", now=NOW, actor_id=people()[1])
    assert control("refunds") == -25_000
    book_refund_line(transaction_id=line.pk, now=NOW)
    assert control("refunds") == 0
    assert [one.state for one in list_movements(scope=EVERYTHING)] == ["paid"]
    with pytest.raises(UnableToPayRefund):
        book_refund_line(transaction_id=line.pk, now=NOW)
    assert sound()


def test_a_refund_that_the_bank_refuses_is_a_credit_again(cast: Cast) -> None:
    cast.pay(("dilek", "2021-04-10", "300.00", "TOO-MUCH"))
    before = balance_of(account_id=cast.accounts["dilek"])
    payee = Payee(way=RefundWay.BANK, name="Anna", account="DE89 3704 0044 0532 0130 00")
    wrong, right = (
        approve(propose_refund(place=place(cast, "dilek"), amount_minor=minor, payee=payee, **told()))
        for minor in (25_000, 1_000)
    )
    utility = BankParty(name="Lumen", iban="DE89370400440532013000", bic="COBADEFFXXX")
    order_refunds(debtor=utility, execute_on=date(2021, 6, 8), now=NOW, actor_id=None)
    file = RefundFile.objects.get().identifier
    report = status_report(file, (f"REFUND-{wrong.pk}", "RJCT", "AC01"), ("STRANGE-1", "RJCT", "AC01"))
    taken = take_status_report(content=report, file_name="r.xml", now=NOW)
    assert (taken.accepted, taken.rejected, taken.unknown) == (1, 1, ("STRANGE-1",))
    assert balance_of(account_id=cast.accounts["dilek"]) == before + 1_000
    assert control("refunds") == -1_000
    said = {one.id: one for one in list_movements(scope=EVERYTHING)}
    assert (said[wrong.pk].state, said[right.pk].state) == ("undone", "ordered")
    again = take_status_report(content=report, file_name="again.xml", now=NOW)
    assert (again.was_known, again.rejected) == (True, 1)
    assert control("refunds") == -1_000
    assert RefundAnswer.objects.get(is_accepted=False).code == "AC01"
    approve(propose_refund(place=place(cast, "dilek"), amount_minor=25_000, payee=payee, **told()))
    assert len(list_refunds_to_pay(scope=EVERYTHING)) == 1
    assert sound()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a/>",
        b"<!DOCTYPE a><a/>",
        status_report("X")[:200],
        status_report("X").replace(b"OrgnlMsgId", b"Other"),
    ],
)
def test_what_is_no_whole_status_report_is_refused(content: bytes) -> None:
    with pytest.raises(UnableToReadStatusReport) as refused:
        read_status_report(content)
    assert refused.value.remedy


def test_who_owes_for_another_service_gets_no_money_out_but_an_offset(cast: Cast) -> None:
    cast.pay(("chen", "2021-03-10", "30.00", "ADVANCE"))
    water = cast.bill("chen", 2_000, on=MARCH, service="cold_water")
    with pytest.raises(UnableToMove):
        propose_refund(place=place(cast, "chen"), amount_minor=1_500, payee=CASH, **told())
    offset = approve(
        propose_transfer(
            place=place(cast, "chen"), to=place(cast, "chen", "cold_water"), amount_minor=1_500, **told()
        )
    )
    assert offset.kind == "offset"
    assert open_of(cast, "chen") == {water: 500}
    assert control("offset") == 0
    by_service = dict(Posting.objects.filter(control="offset").values_list("service", "amount_minor"))
    assert by_service == {"electricity": -1_500, "cold_water": 1_500}
    undo_movement(movement_id=offset.pk, reason="Wrong service", now=NOW, actor_id=people()[1])
    assert open_of(cast, "chen") == {water: 2_000}
    assert sound()


def test_a_debt_moves_with_its_due_date_and_its_interest(cast: Cast) -> None:
    state_rules()
    due = date(2021, 1, 10)
    item = cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=due)
    assert run_interest(cast, APRIL).amount_minor == 21_231
    movement = approve(
        propose_transfer(
            place=place(cast, "anna"), to=place(cast, "boris"), amount_minor=1_000_000, item_id=item, **told()
        ),
        now=NOW + LATER,
    )
    assert movement.kind == "transfer"
    july = NOW + timedelta(days=30)
    run_interest(cast, date(2021, 6, 30), now=july)
    assert balance_of(account_id=cast.accounts["anna"]) == 0
    assert balance_of(account_id=cast.accounts["boris"]) == 1_049_385
    undo_movement(movement_id=movement.pk, reason="Other heir", now=july + LATER, actor_id=people()[1])
    run_interest(cast, date(2021, 7, 31), now=NOW + timedelta(days=60))
    assert balance_of(account_id=cast.accounts["anna"]) == 1_063_692
    assert balance_of(account_id=cast.accounts["boris"]) == 0
    assert sound()


def test_a_credit_moves_to_another_account(cast: Cast) -> None:
    cast.pay(("anna", "2021-03-10", "30.00", "MINE"))
    bill = cast.bill("boris", 5_000, on=MARCH)
    away = propose_transfer(place=place(cast, "anna"), to=place(cast, "dilek"), amount_minor=1, **told())
    north = Scope(organisation_ids=frozenset({cast.units["Alder"]}), permissions=EVERYTHING.permissions)
    with pytest.raises(UnableToMove):
        decide_movement(
            proposal_id=Proposal.objects.get(subject_id=away.pk).pk,
            agrees=True, now=NOW, actor_id=people()[1], scope=north,
        )  # fmt: skip
    approve(
        propose_transfer(place=place(cast, "anna"), to=place(cast, "boris"), amount_minor=3_000, **told())
    )
    assert open_of(cast, "boris") == {bill: 2_000}
    assert open_credits(account_ids=[cast.accounts["anna"]]).is_empty()
    assert sound()


def test_approval_finds_the_credit_gone(cast: Cast) -> None:
    cast.pay(("anna", "2021-03-10", "30.00", "MINE"))
    first = propose_refund(place=place(cast, "anna"), amount_minor=3_000, payee=CASH, **told())
    second = propose_refund(place=place(cast, "anna"), amount_minor=3_000, payee=CASH, **told())
    approve(first)
    with pytest.raises(UnableToMove) as gone:
        approve(second)
    assert gone.value.code == "movement-credit-less"
    assert Proposal.objects.filter(decision__isnull=True).count() == 1, "it still waits"
    assert sound()


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"reason": " "}, UnableToPropose, "proposal-reason"),
        ({"document": " "}, UnableToMove, "movement-document"),
        ({"amount_minor": 0}, UnableToMove, "movement-amount"),
        ({"amount_minor": 5_001}, UnableToMove, "movement-debt-less"),
        ({"item_id": 10**9}, UnableToMove, "movement-no-debt"),
        (
            {"scope": Scope(organisation_ids=frozenset(), permissions=frozenset())},
            UnableToMove,
            "movement-account",
        ),
    ],
)
def test_what_cannot_be_proposed(cast: Cast, change: dict[str, object], error: type, code: str) -> None:
    item = cast.bill("anna", 5_000, on=MARCH)
    given = {"item_id": item, "account_id": cast.accounts["anna"], "amount_minor": 5_000} | told()
    with pytest.raises(error) as refusal:
        propose_write_off(**(given | change))
    assert refusal.value.code == code
    assert Movement.objects.count() == 0


def test_a_bank_refund_needs_a_payee_and_nothing_moves_to_itself(cast: Cast) -> None:
    cast.pay(("anna", "2021-03-10", "30.00", "MINE"))
    with pytest.raises(UnableToMove) as payee:
        propose_refund(place=place(cast, "anna"), amount_minor=1, payee=Payee(way=RefundWay.BANK), **told())
    assert payee.value.code == "refund-payee"
    with pytest.raises(UnableToMove) as same:
        propose_transfer(place=place(cast, "anna"), to=place(cast, "anna"), amount_minor=1, **told())
    assert same.value.code == "movement-same"


@pytest.mark.parametrize(
    ("penalty", "left"),
    [("principal_first", {"interest"}), ("penalty_first", {"bill"}), ("by_date", {"interest"})],
)
def test_the_policy_says_whether_interest_comes_before_principal(
    cast: Cast, penalty: str, left: set[str]
) -> None:
    state_rules()
    state_policy(
        rule="oldest_first",
        penalty=penalty,
        valid_from=date(2021, 5, 1),
        proof="Order 9",
        actor=None,
        now=NOW,
    )
    cast.bill("anna", 1_000_000, on=date(2020, 12, 31), due=date(2021, 1, 10))
    run_interest(cast, APRIL)
    cast.pay(("anna", "2021-05-10", "10000.00", "R-1"), now=NOW + LATER)
    items = open_items(account_ids=[cast.accounts["anna"]])
    assert set(items["kind"]) == left
    assert items["outstanding_minor"].sum() == 21_231
    assert sound()
