"""Components as they are written: formulas parsed, and forms that stand for several components written out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from mains.engine.language import syntax
from mains.engine.language.errors import UnableToReadFormula
from mains.engine.language.names import RESERVED
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import CALENDAR_CUTS, COMPONENT_KINDS, ON_CHANGE, AttributeType, Table
from mains.engine.tariff.tables import refused_name

_KEYS = (
    "name", "title", "kind", "formula", "when", "round", "each", "on_change", "cut", "average_round",
    "unit", "quantity", "since", "until", "source", "note",
)  # fmt: skip
_POSTED = ("charge", "tax", "subsidy")
RERATE = "rerate"
# The treatments of a change, with the names which tariff orders give them.
_TREATMENTS = {**{name: name for name in ON_CHANGE}, "next_bill": "start", RERATE: RERATE}
_RERATED_TITLE = {
    "en": "re-rated after the last bill",
    "ru": "перерасчёт за прошлый период",
    "tr": "önceki dönem yeniden hesaplandı",
    "zh": "上期重算差额",
    "de": "Neuberechnung des Vorzeitraums",
    "fr": "recalcul de la période précédente",
}


@dataclass(frozen=True)
class ComponentContext:
    """What the formulas of one version may name, and the tariff's defaults."""

    units: UnitSystem
    minor_digits: int
    attributes: Mapping[str, AttributeType]
    quantities: Mapping[str, Unit]
    tables: Mapping[str, Table]
    broken_tables: frozenset[str]
    units_known: bool
    on_change: str | None
    cut: str
    balances: Mapping[str, Unit]


@dataclass(frozen=True)
class Draft:
    """A component whose formulas are parsed but not yet resolved. `on_change` None: what fits the formula.

    In its own formulas the name `own` means a price of that name, not the component.
    """

    name: str
    own: str
    kind: str
    clause: Clause
    title: Mapping[str, str]
    formula: syntax.Syntax
    formula_text: str
    condition: syntax.Syntax | None
    quantity: syntax.Syntax | None
    on_change: str | None
    since: date | None
    until: date | None
    origin: str = ""


def read_drafts(clause: Clause, context: ComponentContext) -> dict[str, Draft]:
    """Drafts by name, in printed order; faults go to the clause's problems."""
    drafts: dict[str, Draft] = {}
    for name, item in _named_items(clause):
        kind = item.get("kind").choice(COMPONENT_KINDS, default="charge")
        taken = {*drafts, *context.attributes, *context.quantities} - _names_it_may_take(name, kind, context)
        if not name.isidentifier() or name in RESERVED or name in taken:
            where = item.get("name") if item.get("name").value is not None else item
            where.refuse(
                "name-taken",
                f"“{name}” cannot name this component.",
                refused_name(name, taken, kind="charge"),
            )
            continue
        draft = _read_draft(name, kind, item, context)
        if draft is not None and draft.on_change == RERATE:
            drafts |= {each.name: each for each in _rerated(draft)}
        elif draft is not None:
            drafts[name] = draft
    return drafts


def _names_it_may_take(name: str, kind: str, context: ComponentContext) -> set[str]:
    """A component of kind balance bears the name of the balance it leaves."""
    return {name} if kind == "balance" and name in context.balances else set()


def _read_draft(name: str, kind: str, item: Clause, context: ComponentContext) -> Draft | None:
    if kind == "balance" and name not in context.balances:
        item.refuse(
            "balance-unknown",
            f"“{name}” is not a balance of the tariff.",
            f"Declare it: `balances: {{{name}: {context.units.currency}}}`.",
        )
        return None
    formula = _parse(item.get("formula"), required=True)
    if formula is None:
        return None
    on_change, since, until = item.get("on_change"), item.get("since").day(), item.get("until").day()
    treatment = (
        _TREATMENTS[on_change.choice(_TREATMENTS, default="split")] if on_change.value is not None else None
    )
    if since is not None and until is not None and until <= since:
        item.get("until").refuse(
            "version-empty",
            f"{name} ends on {until}, before it starts.",
            "until is the first day without it.",
        )
    if treatment == RERATE and kind not in _POSTED:
        on_change.refuse(
            "rerate-not-posted",
            f"{name} is not posted, so there is nothing to refund.",
            "Use split or start.",
        )
        treatment = "split"
    if kind == "balance" and (since is not None or until is not None):
        item.refuse(
            "balance-dated",
            "A balance is left at every bill, or it would be lost.",
            "Use `when` instead of dates.",
        )
    if kind == "balance" and item.get("cut").value in CALENDAR_CUTS:
        item.get("cut").refuse(
            "balance-cut", "A balance is left at the end of a bill, not of every month.", "Leave `cut` out."
        )
    return Draft(
        name=name,
        own=name,
        kind=kind,
        clause=item,
        title=item.get("title").titles(name),
        formula=formula,
        formula_text=item.get("formula").text(),
        condition=_parse(item.get("when")),
        quantity=_parse(item.get("quantity")),
        on_change=treatment,
        since=since,
        until=until,
    )


