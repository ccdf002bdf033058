"""Approved payment orders of settlement as one file for the utility's bank: pain.001, or 1C's client bank."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

from stdnum import iban

from mains.integrations.payment_orders.client_bank import RussianOrder, RussianParty, write_client_bank
from mains.integrations.payment_orders.credit_transfers import write_credit_transfers
from mains.integrations.payment_orders.values import (
    BankParty,
    CreditTransfer,
    FileHead,
    TransferBatch,
    UnableToWritePaymentOrders,
)
from mains.settlement.queries.payer import Payer, UnableToFindPayer, get_payer
from mains.settlement.queries.statements import ApprovedOrder, list_approved_orders
from mains.settlement.values.bank_numbers import is_russian

_BIK = "RUCBC"
"""Russian Central Bank Identification Code, in ISO 20022's external codes of clearing systems."""


def write_settlement_orders(*, order_ids: Sequence[int] = (), payer_code: str = "", currency: str) -> bytes:
    """The approved orders of these ids, or all that no bank statement has shown yet. The same orders, the same bytes.

    Each order is an entry of its own at the bank, so that the statement names it. Raises UnableToWritePaymentOrders
    when there is none or a bank would refuse one, UnableToFindPayer without an account to pay from.
    """
    orders = _approved(order_ids)
    payer = get_payer(code=payer_code)
    created_at = max(order.approved_at for order in orders)
    identifier = f"MAINS-{orders[0].order_id}-{orders[-1].order_id}-{len(orders)}"
    by_day = sorted(orders, key=lambda order: (order.execute_on, order.order_id))
    return write_credit_transfers(
        head=FileHead(identifier=identifier, created_at=created_at, initiator=payer.name),
        batches=[
            _batch(day, list(of_day), payer, created_at, currency)
            for day, of_day in groupby(by_day, key=lambda order: order.execute_on)
        ],
    )


def write_russian_orders(*, order_ids: Sequence[int] = (), payer_code: str = "") -> bytes:
    """The same orders as 1CClientBankExchange. The reference stands in the purpose, by which the statement names it.

    Raises UnableToWritePaymentOrders when there is none, or one is not between Russian accounts; UnableToFindPayer.
    """
    orders = _approved(order_ids)
    payer = get_payer(code=payer_code)
    return write_client_bank(
        payer=RussianParty(
            name=payer.name,
            tax_number=payer.tax_number,
            account=payer.account,
            bank_code=payer.bank_code,
            bank_name=payer.bank_name,
            correspondent_account=payer.correspondent_account,
        ),
        orders=[
            RussianOrder(
                key=order.end_to_end_id,
                number=str(order.order_id % 1_000_000),
                dated=max(order.execute_on, order.approved_at.date()),
                amount_minor=order.amount_minor,
                payee=RussianParty(
                    name=order.holder,
                    tax_number=order.tax_number,
                    account=order.account,
                    bank_code=order.bank_code,
                ),
                purpose=f"{order.end_to_end_id} Перечисление собранных платежей"
                f"{f' с {order.since:%d.%m.%Y}' if order.since else ''} по {order.through:%d.%m.%Y}",
            )
            for order in orders
        ],
        created_at=max(order.approved_at for order in orders),
    )


def is_for_russian_banks(*, payer_code: str = "") -> bool:
    """Whether the utility pays from a Russian account."""
    try:
        payer = get_payer(code=payer_code)
    except UnableToFindPayer:
        return False
    return is_russian(account=payer.account, bank_code=payer.bank_code)


def _approved(order_ids: Sequence[int]) -> list[ApprovedOrder]:
    orders = list_approved_orders(order_ids=tuple(order_ids))
    if not orders:
        raise UnableToWritePaymentOrders(
            code="payment-order-none",
            message="No payment order is approved and waits for the bank.",
            place="payment orders",
            remedy="Approve one first.",
        )
    return orders


def _batch(
    day: date, orders: Sequence[ApprovedOrder], payer: Payer, created_at: datetime, currency: str
) -> TransferBatch:
    return TransferBatch(
        identifier=f"MAINS-{orders[0].order_id}-{day:%Y%m%d}",
        debtor=_party(payer.name, payer.account, payer.bank_code),
        execute_on=max(day, created_at.date()),
        currency=currency,
        is_one_booking=False,
        transfers=tuple(
            CreditTransfer(
                end_to_end_id=order.end_to_end_id,
                amount_minor=order.amount_minor,
                creditor=_party(order.holder, order.account, order.bank_code),
                reference=f"{order.end_to_end_id} {order.since or ''}/{order.through}".replace(" /", " "),
            )
            for order in orders
        ),
    )


def _party(name: str, account: str, bank_code: str) -> BankParty:
    if is_russian(account=account, bank_code=bank_code):
        return BankParty(name=name, account=account, clearing_system=_BIK, clearing_member=bank_code)
    if iban.is_valid(account):
        return BankParty(name=name, iban=account, bic=bank_code)
    return BankParty(name=name, account=account, bic=bank_code)
