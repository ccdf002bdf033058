"""In which unit a utility keeps what it supplies: what meters count, daily use, balances and the `unit` of its tariffs.

That of heat is the utility's choice (`MAINS_HEAT_UNIT`), made once: what is stored is in millionths of it. Prices in
another unit of energy are converted exactly by the tariff language; meters that count in another one by their
multiplier.
"""

import os

HEAT_UNITS = ("kWh", "MWh", "MJ", "GJ", "Gcal")


def units_of_services() -> dict[str, str]:
    """The unit of each service; asked for where there are no settings too, when a tariff is checked by itself.

    Raises ValueError when the environment names no unit of heat.
    """
    heat = os.environ.get("MAINS_HEAT_UNIT", "kWh")
    if heat not in HEAT_UNITS:
        raise ValueError(f"MAINS_HEAT_UNIT is {heat}; it is one of {', '.join(HEAT_UNITS)}.")
    return {"electricity": "kWh", "cold_water": "m3", "hot_water": "m3", "gas": "m3", "heat": heat}


UNIT_OF_SERVICE = units_of_services()
