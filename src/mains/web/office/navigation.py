"""The sidebar: which pages a person can go to from everywhere."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the sidebar.

    `go` is the key that opens it after `g`; pages whose name begins with one of `also` belong to it. Entries of one
    `group` stand together under its name.
    """

    url_name: str
    label: str | Promise
    icon: str
    go: str
    group: str | Promise = ""
    also: tuple[str, ...] = ()


_BILLING, _MONEY, _REPORTS, _NETWORK = _("Billing"), _("Money"), _("Statements"), _("Network and losses")
_ADMINISTRATION = _("Administration")

ENTRIES = (
    Entry("office:dashboard", _("Dashboard"), "layout-dashboard", "d"),
    Entry(
        "office:accounts",
        _("Accounts"),
        "users",
        "a",
        also=("office:account", "office:meter", "office:reading", "office:record_reading"),
    ),
    Entry("office:exceptions", _("Exceptions"), "alert-triangle", "e"),
    Entry("office:proposals", _("Proposals"), "clock", "o"),
    Entry("office:archive", _("Archive"), "archive", "z", also=("office:document",)),
    Entry("office:map", _("Map"), "map-2", "m"),
    Entry("office:runs", _("Bills and runs"), "file-invoice", "b", _BILLING, ("office:run", "office:bill")),
    Entry("office:invoices", _("Invoices"), "file-description", "r", _BILLING, ("office:invoice",)),
    Entry(
        "office:einvoice_sellers", _("E-invoices"), "file-text", "i", _BILLING, ("office:einvoice_seller",)
    ),
    Entry(
        "office:tariffs",
        _("Tariffs"),
        "math-function",
        "f",
        _BILLING,
        ("office:tariff", "office:draft", "office:new_draft", "office:try_draft"),
    ),
    Entry("office:whatifs", _("What if"), "adjustments", "w", _BILLING, ("office:whatif",)),
    Entry("office:completeness", _("Completeness"), "circle-check", "c", _BILLING),
    Entry(
        "office:desk",
        _("Cash desk"),
        "coin",
        "h",
        _MONEY,
        ("office:open_shift", "office:close_shift", "office:desk_payment"),
    ),
    Entry("office:desks", _("Cash desks"), "calculator", "s", _MONEY, ("office:desk_shift",)),
    Entry(
        "office:registers",
        _("Payments"),
        "cash",
        "p",
        _MONEY,
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
    Entry(
        "office:debit_collections",
        _("Direct debits"),
        "credit-card",
        "y",
        _MONEY,
        ("office:debit_collection",),
    ),
    Entry("office:doubtful_debts", _("Debts"), "hourglass", "u", _MONEY),
    Entry("office:plans", _("Instalment plans"), "history", "j", _MONEY, ("office:plan", "office:make_plan")),
    Entry("office:settlement", _("Settlement"), "arrows-split-2", "v", _MONEY, ("office:settlement",)),
    Entry("office:books", _("Books"), "lock", "k", _MONEY),
    Entry(
        "office:terms",
        _("Contracts and rules"),
        "file-text",
        "x",
        _MONEY,
        ("office:terms", "office:state_", "office:end_"),
    ),
    Entry("office:turnover", _("Turnover"), "report-money", "t", _REPORTS, ("office:turnover",)),
    Entry("office:collection", _("Collection"), "chart-bar", "q", _REPORTS),
    Entry(
        "office:network", _("Network"), "sitemap", "n", _NETWORK, ("office:node", "office:add_node_figure")
    ),
    Entry("office:losses", _("Losses"), "scale", "l", _NETWORK),
    Entry(
        "office:people",
        _("People and roles"),
        "user",
        "g",
        _ADMINISTRATION,
        ("office:person", "office:new_person", "office:preview_person", "office:role"),
    ),
    Entry("office:audit", _("Audit log"), "history", "1", _ADMINISTRATION),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry whose page exists, as the sidebar shows it."""

    label: str | Promise
    icon: str
    go: str
    group: str | Promise
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
        yield Link(entry.label, entry.icon, entry.go, entry.group, url, is_current)
