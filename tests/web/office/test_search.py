"""Search over the demo utility: the right answer near the top, nothing from outside the scope, always up to date."""

import pytest
from django.db import connection

from mains.customers.models import Account, Customer
from mains.reporting.actions.search import rebuild_search_index, refresh_accounts
from mains.reporting.queries.search import find_accounts
from mains.staff.models import User
from mains.staff.queries.rights import scope_of
from mains.staff.values import EVERYTHING, Permission, Scope

SAMPLE = """
SELECT a.number, c.name, c.phone, b.city, b.street, b.house, p.flat, m.serial
FROM customers_account a
JOIN customers_customer c ON c.id = a.customer_id
JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL AND upper(g.valid) IS NULL
JOIN network_servicepoint s ON s.id = g.service_point_id
JOIN network_premise p ON p.id = s.premise_id
JOIN network_building b ON b.id = p.building_id
JOIN metering_installation i ON i.service_point_id = s.id AND i.superseded_at IS NULL AND upper(i.valid) IS NULL
JOIN metering_meter m ON m.id = i.meter_id
WHERE a.closed_on IS NULL ORDER BY a.id LIMIT 60 OFFSET %(skip)s
"""


def _sample() -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, {"skip": 100})
        return list(cursor.fetchall())


def test_the_right_account_is_among_the_first_three(office) -> None:
    asked = found = 0
    misses = []
    for number, name, phone, city, street, house, flat, serial in _sample():
        family = name.split()[0]
        for query in (
            number,
            serial,
            phone,
            f"{name} {street} {house}",
            f"{street} {house} {flat}",
            f"{family} {street} {house} {flat}",
            f"{city} {street[:-2]} {house} {flat} {family}".replace(street[:-2], street),
            f"{house} {street} {family}".lower(),
        ):
            top = [hit.number for hit in find_accounts(text=query, scope=EVERYTHING)[:3]]
            asked += 1
            if number in top:
                found += 1
            else:
                misses.append((query, number, top))
    assert found / asked >= 0.95, f"{found} of {asked}: {misses[:10]}"


def test_a_word_may_be_unfinished(office) -> None:
    number, name, *_rest = _sample()[0]
    numbers = [hit.number for hit in find_accounts(text=number[:-1], scope=EVERYTHING)]
    assert number in numbers
    names = {hit.customer for hit in find_accounts(text=name.split()[0][:4], scope=EVERYTHING)}
    assert names


def test_nothing_outside_the_scope_is_found(office) -> None:
    user = User.objects.get(username=office.people["supervisor_central"])
    scope = scope_of(user=user, on_date=office_day(), permission=Permission.SEE_ACCOUNTS)
    assert find_accounts(text=office.northern, scope=scope) == []
    assert [hit.number for hit in find_accounts(text=office.central, scope=scope)] == [office.central]
    reached = set(
        Account.objects.filter(organisation_id__in=scope.organisation_ids or []).values_list(
            "number", flat=True
        )
    )
    for text in ("а", "ул", "ив", "1"):
        assert {hit.number for hit in find_accounts(text=text, scope=scope)} <= reached


def office_day():
    from mains.web.office.clock import today

    return today()


def test_nobody_finds_nothing(office) -> None:
    nobody = Scope(organisation_ids=frozenset(), permissions=frozenset())
    assert find_accounts(text=office.central, scope=nobody) == []


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "'; DROP TABLE x; --", "\\", "🙂", "a" * 5000])
def test_odd_texts_are_harmless(office, text) -> None:
    assert find_accounts(text=text, scope=EVERYTHING) == []


def test_a_changed_name_is_found_at_once(own_office) -> None:
    account = Account.objects.get(number=own_office.central)
    Customer.objects.filter(pk=account.customer_id).update(name="Żółć Ångström")
    assert find_accounts(text="zolc angstrom", scope=EVERYTHING) == []
    assert refresh_accounts(account_ids=[account.pk]) > 3
    assert [hit.number for hit in find_accounts(text="zolc angstrom", scope=EVERYTHING)] == [
        own_office.central
    ]


def test_a_rebuild_gives_the_same_index(own_office) -> None:
    def tokens() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT account_id, token, kind, organisation_id FROM reporting_searchtoken ORDER BY 1, 2"
            )
            return list(cursor.fetchall())

    before = tokens()
    assert rebuild_search_index() == len(before)
    assert tokens() == before
