"""A small site that shows every part of the office shell, with figures of one account."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path
from django.utils.translation import get_language
from django.views.i18n import set_language

from mains.base import formats
from mains.web.office.parts import (
    Chart,
    Crumb,
    FormulaNode,
    Place,
    PlaceMap,
    SearchGroup,
    SearchHit,
    Series,
    Tab,
)

PAGES = Path(__file__).parent / "pages"
MONTHS = [date(2026, month, 1) for month in range(5, 12)]
USED_MICRO = [182_500_000, 175_250_000, 201_000_000, 214_125_000, 190_000_000, 166_340_000]
LABELS = {
    "owed": "Owed",
    "owed_note": "Oldest: 61 days",
    "billed": "Billed this year",
    "billed_note": "6 bills",
    "used": "Used",
    "used_note": "May to October",
    "collected": "Collected",
    "collected_note": "of what was billed",
    "warning": "Two months rest on forecasts",
    "remedy": "Read the meter before 25 November to replace them.",
    "bills": "Bills",
    "month": "Month",
    "state": "State",
    "quality": "Days",
    "total": "Total",
    "formula": "Energy charge, October",
    "account": "Account",
    "payments": "Payments",
    "none": "No payments yet",
    "none_remedy": "A payment appears as soon as its register is accepted.",
    "load": "Load a part",
    "breaks": "Break",
}
RUSSIAN = {
    "owed": "Задолженность",
    "owed_note": "Старейшая: 61 день",
    "billed": "Начислено за год",
    "billed_note": "6 счетов",
    "used": "Потребление",
    "used_note": "Май — октябрь",
    "collected": "Собираемость",
    "collected_note": "от начисленного",
    "warning": "Два месяца рассчитаны по прогнозу",
    "remedy": "Снимите показания до 25 ноября, чтобы заменить прогноз.",
    "bills": "Счета",
    "month": "Месяц",
    "state": "Состояние",
    "quality": "Дни",
    "total": "Итого",
    "formula": "Электроэнергия, октябрь",
    "account": "Лицевой счёт",
    "payments": "Платежи",
    "none": "Платежей пока нет",
    "none_remedy": "Платёж появится, как только будет принят реестр.",
    "load": "Загрузить часть",
    "breaks": "Сломать",
}


def _text(source: str, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(source).render(context, request))


def _usage(language: str) -> Chart:
    names = [formats.month_text(day, language=language) for day in MONTHS[:6]]
    texts = [formats.quantity_text(micro, unit="kWh", language=language) for micro in USED_MICRO]
    measured = [
        Decimal(micro) / 10**6 if place not in {2, 3} else None for place, micro in enumerate(USED_MICRO)
    ]
    forecast = [Decimal(micro) / 10**6 if place in {2, 3} else None for place, micro in enumerate(USED_MICRO)]
    is_russian = language == "ru"
    return Chart(
        key="usage",
        title="Потребление по месяцам" if is_russian else "Use by month",
        finding="С мая на 9 % меньше" if is_russian else "9 % less than in May",
        categories=names,
        unit="kWh",
        category_label="Месяц" if is_russian else "Month",
        series=[
            Series("Измерено" if is_russian else "Measured", measured, texts, stack="use"),
            Series("Прогноз" if is_russian else "Forecast", forecast, texts, stack="use", is_estimate=True),
        ],
    )


def _tree() -> FormulaNode:
    reading = FormulaNode(
        "Reading of 31 October", "12 846", "kWh", source="Reading 881203", source_url="#reading-2"
    )
    earlier = FormulaNode(
        "Reading of 30 September", "12 679.66", "kWh", source="Reading 871930", source_url="#reading-1"
    )
    used = FormulaNode(
        "Use in October", "166.34", "kWh", formula="reading 2 − reading 1", children=[reading, earlier]
    )
    price = FormulaNode(
        "Price, band A non-MD", "209.50", "NGN/kWh", source="Tariff order 2024/04, clause 3", source_url="#t"
    )
    net = FormulaNode(
        "Energy",
        "34,848.23",
        "NGN",
        formula="use × price",
        note="rounded half up to 0.01",
        children=[used, price],
    )
    vat = FormulaNode("VAT", "2,613.62", "NGN", formula="energy × 7.5 %", note="rounded half up to 0.01")
    return FormulaNode("Energy charge", "37,461.85", "NGN", formula="energy + VAT", children=[net, vat])


@login_not_required
def gallery(request: HttpRequest) -> HttpResponse:
    language = get_language() or "en"
    labels = RUSSIAN if language == "ru" else LABELS
    currency = "RUB" if language == "ru" else "NGN"
    states = [
        ("Paid", "good"),
        ("Paid", "good"),
        ("Part paid", "warn"),
        ("Overdue", "bad"),
        ("Issued", "info"),
        ("Draft", "quiet"),
    ]
    rows = [
        {
            "from": MONTHS[place],
            "to": MONTHS[place + 1],
            "state": state,
            "tone": tone,
            "quality": "MAFCNX"[place],
            "micro": USED_MICRO[place],
            "minor": USED_MICRO[place] * 209 // 10_000,
        }
        for place, (state, tone) in enumerate(states)
    ]
    if "message" in request.GET:
        messages.success(request, "Reading accepted")
        messages.error(request, "The register has a broken row")
    shape = {"type": "LineString", "coordinates": [[7.4915, 9.0572], [7.4932, 9.0581], [7.4951, 9.0579]]}
    context = {
        "title": "Лицевой счёт 100200300417" if language == "ru" else "Account 100200300417",
        "lead": "Adaeze Okonkwo · 14 Ahmadu Bello Way, Abuja",
        "add": "Показание" if language == "ru" else "Reading",
        "labels": labels,
        "currency": currency,
        "crumbs": [Crumb("Accounts", "/accounts/"), Crumb("100200300417")],
        "tabs": [
            Tab("Overview", "#", is_current=True),
            Tab("Bills", "#b", count=41),
            Tab("Readings", "#r", count=1204),
            Tab("Documents", "#d"),
        ],
        "owed_minor": 7_492_371,
        "billed_minor": sum(row["minor"] for row in rows),
        "used_micro": sum(USED_MICRO),
        "share": Decimal("0.8734"),
        "rows": rows,
        "usage": _usage(language),
        "tree": _tree(),
        "facts": [
            ("Customer", "Adaeze Okonkwo"),
            ("Tariff", "Band A, non-MD"),
            ("Meter", "GE-4471-0098 · 1 phase"),
            ("Officer", "Ibrahim Musa"),
            ("Consent", None),
        ],
        "places": PlaceMap(
            "where",
            "Карта" if language == "ru" else "Where it is",
            [
                Place.at(
                    latitude=9.0579,
                    longitude=7.4951,
                    label="14 Ahmadu Bello Way",
                    detail="Account 100200300417",
                    is_main=True,
                ),
                Place.at(
                    latitude=9.0572,
                    longitude=7.4915,
                    label="Transformer T-118",
                    detail="100 kVA",
                    tone="good",
                ),
                Place(shape, "Feeder 11 kV"),
            ],
        ),
    }
    return _text((PAGES / "gallery.html").read_text(encoding="utf-8"), request, context)


@login_not_required
def part(request: HttpRequest) -> HttpResponse:
    return HttpResponse('<div id="part" data-announce="Part replaced"><h3>New part</h3><p>Text</p></div>')


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><html><body>Whole page</body></html>", status=500)


@login_not_required
def search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")
    hits = [
        SearchHit("Adaeze Okonkwo", "/accounts/?found=1", "Account 100200300417 · 14 Ahmadu Bello Way"),
        SearchHit("Adaobi Okafor", "/accounts/?found=2", "Account 100200300425 · 2 Lake Street"),
    ]
    groups = [SearchGroup("Accounts", hits)] if query.lower().startswith("ad") else []
    source = '{% include "office/partials/search_results.html" %}'
    return _text(source, request, {"groups": groups, "query": query})


@login_not_required
def follow(request: HttpRequest) -> HttpResponse:
    picture = PlaceMap("follow", "Premises", url="/places/", bounds=(7.4, 9.0, 7.6, 9.1))
    source = '{% extends "office/base.html" %}{% block content %}{% place_map picture %}{% endblock %}'
    return _text(source, request, {"picture": picture})


@login_not_required
def places(request: HttpRequest) -> HttpResponse:
    found = [Place.at(latitude=9.05, longitude=7.5, label="14 Ahmadu Bello Way")]
    return JsonResponse(PlaceMap("found", "", found).collection)


class ShellSite:
    """Addresses of the site; Django takes any object with `urlpatterns` as its URL configuration."""

    urlpatterns = [
        path("language/", login_not_required(set_language), name="set_language"),
        path("sign-in/", LoginView.as_view(template_name="office/login.html"), name="login"),
        path("sign-out/", LogoutView.as_view(), name="logout"),
        path("part/", part),
        path("broken/", broken),
        path("follow/", follow),
        path("places/", places),
        path(
            "",
            include(
                (
                    [
                        path("", gallery, name="dashboard"),
                        path("accounts/", gallery, name="accounts"),
                        path("search/", search, name="search"),
                        path("reports/turnover/", gallery, name="turnover"),
                        path("map/", gallery, name="map"),
                    ],
                    "office",
                )
            ),
        ),
    ]
