"""The named cast of the money tests: Lumen, a small utility, and five of its customers.

Lumen has two branches. North has the teams Alder and Birch; South has accounts of its own and no teams. Anna
and Boris belong to Alder, Chen (electricity and water) to Birch, Dilek and Emre to South. Emre has no
agreement.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import polars as pl
from psycopg.types.range import DateRange

from mains.customers.models import Account, Agreement, Customer, Party
from mains.ledger.actions.posting import ENTRY_SCHEMA, PostedTransaction, post_transaction
from mains.ledger.values import TransactionKind
from mains.network.models import Building, Node, Premise, ServicePoint
from mains.payments.actions.acceptance import AcceptedRegister, accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.payments.models import PaymentRegister
from mains.staff.models import Organisation, OrganisationPlacement

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
OPENED = date(2020, 1, 1)
CLEAN = {"account": "", "paid_on": "", "amount": "", "reference": "", "payer": ""}


@dataclass
class Cast:
    """Ids by name, and the short verbs of a money story."""

    units: dict[str, int] = field(default_factory=dict)
    parties: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    runs: Iterator[int] = field(default_factory=lambda: count(1))

    def bill(
        self,
        name: str,
        amount_minor: int,
        *,
        on: date,
        due: date | None = None,
        service: str = "electricity",
        correction_minor: int = 0,
        now: datetime = NOW,
    ) -> int:
        """Post one bill against revenue; the id of its open item (negative bills are credits)."""
        provider_id = self.parties["water" if service == "cold_water" else "power"]
        entry = {
            "account_id": self.accounts[name],
            "organisation_id": self.places[name],
            "provider_id": provider_id,
            "service": service,
            "kind": "bill",
            "amount_minor": amount_minor,
            "correction_minor": correction_minor,
            "due_date": due or on,
            "document_id": 1,
        }
        return self.post([entry], on=on, now=now).entry_ids[0]

    def post(self, entries: list[dict[str, object]], *, on: date, now: datetime = NOW) -> PostedTransaction:
        frame = pl.DataFrame(entries, schema=ENTRY_SCHEMA)
        revenue = frame.select(
            pl.lit("revenue").alias("control"),
            "organisation_id",
            "provider_id",
            "service",
            -pl.col("amount_minor"),
        )
        return post_transaction(
            kind=TransactionKind.BILL_RUN,
            source_id=next(self.runs),
            business_date=on,
            entries=frame,
            counterparts=revenue,
            now=now,
        )

    def stage(
        self,
        content: bytes | str,
        *,
        name: str = "april.csv",
        mapping: str = "bank_csv",
        now: datetime = NOW,
    ) -> PaymentRegister:
        content = content.encode() if isinstance(content, str) else content
        return stage_register(content=content, file_name=name, mapping=load_mapping(mapping), now=now)

    def pay(self, *payments: tuple[str, str, str, str], now: datetime = NOW) -> AcceptedRegister:
        """Stage and accept a register of (account name or number, day, amount, reference)."""
        register = self.stage(
            register_text([(self.numbers.get(p[0], p[0]), *p[1:]) for p in payments]), now=now
        )
        assert register.status == "staged", register.faults
        return accept_register(register_id=register.pk, now=now)


def register_text(payments: list[tuple[str, str, str, str]], *, trailer: str | None = None) -> str:
    """A `bank_csv` register with a true control line, or the given one."""
    lines = ["account,paid_on,amount,reference,payer"]
    lines += [f"{account},{day},{amount},{reference}," for account, day, amount, reference in payments]
    total = sum(round(float(amount) * 100) for _, _, amount, _ in payments)
    lines.append(f"TOTAL,{len(payments)},{total // 100}.{total % 100:02d}" if trailer is None else trailer)
    return "\n".join(lines) + "\n"


def build_cast() -> Cast:
    """Write the cast through the ORM."""
    cast = Cast()
    _organisations(cast)
    for code, name in (("power", "Lumen Power"), ("water", "Spring Water")):
        cast.parties[code] = Party.objects.create(code=code, name=name, kind="supplier").pk
    node = Node.objects.create(service="electricity", kind="feeder", code="F-1", name="Feeder 1")
    building = Building.objects.create(
        city="Lumen", street="Main", house="1", latitude=44.9, longitude=34.1, node=node
    )
    homes = {"anna": "Alder", "boris": "Alder", "chen": "Birch", "dilek": "South", "emre": "South"}
    for position, (name, unit) in enumerate(homes.items(), start=1):
        number = f"03100000{position}7"
        customer = Customer.objects.create(kind="person", name=name.title())
        account = Account.objects.create(
            number=number,
            customer=customer,
            organisation_id=cast.units[unit],
            bucket=position,
            opened_on=OPENED,
        )
        cast.accounts[name], cast.numbers[name], cast.places[name] = account.pk, number, cast.units[unit]
        for service in {"emre": (), "chen": ("electricity", "cold_water")}.get(name, ("electricity",)):
            _agree(cast, account, building, node, service)
    return cast


def _organisations(cast: Cast) -> None:
    tree = [
        ("Lumen", "utility", None),
        ("North", "branch", "Lumen"),
        ("South", "branch", "Lumen"),
        ("Alder", "team", "North"),
        ("Birch", "team", "North"),
    ]
    for name, kind, parent in tree:
        unit = Organisation.objects.create(code=name.lower(), name=name, kind=kind)
        OrganisationPlacement.objects.create(
            organisation=unit,
            parent_id=cast.units.get(parent or ""),
            valid=DateRange(OPENED, None),
            recorded_at=NOW,
        )
        cast.units[name] = unit.pk


def _agree(cast: Cast, account: Account, building: Building, node: Node, service: str) -> None:
    from mains.tariffs.models import Tariff

    tariff, _ = Tariff.objects.get_or_create(
        code=service, defaults={"name": service, "service": service, "currency": "RUB"}
    )
    premise = Premise.objects.create(building=building, kind="flat", flat=str(account.pk))
    point = ServicePoint.objects.create(
        code=f"{account.number}-{service}",
        premise=premise,
        service=service,
        node=node,
        bucket=account.bucket,
        connected_on=OPENED,
    )
    Agreement.objects.create(
        account=account,
        service_point=point,
        tariff=tariff,
        provider_id=cast.parties["water" if service == "cold_water" else "power"],
        category="household",
        valid=DateRange(OPENED, None),
        recorded_at=NOW,
    )


def write(folder: Path, content: bytes | str, *, name: str = "april.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
