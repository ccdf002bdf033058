"""Words for stored codes: `{{ reading.source|word:"source" }}`."""

from collections.abc import Mapping, Sequence

from django import template
from django.db.models import Choices
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.base.units import UNIT_OF_SERVICE
from mains.base.wording import translate_message
from mains.billing.queries.records import BillRecord, LineRecord
from mains.billing.values import LineKind, LookOutcome, RunStatus, WhatIfStatus, bill_number
from mains.cashdesk.values import Means, MovementKind, VoidState
from mains.customers.values import Category, CustomerKind
from mains.debt.values import InterestCause, Interruption, PlanKind, PlanState
from mains.debt.values import MovementKind as DebtMovementKind
from mains.directdebit.values import MandateUse
from mains.directdebit.values import Sequence as DebitSequence
from mains.invoicing.values import InvoiceKind
from mains.ledger.values import Control, EntryKind
from mains.metering.queries.photos import PhotoRecord
from mains.metering.values import (
    DayQuality,
    IntervalQuality,
    IntervalQuantity,
    ReadingSource,
    UnmeteredReason,
    Zone,
    quality_of,
)
from mains.network.values import AbsenceReason, Cooker, Location, PremiseKind, Service, Supply, node_label
from mains.payments.values import LineState, MatchRule, PayerKind, RegisterStatus
from mains.reporting.queries.bill_paper.wording import attribute_name, attribute_word
from mains.reporting.values import HoleCause
from mains.staff.values import OrganisationKind, Scope
from mains.tariffs.queries.records import titles_by_code, titles_of_components, unit_of_quantity
from mains.tariffs.values import DraftState, DraftStepKind
from mains.web.office.tariff_pages.fields import Field
from mains.web.office.tariff_pages.wording import COMPONENT_KIND_WORDS, choices_of, word_of_key

register = template.Library()

KINDS: Mapping[str, type[Choices]] = {
    "absence": AbsenceReason,
    "bank_line": LineState,
    "cash_movement": MovementKind,
    "category": Category,
    "control": Control,
    "cooker": Cooker,
    "customer": CustomerKind,
    "debit_sequence": DebitSequence,
    "draft": DraftState,
    "draft_step": DraftStepKind,
    "entry": EntryKind,
    "hole": HoleCause,
    "interest_cause": InterestCause,
    "plan": PlanKind,
    "plan_state": PlanState,
    "interruption": Interruption,
    "invoice": InvoiceKind,
    "interval_quality": IntervalQuality,
    "interval_quantity": IntervalQuantity,
    "line": LineKind,
    "location": Location,
    "look": LookOutcome,
    "mandate_use": MandateUse,
    "match": MatchRule,
    "means": Means,
    "movement": DebtMovementKind,
    "organisation": OrganisationKind,
    "payer": PayerKind,
    "premise": PremiseKind,
    "quality": DayQuality,
    "register": RegisterStatus,
    "run": RunStatus,
    "service": Service,
    "source": ReadingSource,
    "supply": Supply,
    "unmetered": UnmeteredReason,
    "void": VoidState,
    "whatif": WhatIfStatus,
    "zone": Zone,
}
TONES = {
    "posted": "good",
    "posting": "info",
    "planned": "quiet",
    "accepted": "good",
    "staged": "warn",
    "refused": "bad",
    "draft": "info",
    "submitted": "warn",
    "published": "good",
    "withdrawn": "quiet",
    "waiting": "quiet",
    "running": "info",
    "done": "good",
    "failed": "bad",
    "cancelled": "quiet",
    "nothing": "quiet",
    "waits": "warn",
    "held": "info",
}


@register.filter
def word(code: object, kind: str) -> str:
    """The label of a stored code; a code outside the list is shown as it is."""
    choices = KINDS[kind]
    return str(choices(code).label) if code in choices.values else str(code if code is not None else "")


@register.filter
def node_kind(kind: str, service: str) -> str:
    """What a kind of node is called in the network of a service."""
    return node_label(kind, service)


@register.filter
def attribute(name: str) -> str:
    """What a fact that tariffs read is called; one without a word stands for itself."""
    return attribute_name(name)


@register.filter
def attribute_value(value: str, name: str) -> str:
    """What a text that tariffs read of a fact means; one without a word stands for itself."""
    return attribute_word(name, value, language=get_language() or "en") if value else ""


@register.filter
def zone_of_use(key: str) -> str:
    """The label of a zone by the name that tariffs use."""
    return str(Zone[key.upper()].label) if key.upper() in Zone.__members__ else key


@register.filter
def spoken_fields(fields: Sequence[Field]) -> Sequence[Field]:
    """A form's fields without titles in other languages than the reader's, where there is one in that."""
    return [field for field in fields if field not in other_titles(fields)]


@register.filter
def other_titles(fields: Sequence[Field]) -> Sequence[Field]:
    """The titles in other languages than the reader's; none where there is no title in that."""
    spoken = (get_language() or "en").partition("-")[0]
    titles = [field for field in fields if field.key == "title" and field.detail]
    own = [field for field in titles if field.detail == spoken]
    return [field for field in titles if field not in own] if own else []


@register.filter
def how_known(letter: str) -> str:
    """How a day's use is known, and whether an act adds to it; an unknown letter is shown as it is."""
    if letter.upper() not in DayQuality:
        return letter
    known = str(quality_of(letter).label)
    return _("%(quality)s, and an act of unmetered use") % {"quality": known} if letter.islower() else known


