"""A household tariff in force, its next version, and a bill of it."""

from datetime import UTC, date, datetime

NOW = datetime(2024, 6, 10, 9, tzinfo=UTC)
TODAY = date(2024, 6, 10)
HOME = """\
# Household, by order 56.
tariff: home
title: {en: Home}
service: electricity
currency: EUR
unit: kWh
components:
  - {name: energy_charge, formula: "tiers(usage, energy)"}
  - {name: vat_charge, kind: tax, formula: vat * charges}
versions:
  - valid_from: 2024-01-01
    prices:
      energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}
      vat: 20 %
"""
MAY_BILL = """\
facts:
  period: 2024-05
  usage: 150
expect:
  total: 42.00
"""
NEXT_VERSION = """\
  - valid_from: 2024-07-01
    prices:
      energy: {unit: EUR/kWh, tiers: [[100, 0.22], [null, 0.30]]}
      vat: 20 %
"""
