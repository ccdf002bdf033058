"""Stage a payment register: read it whole, keep it for acceptance or keep nothing but its refusal."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

import polars as pl
from django.db import IntegrityError, transaction
from django.utils import timezone

from mains.base.columns import append_frame, fetch_frame
from mains.kernel.errors import MainsError
from mains.payments.actions.mapping import RegisterMapping
from mains.payments.actions.register_file import RegisterFile, RegisterRow, read_register
from mains.payments.models import PaymentRegister
from mains.payments.values import Fault, RegisterStatus

MAX_FAULTS = 1_000
_ROW_SCHEMA: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "account_number": pl.String,
    "paid_on": pl.Date,
    "amount_minor": pl.Int64,
    "reference": pl.String,
    "payer": pl.String,
}


class UnableToStageRegister(MainsError):
    """The same file is here already."""


def stage_register(
    *, content: bytes, file_name: str, mapping: RegisterMapping, now: datetime, actor_id: int | None = None
) -> PaymentRegister:
    """Read a register and keep it as staged, or as refused with all its faults (at most `MAX_FAULTS`).

    Only a staged register has rows; a payment for an account number that nobody has is no fault, it is
    counted as unknown. A file that was refused may come again, for example with another mapping. Raises
    UnableToStageRegister when the same bytes are staged or accepted already; nothing changes then.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    register = PaymentRegister(
        sha256=sha256,
        file_name=PurePath(file_name).name[:200],
        mapping=mapping.code[:40],
        sender_code=mapping.sender[:40],
        staged_at=now,
        staged_by_id=actor_id,
    )
    _refuse_repetition(register)
    found = read_register(content, mapping=mapping, today=timezone.localdate(now))
    if not found.faults:
        found.faults.extend(_known_references(found.rows, mapping=mapping))
    try:
        with transaction.atomic():
            _keep(register, found, mapping=mapping)
    except IntegrityError as error:
        raise _repetition(PaymentRegister.objects.get(sha256=sha256), register.file_name) from error
    return register


def idempotency_key(*, sender: str, reference: str) -> str:
    """The key under which a payment is received once; a sender's references are its own."""
    return f"{sender}:{reference}"


def _refuse_repetition(register: PaymentRegister) -> None:
    earlier = PaymentRegister.objects.filter(sha256=register.sha256).first()
    if earlier is None:
        return
    if earlier.status != RegisterStatus.REFUSED:
        raise _repetition(earlier, register.file_name)
    register.pk = earlier.pk


def _repetition(earlier: PaymentRegister, file_name: str) -> UnableToStageRegister:
    accepted = earlier.status == RegisterStatus.ACCEPTED
    return UnableToStageRegister(
        code="register-repeated",
        message=f"This file is here already: register {earlier.pk}, {earlier.file_name}, "
        f"{'accepted' if accepted else 'waiting for acceptance'}.",
        place=file_name,
        remedy="Nothing was changed." if accepted else f"Nothing was changed. Accept register {earlier.pk}.",
        params={"register_id": earlier.pk, "status": earlier.status},
    )


def _known_references(rows: Sequence[RegisterRow], *, mapping: RegisterMapping) -> list[Fault]:
    """Payments of this file that the sender sent in an accepted register before."""
    line_of_key = {idempotency_key(sender=mapping.sender, reference=row.reference): row for row in rows}
    known = fetch_frame(
        """
        SELECT c.idempotency_key, c.register_id, coalesce(r.file_name, '')
        FROM payments_receipt c LEFT JOIN payments_paymentregister r ON r.id = c.register_id
        WHERE c.idempotency_key = ANY(%(keys)s)
        """,
        {"keys": list(line_of_key)},
        schema={"key": pl.String, "register_id": pl.Int64, "file_name": pl.String},
    )
    return sorted(
        (
            Fault(
                code="reference-known",
                line=line_of_key[key].line,
                field="reference",
                params={"value": line_of_key[key].reference, "register": f"{file_name} ({register_id})"},
            )
            for key, register_id, file_name in known.iter_rows()
        ),
        key=lambda fault: fault.line,
    )


def _keep(register: PaymentRegister, found: RegisterFile, *, mapping: RegisterMapping) -> None:
    faults = found.faults[:MAX_FAULTS]
    if len(found.faults) > MAX_FAULTS:
        faults.append(Fault(code="faults-more", params={"count": len(found.faults) - MAX_FAULTS}))
    rows = [] if faults else found.rows
    frame = _resolved(rows, mapping=mapping)
    unknown = frame.filter(pl.col("account_id").is_null())
    register.status = RegisterStatus.REFUSED if faults else RegisterStatus.STAGED
    register.row_count = frame.height
    register.total_minor = sum(row.amount_minor for row in rows)
    register.unknown_count = unknown.height
    register.unknown_minor = sum(unknown["amount_minor"].to_list())
    register.faults = [fault.as_json() for fault in faults]
    # A refused register that came again keeps its id; a new one must not overwrite a simultaneous twin.
    register.save(force_update=register.pk is not None, force_insert=register.pk is None)
    append_frame(frame.with_columns(register_id=pl.lit(register.pk, pl.Int64)), "payments_paymentregisterrow")


def _resolved(rows: Sequence[RegisterRow], *, mapping: RegisterMapping) -> pl.DataFrame:
    """The rows with the account that has the number, null where nobody has it."""
    frame = pl.DataFrame(
        [
            (row.line, row.account_number, row.paid_on, row.amount_minor, row.reference, row.payer)
            for row in rows
        ],
        schema=_ROW_SCHEMA,
        orient="row",
    )
    plausible = [
        number for number in set(frame["account_number"]) if mapping.account_pattern.fullmatch(number)
    ]
    accounts = fetch_frame(
        "SELECT number, id FROM customers_account WHERE number = ANY(%(numbers)s)",
        {"numbers": plausible},
        schema={"account_number": pl.String, "account_id": pl.Int64},
    )
    return frame.join(accounts, on="account_number", how="left", maintain_order="left")