@register.filter
def told(message: str) -> str:
    """What the rules said about a reading or a bill, in the reader's language."""
    return translate_message(message)


@register.filter
def tariff_key(key: str) -> str:
    """What a key of a tariff document means; a key without a word stands for itself."""
    return word_of_key(key)


@register.filter
def tariff_choices(key: str, value: str = "") -> list[tuple[str, str]]:
    """The values that a key of a tariff document may have, in words; none where anything may stand."""
    return choices_of(key, value)


@register.filter
def component_kind(kind: str) -> str:
    """The kind of a component in words."""
    return str(COMPONENT_KIND_WORDS.get(kind, kind))


@register.simple_tag
def component(name: str, edition_id: int | None) -> str:
    """A tariff's component in the reader's language, as the tariff itself names it."""
    titles = (
        titles_of_components(edition_id=edition_id, language=get_language() or "en") if edition_id else {}
    )
    return titles.get(name) or name.replace("_", " ").capitalize()


@register.simple_tag
def line_quantity(line: LineRecord, unit: str) -> str:
    """What a bill's line charges for, with its unit where that is not `unit`."""
    own = unit_of_quantity(edition_id=line.tariff_edition_id, component=line.component)
    return use(line.quantity_micro, own if own != unit else "")


@register.simple_tag(takes_context=True)
def tariff_title(context: template.RequestContext, code: str, name: str) -> str:
    """A tariff's title in the reader's language, else its name; the titles are read once for a page."""
    request = context["request"]
    titles: dict[str, str] | None = getattr(request, "tariff_titles", None)
    if titles is None:
        titles = request.tariff_titles = titles_by_code(language=get_language() or "en")
    return titles.get(code) or name


@register.filter
def use(micro: int | None, unit: str = "") -> str:
    """A quantity rounded to thousandths for tables; the exact one is its title."""
    if micro is None:
        return ""
    language = get_language() or "en"
    shown = formats.quantity_text(micro, unit=unit, language=language, decimals=3)
    exact = formats.quantity_text(micro, unit=unit, language=language)
    if shown == exact:
        return format_html('<bdi class="amount">{}</bdi>', shown)
    return format_html('<bdi class="amount" title="{}">{}</bdi>', exact, shown)


@register.filter
def unit_of(service: str) -> str:
    """The unit code of a service."""
    return UNIT_OF_SERVICE.get(service, "")


@register.simple_tag
def status(code: str, kind: str) -> SafeString:
    """The badge of a run's or a register's status."""
    return format_html('<span class="state state-{}">{}</span>', TONES.get(code, "quiet"), word(code, kind))


@register.filter
def opposite(minor: int | None) -> int | None:
    """The amount with the other sign: a credit as what we owe, a payment as what was paid."""
    return None if minor is None else -minor


@register.filter
def evidence(stored: object) -> str:
    """A reading's evidence as one line: what the device or the file told, each part named."""
    if not isinstance(stored, Mapping):
        return str(stored or "")
    told = {key: value for key, value in stored.items() if value not in (None, "")}
    if "latitude" in told and "longitude" in told:
        told["place"] = f"{told.pop('latitude')} / {told.pop('longitude')}"
    if "accuracy_m" in told:
        told["accuracy"] = told.pop("accuracy_m")
    labels = {
        "device": _("device"),
        "place": _("place"),
        "accuracy": _("accuracy, m"),
        "opening": _("opening reading"),
    }
    return ", ".join(
        str(value) if key == "note" else f"{labels.get(key, key)} {value}" for key, value in told.items()
    )


@register.filter
def coordinate(degrees: float) -> str:
    """Degrees with five decimals, about a metre."""
    return f"{degrees:.5f}"


@register.filter
def bill_text(bill: BillRecord) -> str:
    """The number of a bill as people read it."""
    return bill_number(bill.month, bill.id)


@register.simple_tag
def bill_url(bill: BillRecord) -> str:
    """Address of a bill's page."""
    return reverse("office:bill", args=[bill_number(bill.month, bill.id)])


@register.simple_tag
def bill_link(bill_id: int, bills: Sequence[BillRecord]) -> str:
    """Address of one of the bills by its id; empty when it is not among them."""
    found = next((bill for bill in bills if bill.id == bill_id), None)
    return bill_url(found) if found else ""


@register.filter
def covers(scope: Scope, organisation_id: int) -> bool:
    """Whether a unit lies within the scope."""
    return scope.covers(organisation_id)


@register.simple_tag
def edition_of(editions: Mapping[int, tuple[str, str]], edition_id: int) -> tuple[str, str] | None:
    """Code and name of the tariff of an edition."""
    return editions.get(edition_id)


@register.simple_tag
def indent(depth: int) -> str:
    """Steps in front of a unit's name inside a list of choices, where no other layout is possible."""
    return "\N{EM SPACE}" * depth


@register.filter
def of_unit(
    by_unit: Mapping[int, Sequence[tuple[int, str]]], organisation_id: int
) -> Sequence[tuple[int, str]]:
    """The choices that belong to a unit."""
    return by_unit.get(organisation_id, ())


@register.filter
def of_reading(photos: Mapping[int, Sequence[PhotoRecord]], reading_id: int) -> Sequence[PhotoRecord]:
    """The photos of a reading."""
    return photos.get(reading_id, ()) if photos else ()
