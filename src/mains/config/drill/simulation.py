"""Weeks of a utility's money by chance: transfers, registers, direct debits and returns, by a bank that misbehaves.

The clock is fake, the bank is fake, and the same seed gives the same books. A plain tally keeps what each account must
have paid; it shares nothing with the ledger.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from mains.base.target_days import is_target_day
from mains.config.chance import Repeatable
from mains.config.drill.counts import DrillCounts, book_losses, books_digest
from mains.config.drill.fake_bank import IBAN, FakeBank, Movement
from mains.config.drill.paying import MAPPING, register_of
from mains.customers.queries.records import find_account
from mains.directdebit.actions.collections import UnableToCollect, decide_collection, propose_collection
from mains.directdebit.actions.mandates import record_mandate, state_creditor
from mains.directdebit.queries.collections import find_collection, list_items
from mains.integrations.bank_files.intake import take_bank_file
from mains.integrations.payment_orders.collections import order_collection
from mains.kernel.errors import MainsError
from mains.ledger.actions.periods import close_through
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Book, Control, EntryKind, TransactionKind
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.payments.queries.bank_balance import list_bank_balances
from mains.payments.queries.bank_files import find_bank_file
from mains.payments.queries.supply import supply_of_accounts
from mains.staff.models import User
from mains.staff.values import EVERYTHING

_FIRST = date(2022, 2, 1)
_CODES = ("AM04", "MS03", "AC04")


class Simulation:
    """The state of one simulated utility; `day()` lives one day."""

    def __init__(self, *, numbers: list[str], seed: int, currency: str) -> None:
        self.chance = Repeatable(seed)
        self.numbers = numbers
        self.bank = FakeBank(currency=currency)
        self.today = _FIRST
        self.paid: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.late: list[tuple[bytes, bytes]] = []
        self.due_at_bank: list[tuple[date, Movement, dict[str, int]]] = []
        self.people = list(User.objects.order_by("pk").values_list("pk", flat=True)[:2])
        add_bank_account(number=IBAN, title="Fake bank", currency=currency)
        state_creditor(
            name="Drill", creditor_id="DE98ZZZ09999999999", iban=IBAN, notice_days=1, valid_from=date(2021, 1, 1),
            actor=None, now=self.now,
        )  # fmt: skip
        self.mandates = numbers[:: max(1, len(numbers) // 12)]
        for number in self.mandates:
            self._sign(number)

    @property
    def now(self) -> datetime:
        """The fake clock: the evening of the simulated day."""
        return datetime.combine(self.today, time(20), tzinfo=UTC)

    def day(self) -> None:
        """People pay, perhaps a register comes, what is due is collected, the bank writes, and old days are closed."""
        for _ in range(self.chance.randint(1, 6)):
            self._transfer()
        for _ in range(3):
            self._bill(self.chance.choice(self.mandates))
        if self.chance.random() < 0.4:
            self._register()
        if self.chance.random() < 0.7:
            self._collect()
        for arrives_on, movement, paid in list(self.due_at_bank):
            if arrives_on <= self.today:
                self.due_at_bank.remove((arrives_on, movement, paid))
                self.bank.move(movement)
                self.paid.update(paid)
        self._bank_writes()
        if self.chance.random() < 0.2:
            close_through(book=Book.MONEY, day=self.today - timedelta(days=7), now=self.now)
            self.counts["days closed"] += 1
        self.today += timedelta(days=1)

    def settle(self) -> None:
        """The files that were late come, and what is under way at the bank arrives."""
        while self.due_at_bank or self.late:
            for _, movement, paid in self.due_at_bank:
                self.bank.move(movement)
                self.paid.update(paid)
            self.due_at_bank = []
            late, self.late = self.late, []
            for files in [*late, self.bank.close_day(self.today)]:
                self._take(files[0])
            self.today += timedelta(days=1)

    def _bill(self, number: str) -> None:
        """Somebody with a mandate owes something more, due at once."""
        self.counts["bills"] += 1
        account = find_account(number=number, scope=EVERYTHING, on_date=self.today)
        assert account is not None  # it is one of the utility's
        supply = supply_of_accounts(account_ids=[account.id], on_date=self.today)
        entry = supply.select(
            "account_id", "organisation_id", "provider_id", "service",
            kind=pl.lit(EntryKind.BILL.value),
            amount_minor=pl.lit(self.chance.randint(100, 90_000), pl.Int64),
            correction_minor=pl.lit(0, pl.Int64),
            due_date=pl.lit(self.today),
            document_id=pl.lit(1, pl.Int64),
        )  # fmt: skip
        revenue = entry.with_columns(-pl.col("amount_minor"), control=pl.lit(Control.REVENUE.value))
        post_transaction(
            kind=TransactionKind.BILL_RUN,
            source_id=10**9 + self.counts["bills"],
            business_date=self.today,
            entries=entry.select(*ENTRY_SCHEMA),
            counterparts=revenue.select(*POSTING_SCHEMA),
            now=self.now,
        )

    def _transfer(self) -> None:
        """Somebody pays, mostly with the account number, sometimes without anything that tells whose it is."""
        self.counts["transfers"] += 1
        number, minor = self.chance.choice(self.numbers), self.chance.randint(1, 90_000)
        is_known = self.chance.random() < 0.85
        text = f"Konto {number}" if is_known else self.chance.choice(("Miete", "danke", "Strom"))
        self.bank.move(Movement(reference=f"T-{self.counts['transfers']}", minor=minor, text=text))
        if is_known:
            self.paid[number] += minor

    def _register(self) -> None:
        """An agent sends a file of payments; some send it twice."""
        self.counts["registers"] += 1
        payments = [
            (
                self.chance.choice(self.numbers),
                self.today,
                self.chance.randint(1, 90_000),
                f"A-{self.today}-{place}",
            )
            for place in range(self.chance.randint(1, 8))
        ]
        for _ in range(self.chance.randint(1, 2)):
            try:
                staged = stage_register(
                    content=register_of(payments), file_name=f"{self.today}.csv", mapping=load_mapping(MAPPING),
                    now=self.now,
                )  # fmt: skip
                accept_register(register_id=staged.pk, now=self.now)
            except MainsError:
                self.counts["repetitions refused"] += 1
                continue
            for number, _day, minor, _reference in payments:
                self.paid[number] += minor

    def _collect(self) -> None:
        """Propose, approve and order; the bank collects on the day, and returns some of it days later."""
        day = self.today + timedelta(days=self.chance.randint(1, 3))
        if not is_target_day(day):
            return
        try:
            proposed = propose_collection(
                collect_on=day, reason="Drill", now=self.now, actor_id=self.people[0]
            )
        except UnableToCollect:
            self.counts["nothing to collect"] += 1
            return
        found = find_collection(collection_id=proposed.pk, scope=EVERYTHING)
        assert found is not None  # it was proposed above
        assert found.proposal_id is not None
        decide_collection(proposal_id=found.proposal_id, agrees=True, now=self.now, actor_id=self.people[1])
        order_collection(collection_id=proposed.pk, now=self.now, actor_id=self.people[1])
        self.counts["collections"] += 1
        batches: Counter[str] = Counter()
        paid: dict[str, Counter[str]] = {}
        for item in list_items(collection_id=proposed.pk):
            batches[item.batch] += item.amount_minor
            paid.setdefault(item.batch, Counter())[item.account_number] += item.amount_minor
            self.counts["direct debits"] += 1
            if self.chance.random() < 0.2:
                self._return(item.end_to_end_id, item.account_number, item.amount_minor, day)
        for batch, minor in batches.items():
            self.due_at_bank.append(
                (day, Movement(reference=batch, minor=minor, batch=batch), dict(paid[batch]))
            )

    def _return(self, end_to_end_id: str, number: str, minor: int, day: date) -> None:
        self.counts["returns"] += 1
        charge = self.chance.choice((0, 0, 350))
        movement = Movement(
            reference=f"R-{end_to_end_id}", minor=-minor - charge, end_to_end_id=end_to_end_id,
            code=self.chance.choice(_CODES), charge_minor=charge,
        )  # fmt: skip
        self.due_at_bank.append((day + timedelta(days=self.chance.randint(1, 4)), movement, {number: -minor}))

    def _bank_writes(self) -> None:
        """The statement comes, or comes late in any order; the advice too, before or after; some come cut short."""
        statement, advice = self.bank.close_day(self.today)
        if self.chance.random() < 0.2:
            self._take(statement[: len(statement) * 2 // 3], is_cut=True)
        if self.chance.random() < 0.3:
            self.late.append((statement, advice))
            return
        files = [statement, advice] if self.chance.random() < 0.4 else [statement]
        files += [statement] if self.chance.random() < 0.3 else []
        if len(files) > 1 and self.chance.random() < 0.5:
            files.reverse()
        for content in files:
            self._take(content)
        if self.late and self.chance.random() < 0.5:
            self._take(self.late.pop(self.chance.randrange(len(self.late)))[0])

    def _take(self, content: bytes, *, is_cut: bool = False) -> None:
        try:
            file_id = take_bank_file(content=content, file_name="bank.xml", now=self.now)
            staged = find_bank_file(file_id=file_id, scope=EVERYTHING)
            if staged is None or staged.faults:
                self.counts["faulty files refused"] += is_cut
                self.counts["sound files refused"] += not is_cut
                return
            accept_bank_file(file_id=file_id, now=self.now)
            self.counts["bank files"] += 1
        except MainsError:
            self.counts["repetitions refused"] += 1

    def _sign(self, number: str) -> None:
        account = find_account(number=number, scope=EVERYTHING, on_date=self.today)
        assert account is not None  # it is one of the utility's
        record_mandate(
            account_id=account.id, identifier=f"M-{number}", signed_on=self.today, debtor_name="Payer",
            iban=_iban(self.chance), actor=None, now=self.now,
        )  # fmt: skip


def simulate(*, numbers: list[str], days: int, seed: int, currency: str) -> DrillCounts:
    """Live some days, then ask every night's checks, and compare each account and the bank with the tally."""
    world = Simulation(numbers=numbers, seed=seed, currency=currency)
    before = _paid()
    nightly = 0
    for _ in range(days):
        world.day()
        nightly += sum(book_losses().values())
    world.settle()
    paid = _paid()
    (bank,) = list_bank_balances(scope=EVERYTHING, on_date=world.today + timedelta(days=30))
    return DrillCounts(
        name="simulate",
        seed=seed,
        counts={"days": days, **dict(sorted(world.counts.items())), "books": books_digest()},
        losses={
            "breaches on a night": nightly,
            "accounts that differ": sum(
                paid.get(number, 0) - before.get(number, 0) != world.paid[number] for number in numbers
            ),
            "bank differs from the bank's own books": abs((bank.bank_minor or 0) - world.bank.balance_minor),
            "ledger and bank, unexplained": abs(bank.unexplained_minor or 0),
            "sound files refused": world.counts["sound files refused"],
            **book_losses(),
        },
    )


def _paid() -> dict[str, int]:
    """What each account has paid by the ledger, payments taken back left out."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.number, -sum(e.amount_minor) FROM ledger_entry e JOIN customers_account a ON a.id = e.account_id"
            " WHERE e.kind IN ('payment', 'reversal') GROUP BY a.number"
        )
        return {number: int(minor) for number, minor in cursor.fetchall()}


def _iban(chance: Repeatable) -> str:
    """A German account with check digits that fit (ISO 13616)."""
    bank_and_account = f"12030000{chance.randrange(10**10):010d}"
    return f"DE{98 - int(bank_and_account + '131400') % 97:02d}{bank_and_account}"
