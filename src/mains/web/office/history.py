"""The life of one account in one list, newest first: readings, bills, recalculations, payments, meters, agreements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from mains.base import formats
from mains.billing.queries.openings import OpeningRecord
from mains.billing.queries.records import BillRecord, LineRecord
from mains.billing.values import bill_number
from mains.customers.queries.records import AgreementRecord, OfficerRecord
from mains.ledger.queries.current_account import CurrentAccountRow
from mains.ledger.values import EntryKind
from mains.metering.queries.findings import FindingRecord
from mains.metering.queries.records import MeterRecord, ReadingRecord
from mains.metering.values import DayQuality, ReadingSource, UnmeteredReason, Zone
from mains.network.queries.absences import AbsenceRecord
from mains.network.queries.conditions import ConditionRecord
from mains.network.values import AbsenceReason
from mains.payments.queries.receipts import ReceiptRecord
from mains.reporting.queries.bill_paper.wording import attribute_name, attribute_word


class EventKind(TextChoices):
    """What the history is narrowed to; `kind` in the address."""

    READING = "readings", gettext_lazy("Readings")
    BILL = "bills", gettext_lazy("Bills")
    RECALCULATION = "recalculations", gettext_lazy("Recalculations")
    PAYMENT = "payments", gettext_lazy("Payments")
    METER = "meters", gettext_lazy("Meters and seals")
    FINDING = "findings", gettext_lazy("Errors, acts, absences and conditions")
    OPENING = "openings", gettext_lazy("Stated opening balances")
    AGREEMENT = "agreements", gettext_lazy("Agreements")


ICONS = {
    EventKind.READING: "gauge",
    EventKind.BILL: "file-invoice",
    EventKind.RECALCULATION: "refresh",
    EventKind.PAYMENT: "cash",
    EventKind.METER: "bolt",
    EventKind.FINDING: "alert-circle",
    EventKind.OPENING: "scale",
    EventKind.AGREEMENT: "file-text",
}


@dataclass(frozen=True)
class Event:
    """One thing that happened. `amount_minor` is what the customer owes more (positive) or less; None without money."""

    day: date
    kind: EventKind
    title: str
    detail: str = ""
    amount_minor: int | None = None
    url: str = ""
    is_replaced: bool = False

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


def newest_first(events: Iterator[Event]) -> list[Event]:
    """The events by day, the latest first; within a day in the order of EventKind."""
    order = list(EventKind)
    return sorted(events, key=lambda event: (-event.day.toordinal(), order.index(event.kind), event.title))


def bill_events(
    bills: Sequence[BillRecord], corrections: Sequence[tuple[BillRecord, LineRecord]], *, unit: str
) -> Iterator[Event]:
    """Bills without their recalculations, and each month that a bill recalculated, with the difference."""
    for bill in bills:
        yield Event(
            day=bill.issued_on,
            kind=EventKind.BILL,
            title=_title_of(bill) % {"month": _month(bill.month)},
            detail=_quantity(bill.quantity_micro, unit),
            amount_minor=bill.amount_minor - bill.correction_minor,
            url=_bill_url(bill),
        )
    for (bill, month), lines in groupby(corrections, key=lambda pair: (pair[0], pair[1].service_month)):
        found = [line for _bill, line in lines]
        yield Event(
            day=bill.issued_on,
            kind=EventKind.RECALCULATION,
            title=_("Recalculation of %(month)s") % {"month": _month(month)},
            detail=_("On the bill for %(month)s") % {"month": _month(bill.month)},
            amount_minor=sum(line.amount_minor for line in found),
            url=f"{_bill_url(bill)}#line-{found[0].line}",
        )


def _title_of(bill: BillRecord) -> str:
    if bill.is_settlement:
        return _("Final bill, %(month)s")
    return _("On-site bill, %(month)s") if bill.is_on_site else _("Bill for %(month)s")


def payment_events(
    rows: Sequence[CurrentAccountRow], receipts: Sequence[ReceiptRecord], *, url: str
) -> Iterator[Event]:
    """Everything on the current account that is no bill: payments, openings, moves between accounts."""
    by_id = {receipt.id: receipt for receipt in receipts}
    for row in rows:
        if row.kind == EntryKind.BILL:
            continue
        receipt = by_id.get(row.document_id) if row.kind == EntryKind.PAYMENT else None
        detail = " · ".join(filter(None, (receipt.payer, receipt.file_name))) if receipt else ""
        yield Event(
            day=row.business_date,
            kind=EventKind.PAYMENT,
            title=str(EntryKind(row.kind).label),
            detail=detail,
            amount_minor=row.amount_minor,
            url=url,
        )


def opening_events(openings: Sequence[OpeningRecord], *, url: str) -> Iterator[Event]:
    """What was stated to be carried into a month, also what was replaced or withdrawn."""
    for opening in openings:
        value = formats.quantity_text(opening.value_micro, unit=opening.unit, language=_language())
        yield Event(
            day=opening.month,
            kind=EventKind.OPENING,
            title=_("Opening balance of %(month)s") % {"month": _month(opening.month)},
            detail=f"{value} · {opening.proof}",
            url=f"{url}#openings",
            is_replaced=opening.superseded_at is not None,
        )


def reading_events(readings: Sequence[ReadingRecord], *, url: str) -> Iterator[Event]:
    """Readings, also those that were replaced."""
    for reading in readings:
        zone = f" {Zone(reading.zone).label}" if reading.zone else ""
        shown = formats.quantity_text(reading.value_micro, unit="", language=_language())
        yield Event(
            day=reading.reading_date,
            kind=EventKind.READING,
            title=f"{_('Reading')} {shown}{zone}",
            detail=f"{ReadingSource(reading.source).label} · {reading.serial}",
            url=f"{url}#reading-{reading.id}",
            is_replaced=reading.superseded_at is not None,
        )


def meter_events(meters: Sequence[MeterRecord]) -> Iterator[Event]:
    """Meters installed and removed; a meter of several zones once."""
    for meter in {meter.installation_id: meter for meter in meters}.values():
        name = f"{meter.model} {meter.serial}"
        url = reverse("office:meter", args=[meter.meter_id])
        seal = _("Seal %(seal)s") % {"seal": meter.seal_number} if meter.seal_number else ""
        yield Event(meter.installed_from, EventKind.METER, f"{_('Meter installed')}: {name}", seal, url=url)
        if meter.installed_to:
            yield Event(
                meter.installed_to, EventKind.METER, f"{_('Meter removed')}: {name}", meter.proof, url=url
            )


def condition_events(conditions: Sequence[ConditionRecord], *, url: str) -> Iterator[Event]:
    """What held of the supply at the account's service points, as it is believed now."""
    for told in conditions:
        value = attribute_word(told.name, told.value, language=_language())
        yield Event(
            day=told.valid_from,
            kind=EventKind.FINDING,
            title=f"{attribute_name(told.name)}: {value if told.value is not None else '—'}",
            detail=told.proof,
            url=f"{url}#conditions",
        )


