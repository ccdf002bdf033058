"""Losses in the office: levels that sum, the same rows in every form, nothing of another district."""

import csv
import io
from datetime import date

from django.db import connection

from mains.balance.models import NodeMonth, ShareMonth
from mains.balance.queries.losses import LossRow, list_losses
from mains.metering.models import Reading
from mains.network.models import Node, ServicePoint
from mains.staff.models import User
from mains.staff.queries.rights import scope_of
from mains.staff.values import EVERYTHING, Permission
from web.office.conftest import TODAY

MAY = date(2021, 5, 1)


def below(row: LossRow) -> list[LossRow]:
    return list_losses(scope=EVERYTHING, month=MAY, node_id=row.node_id)


def test_each_level_sums_to_the_one_above(office) -> None:
    """A node's loss is its own and its children's; what it counts is its children's use and its own loss and use."""
    rows, seen = list_losses(scope=EVERYTHING, month=MAY), 0
    total = sum(
        NodeMonth.objects.filter(month=MAY, node_id=node).order_by("-revision").first().remainder_micro
        for node in NodeMonth.objects.filter(month=MAY).values_list("node_id", flat=True).distinct()
    )
    assert sum(row.lost_micro for row in rows) == total
    while rows:
        row = rows.pop()
        children = below(row)
        seen += 1
        assert row.lost_micro == row.own_lost_micro + sum(child.lost_micro for child in children)
        assert row.meters == row.is_measured + sum(child.meters for child in children)
        if not row.is_measured:
            assert row.in_micro == sum(child.in_micro for child in children)
        rows += children
    assert seen > 20


def test_page_csv_and_query_have_the_same_rows(office) -> None:
    client = office.sign_in("accountant")
    source = list_losses(scope=EVERYTHING, month=MAY)[0]
    rows = below(source)
    page = client.get(f"/losses/?month=2021-05&node={source.node_id}").content.decode()
    text = client.get(f"/losses.csv?month=2021-05&node={source.node_id}").content.decode("utf-8-sig")
    header, *lines = list(csv.reader(io.StringIO(text)))
    lost = header.index("Lost")
    assert [line[0] for line in lines] == [row.code for row in rows]
    assert [line[lost] for line in lines] == [f"{row.lost_micro / 10**6:f}" for row in rows]
    assert all(row.name.replace("«", "") in page.replace("«", "") for row in rows)
    book = client.get(f"/losses.xlsx?month=2021-05&node={source.node_id}")
    assert book.content[:2] == b"PK"


def test_a_node_shows_its_month_and_its_rule(office) -> None:
    house = NodeMonth.objects.filter(month=MAY, allocated_micro__gt=0).first()
    page = office.sign_in("accountant").get(f"/losses/?month=2021-05&node={house.node_id}").content.decode()
    assert "By floor area" in page
    assert "balance-by-day" in page


def test_a_month_without_balances_says_so(office) -> None:
    page = office.sign_in("accountant").get("/losses/?month=2019-01").content.decode()
    assert "No balances in this month" in page


def nodes_of(number: str) -> list[int]:
    """The nodes above an account's service point, from below, without the source."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up (id, step) AS (
                SELECT sp.node_id, 0 FROM customers_account a
                JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL
                JOIN network_servicepoint sp ON sp.id = g.service_point_id WHERE a.number = %s
                UNION
                SELECT p.parent_id, step + 1 FROM network_nodeplacement p JOIN up ON p.node_id = up.id
                WHERE p.parent_id IS NOT NULL AND p.superseded_at IS NULL
            )
            SELECT id FROM up ORDER BY step
            """,
            [number],
        )
        return [row[0] for row in cursor.fetchall()]


def test_another_district_is_not_seen(office) -> None:
    client = office.sign_in("supervisor_central")
    foreign, own = nodes_of(office.northern), nodes_of(office.central)
    for node in foreign:
        assert client.get(f"/losses/?month=2021-05&node={node}").status_code == 404
        assert client.get(f"/losses.csv?month=2021-05&node={node}").status_code == 404
    assert client.get(f"/losses/?month=2021-05&node={own[-1]}").status_code == 200
    person = User.objects.get(username=office.people["supervisor_central"])
    scope = scope_of(user=person, on_date=TODAY, permission=Permission.SEE_REPORTS)
    shown = {row.node_id for row in list_losses(scope=scope, month=MAY)}
    assert shown
    assert not shown & set(foreign)
    assert Node.objects.get(pk=foreign[-1]).name not in client.get("/losses/?month=2021-05").content.decode()


def test_the_book_shows_the_share_with_the_way_to_the_node(office) -> None:
    share = ShareMonth.objects.filter(month=MAY, total_micro__gt=0).order_by("service_point_id").first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.number FROM customers_agreement g JOIN customers_account a ON a.id = g.account_id"
            " WHERE g.service_point_id = %s AND g.superseded_at IS NULL",
            [share.service_point_id],
        )
        (number,) = cursor.fetchone()
    client = office.sign_in("administrator")
    page = client.get(f"/accounts/{number}/consumption/").content.decode()
    assert "Common-house consumption" in page
    assert f"node={share.node_id}" in page


def test_a_house_meters_reading_opens_from_the_explanation(office) -> None:
    point = ServicePoint.objects.filter(measures_node=True).order_by("pk").first()
    reading = Reading.objects.filter(register__meter__installations__service_point=point).first()
    client = office.sign_in("administrator")
    answer = client.get(f"/readings/{reading.pk}/")
    assert answer.status_code == 302
    page = client.get(answer["Location"].split("#")[0])
    assert page.status_code == 200
    assert f'id="reading-{reading.pk}"' in page.content.decode()
    own = set(nodes_of(office.central))
    outside = ServicePoint.objects.filter(measures_node=True).exclude(node_id__in=own)
    central = office.sign_in("supervisor_central")
    found = {
        central.get(
            f"/readings/{Reading.objects.filter(register__meter__installations__service_point=each).first().pk}/",
            follow=True,
        ).status_code
        for each in outside
    }
    assert 404 in found, "house meters of the north are not seen from the centre"
