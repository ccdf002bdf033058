"""Server time of the pages that people open all day, on the billed utility."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mains.config.chance import Repeatable
from mains.customers.models import Account
from mains.reporting.actions.search import rebuild_search_index
from mains.staff.models import User

_SEED = 823
_COUNTED_PAGES = 25


@dataclass(frozen=True, kw_only=True)
class PageFigures:
    """Server time of one kind of page in milliseconds, and the most queries that one of them made."""

    pages: int
    median_ms: float
    p95_ms: float
    queries_max: int

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def time_pages(*, user: User, pages: int = 500) -> dict[str, PageFigures]:
    """Open the account page of random accounts, and search for their names and numbers, as `user`."""
    rebuild_search_index()
    chance = Repeatable(_SEED)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    accounts = _random_accounts(chance, pages)
    words = [chance.choice(_searches(account, chance)) for account in accounts]
    return {
        "account_page": _time(
            client,
            [(reverse("office:account", args=[account.number]), {}) for account in accounts],
            headers={},
        ),
        "search": _time(
            client,
            [(reverse("office:search"), {"q": word}) for word in words],
            headers={"HX-Request": "true"},
        ),
    }


def _time(
    client: Client, pages: Sequence[tuple[str, dict[str, str]]], *, headers: dict[str, str]
) -> PageFigures:
    taken, most = [], 0
    client.get(*pages[0], headers=headers)  # the first page compiles templates
    for number, (path, data) in enumerate(pages):
        began = time.perf_counter()
        answer = client.get(path, data, headers=headers)
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 302), f"{path} {data}: {answer.status_code}"
        if number < _COUNTED_PAGES:
            with CaptureQueriesContext(connection) as queries:
                client.get(path, data, headers=headers)
            most = max(most, len(queries))
    taken.sort()
    return PageFigures(
        pages=len(taken),
        median_ms=round(taken[len(taken) // 2], 1),
        p95_ms=round(taken[int(len(taken) * 0.95)], 1),
        queries_max=most,
    )


def _random_accounts(chance: Repeatable, count: int) -> list[Account]:
    last = Account.objects.order_by("-pk").values_list("pk", flat=True)[0]
    ids = {chance.randint(1, last) for _ in range(count * 2)}
    found = list(Account.objects.filter(pk__in=ids).select_related("customer")[:count])
    chance.shuffle(found)
    return found


def _searches(account: Account, chance: Repeatable) -> list[str]:
    """What people type: a number, a part of one, a name, the beginning of a name."""
    name = account.customer.name.split()[0]
    return [account.number, account.number[: chance.randint(2, 6)], name, name[: chance.randint(1, 4)]]
