"""The subscriber book's page of everything that ever happened to an account."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.billing.queries.openings import list_openings
from mains.billing.queries.records import list_corrections
from mains.customers.queries.records import list_officers
from mains.metering.queries.records import list_readings
from mains.network.queries.absences import list_absences
from mains.network.queries.conditions import list_conditions
from mains.payments.queries.receipts import list_receipts
from mains.staff.values import Permission
from mains.tariffs.queries.records import titles_by_code
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.history import (
    Event,
    EventKind,
    agreement_events,
    bill_events,
    condition_events,
    finding_events,
    meter_events,
    newest_first,
    opening_events,
    payment_events,
    reading_events,
)
from mains.web.office.parts import Tab
from mains.web.office.views.account import Book, book_page, open_book

PAGE = 40
READINGS_MAX = 2_000


@needs(Permission.SEE_ACCOUNTS)
def history(request: OfficeRequest, number: str) -> HttpResponse:
    """A page of the account's life; `kind` narrows it, `from` is the place of the first event shown."""
    book = open_book(request, number)
    events = newest_first(_events(book))
    counts = Counter(event.kind for event in events)
    kind = request.GET.get("kind", "")
    chosen = kind if kind in counts else ""
    shown = [event for event in events if not chosen or event.kind == chosen]
    wanted = request.GET.get("from", "")
    first = min(int(wanted), len(shown)) if wanted.isdecimal() and len(wanted) < 7 else 0
    kept = f"kind={chosen}&" if chosen else ""
    return book_page(
        book,
        "office/account/history.html",
        "account_history",
        events=shown[first : first + PAGE],
        count=len(shown),
        kinds=[Tab(_("Everything"), "?", is_current=not chosen, count=len(events))]
        + [
            Tab(str(one.label), f"?kind={one}", is_current=one == chosen, count=counts[one])
            for one in EventKind
            if counts[one]
        ],
        previous_url=f"?{kept}from={max(0, first - PAGE)}" if first else "",
        next_url=f"?{kept}from={first + PAGE}" if first + PAGE < len(shown) else "",
    )


def _events(book: Book) -> Iterator[Event]:
    number = book.account.number
    registers = sorted({meter.register_id for meter in book.meters})
    readings = list_readings(register_ids=registers, limit=READINGS_MAX) if registers else []
    parts = [
        reading_events(readings, url=reverse("office:account_meters", args=[number])),
        meter_events(book.meters),
        finding_events(
            book.findings,
            list_absences(premise_id=book.current.premise_id) if book.current else [],
            meters_url=reverse("office:account_meters", args=[number]),
            premise_url=reverse("office:account_premise", args=[number]),
        ),
        condition_events(
            list_conditions(service_point_ids=[point_id for point_id, _service in book.points]),
            url=reverse("office:account_premise", args=[number]),
        ),
        agreement_events(
            book.agreements,
            list_officers(account=book.account),
            url=reverse("office:account_premise", args=[number]),
            tariff_titles=titles_by_code(language=get_language() or "en"),
        ),
    ]
    if book.may_see_money:
        receipts = list_receipts(account_id=book.account.id)
        parts += [
            bill_events(book.bills, list_corrections(bills=book.bills), unit=book.unit),
            payment_events(book.money.rows, receipts, url=reverse("office:account_money", args=[number])),
            opening_events(
                list_openings(account_id=book.account.id, scope=book.request.scope),
                url=reverse("office:account_money", args=[number]),
            ),
        ]
    return chain.from_iterable(parts)
