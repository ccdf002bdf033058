"""A demo utility of two districts, billed and paid, in a database of its own, and the people who work there."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker
from rich.console import Console

from mains.base.db import adbc_connect
from mains.base.progress import ProgressReport
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.billing.values import bill_number
from mains.packs.definition import read_pack
from mains.packs.loading import load_pack
from mains.packs.payment_register import write_payment_register
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.reporting.actions.ageing import rebuild_ageing
from mains.reporting.actions.search import rebuild_search_index
from mains.staff.models import Assignment, User
from mains.staff.values import EVERYTHING
from mains.tariffs.actions.drafts import begin_draft
from mains.tariffs.queries.records import find_tariff
from template_databases import connected, connected_copy, copy_of, drop, filled

TODAY = date(2021, 6, 7)
PASSWORD = "meter-17-blue"
RUNS = ((date(2021, 3, 1), 4), (date(2021, 4, 1), 5), (date(2021, 5, 1), 6))


@dataclass(frozen=True)
class Office:
    """Who and what the tests speak of. Two accounts of two districts, a bill of each, a corrected bill, and a draft."""

    people: dict[str, str]
    draft_id: int
    one_rate: str
    central: str
    northern: str
    central_bill: str
    northern_bill: str
    corrected_bill: str
    corrected_account: str

    def sign_in(self, role: str) -> Client:
        """A client in which the person of that role is signed in."""
        client = Client(HTTP_HOST="localhost")
        client.force_login(User.objects.get(username=self.people[role]))
        return client


def _fill(folder: Path) -> None:
    """Load the pack, bill three months, take the registers of the first two, keep the third staged."""
    pack = read_pack("ru_communal")
    load_pack(pack=pack, accounts=600, seed=7, progress=ProgressReport(console=Console(quiet=True)))
    for month, billed_in in RUNS:
        now = datetime(2021, billed_in, 5, tzinfo=UTC)
        post_run(run_id=plan_run(month=month, now=now).pk, now=now)
    mapping = load_mapping("bank_csv")
    for month, paid_in in RUNS:
        with adbc_connect() as bulk:
            written = write_payment_register(pack=pack, month=month, seed=7, folder=folder, connection=bulk)
        now = datetime(2021, min(paid_in + 1, 6), 6 if paid_in < 6 else 7, 12, tzinfo=UTC)
        staged = stage_register(
            content=written.path.read_bytes(), file_name=written.path.name, mapping=mapping, now=now
        )
        if month != RUNS[-1][0]:
            accept_register(register_id=staged.pk, now=now)
    _try_dearer_tariff()
    rebuild_ageing(on_date=TODAY, now=datetime(2021, 6, 7, 13, tzinfo=UTC))
    rebuild_search_index()


def dearer() -> str:
    """The one-rate tariff with every price ten units dearer."""
    found = find_tariff(code="ru-electricity-one-rate")
    assert found
    document, count = re.subn(r"price: (\d)", r"price: 1\1", found.document)
    assert count
    return document


def _try_dearer_tariff() -> None:
    now = datetime(2021, 6, 7, 12, 30, tzinfo=UTC)
    planned = plan_whatif(
        documents=[("dearer.yaml", dearer())],
        month_from=date(2021, 4, 1),
        month_to=date(2021, 5, 1),
        scope=EVERYTHING,
        now=now,
    )
    compute_whatif(whatif_id=planned.pk, now=now)


def _number(statement: str) -> tuple[str, str]:
    """Account number and bill number of the first bill that the condition finds; not of a managing company."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.number, b.month, b.id FROM billing_bill b JOIN customers_account a ON a.id = b.account_id"
            f" WHERE b.month = '2021-05-01' AND {statement} AND NOT EXISTS (SELECT FROM customers_agreement g"
            f" JOIN network_servicepoint s ON s.id = g.service_point_id WHERE g.account_id = a.id AND s.takes_rest)"
            f" ORDER BY b.id LIMIT 1"
        )
        number, month, bill_id = cursor.fetchall()[0]
    return number, bill_number(month, bill_id)


