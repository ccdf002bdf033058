"""Pay as an agent does that sends a file for each payment: staged, accepted, booked and allocated."""

from datetime import date, datetime

from mains.kernel.errors import MainsError
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.payments.models import PaymentRegister, Receipt
from mains.payments.values import RegisterStatus

MAPPING = "bank_csv"


def pay(*, number: str, paid_on: date, amount_minor: int, reference: str, now: datetime) -> bool:
    """Pay once under a reference; True when this call did it, False when it was done before.

    Sent again after an answer that never came, it is the same payment: the same file, or the same reference.
    """
    mapping = load_mapping(MAPPING)
    content = register_of([(number, paid_on, amount_minor, reference)])
    name = f"{reference}.csv"
    try:
        register = stage_register(content=content, file_name=name, mapping=mapping, now=now)
    except MainsError:
        found = PaymentRegister.objects.filter(file_name=name).order_by("pk").last()
        if found is None:
            raise
        register = found
    if register.status != RegisterStatus.STAGED:
        return False
    try:
        accept_register(register_id=register.pk, now=now)
    except MainsError:
        if not Receipt.objects.filter(idempotency_key__endswith=f":{reference}").exists():
            raise
        return False
    return True


def register_of(payments: list[tuple[str, date, int, str]]) -> bytes:
    """A register of payments (account number, day, minor units, reference) with its control line."""
    lines = ["account,paid_on,amount,reference,payer"]
    lines += [f"{number},{day},{_amount(minor)},{reference}," for number, day, minor, reference in payments]
    total = sum(minor for _number, _day, minor, _reference in payments)
    return ("\n".join([*lines, f"TOTAL,{len(payments)},{_amount(total)}"]) + "\n").encode()


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
