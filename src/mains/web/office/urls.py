"""Addresses of the office. Every view names the permission that it needs (see access.py)."""

from django.urls import URLPattern, URLResolver, path

from mains.web.office.views import (
    account,
    accounts,
    bills,
    dashboard,
    exceptions,
    history,
    meters,
    places,
    recalculation,
    registers,
    runs,
    search,
    tariffs,
    turnover,
)

app_name = "office"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.dashboard, name="dashboard"),
    path("search", search.search, name="search"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/<str:number>/", account.overview, name="account"),
    path("accounts/<str:number>/consumption/", account.consumption, name="account_use"),
    path("accounts/<str:number>/money/", account.money, name="account_money"),
    path("accounts/<str:number>/recalculation/", recalculation.recalculation, name="recalculation"),
    path(
        "accounts/<str:number>/recalculation/post/",
        recalculation.post_recalculation,
        name="post_recalculation",
    ),
    path("accounts/<str:number>/meters/", account.meters, name="account_meters"),
    path("accounts/<str:number>/premise/", account.premise, name="account_premise"),
    path("accounts/<str:number>/history/", history.history, name="account_history"),
    path("accounts/<str:number>/readings/", meters.record, name="record_reading"),
    path("meters/<int:meter_id>/", meters.meter, name="meter"),
    path("readings/<int:reading_id>/", meters.reading, name="reading"),
    path("bills/<str:number>-protocol.pdf", bills.protocol, name="bill_protocol"),
    path("bills/<str:number>.pdf", bills.bill_pdf, name="bill_pdf"),
    path("bills/<str:number>/", bills.bill, name="bill"),
    path("bills/<str:number>/lines/<int:place>/", bills.line, name="bill_line"),
    path("bill-runs/", runs.runs, name="runs"),
    path("bill-runs/<int:run_id>/", runs.run, name="run"),
    path("tariffs/<str:code>/", tariffs.tariff, name="tariff"),
    path("payments/", registers.registers, name="registers"),
    path("payments/<int:register_id>/", registers.register, name="register"),
    path("payments/<int:register_id>/accept/", registers.accept, name="accept_register"),
    path("payments/suspense/<int:receipt_id>/identify/", registers.identify, name="identify_receipt"),
    path("reports/turnover/", turnover.statement, name="turnover"),
    path("reports/turnover.csv", turnover.statement_csv, name="turnover_csv"),
    path("map/", places.utility_map, name="map"),
    path("map/places.geojson", places.map_places, name="map_places"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("exceptions/readings/<int:exception_id>/", exceptions.decide, name="decide_reading"),
    path("exceptions/accounts/<str:number>/officer/", exceptions.give_to_officer, name="give_to_officer"),
]
