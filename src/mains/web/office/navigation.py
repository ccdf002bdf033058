"""The sidebar: which pages a person can go to from everywhere."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the sidebar.

    `go` is the key that opens it after `g`; pages whose name begins with one of `also` belong to it.
    """

    url_name: str
    label: str | Promise
    icon: str
    go: str
    also: tuple[str, ...] = ()


ENTRIES = (
    Entry("office:dashboard", _("Dashboard"), "layout-dashboard", "d"),
    Entry(
        "office:accounts",
        _("Accounts"),
        "users",
        "a",
        ("office:account", "office:meter", "office:reading", "office:record_reading"),
    ),
    Entry("office:runs", _("Bills and runs"), "file-invoice", "b", ("office:run", "office:bill")),
    Entry("office:invoices", _("Invoices"), "report-money", "v", ("office:invoice",)),
    Entry(
        "office:tariffs",
        _("Tariffs"),
        "math-function",
        "f",
        ("office:tariff", "office:draft", "office:new_draft", "office:try_draft"),
    ),
    Entry(
        "office:registers",
        _("Payments"),
        "cash",
        "p",
        (
            "office:register",
            "office:receipt",
            "office:bank",
            "office:suspense",
            "office:learned",
            "office:online",
            "office:payment_order",
            "office:dead_letter",
        ),
    ),
    Entry("office:settlement", _("Settlement"), "arrows-split-2", "v", ("office:settlement",)),
    Entry("office:debit_collections", _("Direct debits"), "credit-card", "y", ("office:debit_collection",)),
    Entry("office:turnover", _("Turnover"), "report-money", "t", ("office:turnover",)),
    Entry("office:collection", _("Collection"), "chart-bar", "q"),
    Entry(
        "office:desk",
        _("Cash desk"),
        "coin",
        "h",
        ("office:open_shift", "office:close_shift", "office:desk_payment"),
    ),
    Entry("office:desks", _("Cash desks"), "calculator", "s", ("office:desk_shift",)),
    Entry("office:proposals", _("Proposals"), "clock", "o"),
    Entry("office:doubtful_debts", _("Debts"), "coin", "u"),
    Entry("office:plans", _("Instalment plans"), "history", "j", ("office:plan", "office:make_plan")),
    Entry("office:books", _("Books"), "lock", "k"),
    Entry("office:network", _("Network"), "sitemap", "n", ("office:node", "office:add_node_figure")),
    Entry("office:losses", _("Losses"), "scale", "l"),
    Entry("office:completeness", _("Completeness"), "circle-check", "c"),
    Entry("office:whatifs", _("What if"), "adjustments", "w", ("office:whatif",)),
    Entry("office:map", _("Map"), "map-2", "m"),
    Entry("office:einvoice_sellers", _("E-invoices"), "file-text", "i", ("office:einvoice_seller",)),
    Entry("office:exceptions", _("Exceptions"), "alert-triangle", "e"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry whose page exists, as the sidebar shows it."""

    label: str | Promise
    icon: str
    go: str
    url: str
    is_current: bool


def list_links(current_view: str, permissions: Collection[str] | None = None) -> list[Link]:
    """Entries whose pages exist and, when `permissions` are given, which their holder may open.

    `current_view` is the qualified name of the page being shown.
    """
    return list(_links(current_view, permissions))


def _links(current_view: str, permissions: Collection[str] | None) -> Iterator[Link]:
    for entry in ENTRIES:
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        needed = getattr(resolve(url).func, "permissions", None)
        if permissions is not None and needed is not None and needed.isdisjoint(permissions):
            continue
        is_current = current_view == entry.url_name or current_view.startswith(entry.also)
        yield Link(entry.label, entry.icon, entry.go, url, is_current)
