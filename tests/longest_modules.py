"""Modules that take longest, so that a worker of pytest-xdist does not begin one of them when the other is done.

The order of the rest matters little: the more tests the earlier. Renew the list by `make test ARGS=--durations=150`.
"""

from collections import Counter
from collections.abc import Callable

LONGEST = (
    "tests/config/test_drills.py",
    "tests/billing/test_faults.py",
    "tests/billing/test_random_histories.py",
    "tests/billing/test_cluster.py",
    "tests/journeys/test_ru_communal.py",
    "tests/journeys/test_tr_gas.py",
    "tests/journeys/test_ng_electricity.py",
    "tests/journeys/test_cn_heat.py",
    "tests/web/office/test_access.py",
    "tests/web/office/test_browser.py",
    "tests/web/office/test_tariff_pages.py",
    "tests/web/office/test_desk_pages.py",
    "tests/web/office/test_whatif_pages.py",
    "tests/web/office/test_languages.py",
    "tests/billing/test_settlement.py",
    "tests/billing/test_recalculation_by_itself.py",
    "tests/billing/test_jobs.py",
    "tests/config/test_command_line.py",
    "tests/web/office/test_money_pages.py",
    "tests/web/office/test_tariff_editor.py",
    "tests/web/test_shell_pages.py",
    "tests/engine/usage/test_columns_equal_exact.py",
    "tests/engine/balance/test_columns_equal_exact.py",
    "tests/architecture/test_contracts.py",
)


def running_order(modules: list[str]) -> Callable[[str], tuple[int, int]]:
    """What to sort tests by, given the module of each of them; tests of a module stay as they are."""
    place, count = {module: number for number, module in enumerate(LONGEST)}, Counter(modules)
    return lambda module: (place.get(module, len(LONGEST)), -count[module])