def _rerated(draft: Draft) -> Iterator[Draft]:
    """A component whose change is rated again afterwards, as what it is: charged at the first prices of the period;
    shown as it should have been; the difference left to the next bill, and posted there.
    """
    name, base = draft.name, draft.title.get("", "")
    title = {
        language: f"{draft.title.get(language, base or draft.name)}: {words}"
        for language, words in _RERATED_TITLE.items()
    }
    owed = f"{name}_owed"
    written = draft.clause.value if isinstance(draft.clause.value, Mapping) else {}
    # What is said of rounding and cutting is said of the line itself; what is owed outlives it.
    rest = {key: value for key, value in written.items() if key not in ("round", "each", "average_round")}
    clause = replace(draft.clause, value={**rest, "cut": "seen"})

    def other(suffix: str, kind: str, text: str) -> Draft:
        formula = syntax.parse_formula(text)
        return replace(
            draft, name=f"{name}_{suffix}", own=f"{name}_{suffix}", kind=kind, clause=clause, title=title,
            formula=formula, formula_text=text, condition=None, quantity=None, on_change=None, since=None, until=None,
            origin=name,
        )  # fmt: skip

    yield replace(draft, on_change="start")
    yield replace(draft, name=f"{name}_rerated", kind="info", title=title, on_change="split", origin=name)
    yield other("owed", "balance", f"{name}_rerated - {name}")
    yield replace(other("refund", draft.kind, owed), condition=syntax.parse_formula(f"{owed} != 0"))


def rerated_balances(clause: Clause) -> list[str]:
    """Names of the balances which components with `on_change: rerate` leave."""
    entries = clause.value.items() if isinstance(clause.value, Mapping) else ()
    listed = clause.value if isinstance(clause.value, list) else ()
    named = [
        *(entry for entry in entries),
        *((item.get("name"), item) for item in listed if isinstance(item, Mapping)),
    ]
    return [
        f"{name}_owed"
        for name, item in named
        if isinstance(item, Mapping) and item.get("on_change") == RERATE and isinstance(name, str)
    ]


def _named_items(clause: Clause) -> Iterator[tuple[str, Clause]]:
    """Name and clause of each component: a list of entries with names, or a mapping from name to entry or formula."""
    if clause.value is None or clause.value == []:
        message = "The version has no components."
        clause.refuse("missing", message, "Write at least one, with a name and a formula.")
    elif isinstance(clause.value, Mapping):
        for name, entry in clause.entries():
            if isinstance(entry.value, Mapping):
                entry.only([key for key in _KEYS if key != "name"])
                yield name, entry
            else:
                yield name, entry.wrap("formula")
    else:
        for item in clause.items(label="name"):
            item.only(_KEYS)
            name = item.get("name").text(required=isinstance(item.value, Mapping))
            if name:
                yield name, item


def _parse(clause: Clause, *, required: bool = False) -> syntax.Syntax | None:
    if isinstance(clause.value, float):
        clause.refuse("float", "A binary float is not exact.", "Write the formula as text.")
        return None
    text = clause.text(required=required)
    if isinstance(clause.value, bool):
        text = text.lower()
    if not text.strip():
        if clause.value is not None and not isinstance(clause.value, list | Mapping):
            clause.refuse("missing", "The formula is empty.", "Write a formula, such as usage * energy.")
        return None
    try:
        return syntax.parse_formula(text)
    except UnableToReadFormula as error:
        clause.refuse(error.fault.code, error.fault.message, error.fault.remedy)
        return None