def _people() -> dict[str, str]:
    """Username by role; the supervisors are one of each district, `stranger` has no role at all."""
    found: dict[str, str] = {}
    for assignment in Assignment.objects.select_related("user", "role", "organisation").order_by("id"):
        name = assignment.role.code
        if assignment.role.code == "supervisor":
            name = {"PES-C": "supervisor_central", "PES-N": "supervisor_northern"}.get(
                assignment.organisation.code, "supervisor"
            )
        found.setdefault(name, assignment.user.username)
    User.objects.create_user("stranger", password=PASSWORD)
    for username in found.values():
        person = User.objects.get(username=username)
        person.set_password(PASSWORD)
        person.save()
    return found | {"stranger": "stranger"}


def _draft(author: str) -> int:
    """A draft of the one-rate tariff: a kopeck more in the first tier."""
    found = find_tariff(code="ru-electricity-one-rate")
    assert found
    draft = begin_draft(
        code=found.code,
        title="Kopeck",
        document=found.document.replace("3.04}, {upto: 800", "3.05}, {upto: 800"),
        actor=User.objects.get(username=author),
        now=datetime(2021, 6, 7, 8, tzinfo=UTC),
    )
    return draft.pk


_METERED = """EXISTS (
    SELECT FROM customers_agreement g JOIN metering_installation i ON i.service_point_id = g.service_point_id
    WHERE g.account_id = a.id AND g.superseded_at IS NULL AND i.superseded_at IS NULL AND upper(i.valid) IS NULL)"""


def _below(code: str) -> str:
    return f"""b.organisation_id IN (
        WITH RECURSIVE t (id) AS (SELECT id FROM staff_organisation WHERE code = '{code}'
            UNION SELECT p.organisation_id FROM staff_organisationplacement p JOIN t ON p.parent_id = t.id)
        SELECT id FROM t)"""


def _office() -> Office:
    central, central_bill = _number(f"{_below('PES-C')} AND {_METERED}")
    northern, northern_bill = _number(f"{_below('PES-N')} AND {_METERED}")
    corrected_account, corrected_bill = _number("b.correction_minor <> 0")
    people = _people()
    return Office(
        people=people,
        draft_id=_draft(people["tariff_specialist"]),
        one_rate="ru-electricity-one-rate",
        central=central,
        northern=northern,
        central_bill=central_bill,
        northern_bill=northern_bill,
        corrected_bill=corrected_bill,
        corrected_account=corrected_account,
    )


def _build() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
    return asdict(_office())


@pytest.fixture(scope="session")
def demo_office(django_db_blocker: DjangoDbBlocker) -> tuple[str, Office]:
    """Name of the template database with the demo utility, and its cast."""
    with django_db_blocker.unblock():
        name, told = filled("office", _build)
    assert isinstance(told, dict)
    return name, Office(**told)


@pytest.fixture(scope="session")
def read_office(demo_office: tuple[str, Office]) -> Iterator[str]:
    """Name of this worker's copy of the demo utility."""
    name = copy_of(demo_office[0])
    yield name
    drop(name)


@pytest.fixture
def office(
    demo_office: tuple[str, Office],
    read_office: str,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """The demo utility on 7 June 2021, to look at; tests that write take `own_office`."""
    monkeypatch.setenv("MAINS_TODAY", TODAY.isoformat())
    with django_db_blocker.unblock(), connected(read_office):
        yield demo_office[1]


@pytest.fixture
def own_office(
    demo_office: tuple[str, Office], django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """A copy of the demo utility for one test that writes."""
    monkeypatch.setenv("MAINS_TODAY", TODAY.isoformat())
    with django_db_blocker.unblock(), connected_copy(demo_office[0]):
        yield demo_office[1]


@pytest.fixture
def live_server(office: Office) -> Iterator[LiveServer]:
    """The office over HTTP on the demo utility, without emptying any database afterwards."""
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def signed_in(office: Office, open_page: Callable[..., object]) -> Callable[..., object]:
    """`signed_in("supervisor", "/accounts/", width=360)`: the page as that person sees it, in a browser."""

    def enter(role: str, path: str = "/", **window: object) -> object:
        page = open_page(f"/sign-in/?next={path}", **window)
        page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
        page.get_by_label("Username").fill(office.people[role])
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.locator("form button.btn-primary").click()
        page.wait_for_url(f"**{path}")
        return page

    return enter