def finding_events(
    findings: Sequence[FindingRecord], absences: Sequence[AbsenceRecord], *, meters_url: str, premise_url: str
) -> Iterator[Event]:
    """Found errors, acts and absences, also those that were withdrawn."""
    for found in findings:
        if found.is_error:
            title = _("Error of meter %(serial)s") % {"serial": found.serial}
            share = Decimal(found.amount).scaleb(-4)
            much = formats.percent_text(share, language=_language(), decimals=2)
        else:
            title = f"{DayQuality.UNMETERED.label}: {UnmeteredReason(found.reason).label}"
            much = _quantity(found.amount, found.unit)
        yield Event(
            day=found.valid_from,
            kind=EventKind.FINDING,
            title=title,
            detail=f"{much} · {found.proof}",
            url=f"{meters_url}#findings",
            is_replaced=found.superseded_at is not None,
        )
    for absence in absences:
        yield Event(
            day=absence.valid_from,
            kind=EventKind.FINDING,
            title=f"{_('Absence of residents')}: {absence.residents}",
            detail=f"{AbsenceReason(absence.reason).label} · {absence.proof}",
            url=f"{premise_url}#findings",
            is_replaced=absence.superseded_at is not None,
        )


def agreement_events(
    agreements: Sequence[AgreementRecord],
    officers: Sequence[OfficerRecord],
    *,
    url: str,
    tariff_titles: Mapping[str, str],
) -> Iterator[Event]:
    """From when and until when the account paid on which tariff, and which officer answered for it."""
    for agreement in agreements:
        tariff = tariff_titles.get(agreement.tariff_code, agreement.tariff_name)
        detail = f"{tariff} · {agreement.provider_name}"
        yield Event(agreement.valid_from, EventKind.AGREEMENT, _("Agreement begins"), detail, url=url)
        if agreement.valid_to:
            yield Event(agreement.valid_to, EventKind.AGREEMENT, _("Agreement ends"), detail, url=url)
    for officer in officers:
        yield Event(officer.valid_from, EventKind.AGREEMENT, f"{_('Field officer')}: {officer.name}", url=url)


def _bill_url(bill: BillRecord) -> str:
    return reverse("office:bill", args=[bill_number(bill.month, bill.id)])


def _language() -> str:
    return get_language() or "en"


def _month(month: date) -> str:
    return formats.month_inside_text(month, language=_language())


def _quantity(micro: int, unit: str) -> str:
    return formats.quantity_text(micro, unit=unit, language=_language(), decimals=3)
