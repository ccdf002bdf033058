"""Short verbs of a story about direct debits: Lumen collects, banks answer with camt.053."""

import re
from datetime import date, datetime, timedelta

from debt_cast import people
from mains.directdebit.actions.collections import decide_collection, propose_collection
from mains.directdebit.actions.mandates import record_mandate, state_creditor
from mains.directdebit.models import Collection, CollectionItem, Mandate
from mains.directdebit.queries.collections import CollectionRecord, find_collection
from mains.integrations.bank_files.intake import take_bank_file
from mains.integrations.payment_orders.collections import order_collection
from mains.payments.actions.bank_acceptance import AcceptedBankFile, accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.models import BankFile
from mains.staff.models import Proposal
from mains.staff.values import EVERYTHING
from money_cast import NOW, Cast

IBAN = "DE02120300000000202051"
CREDITOR_ID = "DE98ZZZ09999999999"
IBANS = {
    "anna": "NL91ABNA0417164300",
    "boris": "DE02100500000054540402",
    "chen": "FR7630006000011234567890189",
    "dilek": "DE02300209000106531065",
}
SIGNED = date(2021, 1, 4)
COLLECT_ON = date(2021, 6, 21)
LATER = timedelta(hours=1)
BANK_TIME = NOW + timedelta(days=60)
"""When the banks' files come: after all they tell of."""


def build_collector() -> None:
    """Lumen has a bank account and a creditor identifier since 2015."""
    add_bank_account(number=IBAN, title="Hausbank", currency="EUR")
    state_creditor(
        name="Lumen", creditor_id=CREDITOR_ID, iban=IBAN, valid_from=date(2015, 1, 1), actor=None, now=NOW
    )


def sign(cast: Cast, name: str, **told: object) -> Mandate:
    usual: dict[str, object] = {
        "identifier": f"M-{name}",
        "signed_on": SIGNED,
        "debtor_name": name.title(),
        "iban": IBANS.get(name, IBANS["anna"]),
    }
    return record_mandate(account_id=cast.accounts[name], actor=None, now=NOW, **(usual | told))


def propose(collect_on: date = COLLECT_ON, *, now: datetime = NOW) -> Collection:
    return propose_collection(collect_on=collect_on, reason="June", now=now, actor_id=people()[0])


def approve(collection: Collection, *, now: datetime = NOW) -> Collection:
    proposal = Proposal.objects.get(kind="collection", subject_id=collection.pk)
    decide_collection(proposal_id=proposal.pk, agrees=True, now=now, actor_id=people()[1])
    return collection


def order(collect_on: date = COLLECT_ON, *, now: datetime = NOW) -> tuple[Collection, bytes]:
    """Propose, approve and write the file."""
    collection = approve(propose(collect_on, now=now), now=now)
    return collection, order_collection(collection_id=collection.pk, now=now, actor_id=None)[1]


def look_at(collection: Collection) -> CollectionRecord:
    found = find_collection(collection_id=collection.pk, scope=EVERYTHING)
    assert found is not None
    return found


def item_of(cast: Cast, collection: Collection, name: str) -> CollectionItem:
    return CollectionItem.objects.get(collection=collection, account_id=cast.accounts[name])


def euros(minor: int) -> str:
    return f"{abs(minor) // 100}.{abs(minor) % 100:02d}"


def entry(minor: int, day: date, details: str, *, reference: str = "") -> str:
    """An entry of a statement with what it says of its transactions."""
    named = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{euros(minor)}</Amt><CdtDbtInd>{"CRDT" if minor > 0 else "DBIT"}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>{named}<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def batch_sum(batch: str, minor: int, day: date, *, reference: str = "") -> str:
    """A batch of collections booked as one sum, without its transactions."""
    return entry(minor, day, f"<Btch><PmtInfId>{batch}</PmtInfId></Btch>", reference=reference)


def collected(item: CollectionItem, day: date, *, reference: str = "") -> str:
    """One collection with its own number."""
    details = f"<TxDtls><Refs><EndToEndId>{item.end_to_end_id}</EndToEndId></Refs></TxDtls>"
    return entry(item.amount_minor, day, details, reference=reference)


def returned(item: CollectionItem, day: date, *, code: str = "AM04", charge_minor: int = 0) -> str:
    charge = f'<Chrgs><Rcrd><Amt Ccy="EUR">{euros(charge_minor)}</Amt></Rcrd></Chrgs>' if charge_minor else ""
    details = (
        f"<TxDtls><Refs><EndToEndId>{item.end_to_end_id}</EndToEndId></Refs>{charge}"
        f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf></TxDtls>"
    )
    return entry(-item.amount_minor - charge_minor, day, details, reference=f"R-{item.end_to_end_id}")


def statement(*entries: str, number: str = "1", advice: bool = False, opening_minor: int = 0) -> bytes:
    """A file of one statement with its balances, or of one advice without."""
    outer, inner = ("BkToCstmrDbtCdtNtfctn", "Ntfctn") if advice else ("BkToCstmrStmt", "Stmt")
    said = [
        re.findall(r"^<Ntry><Amt Ccy=\"EUR\">([0-9.]+)</Amt><CdtDbtInd>(....)|<Dt>([0-9-]+)<", one)
        for one in entries
    ]
    moved = sum((1 if one[0][1] == "CRDT" else -1) * int(one[0][0].replace(".", "")) for one in said)
    days = sorted(one[1][2] for one in said)
    balances = (
        ""
        if advice
        else _balance("OPBD", opening_minor, days[0]) + _balance("CLBD", opening_minor + moved, days[-1])
    )
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><{outer}><{inner}><Id>S-{number}</Id>'
        f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{''.join(entries)}"
        f"</{inner}></{outer}></Document>"
    ).encode()


def _balance(code: str, minor: int, day: str) -> str:
    sign = "CRDT" if minor >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{euros(minor)}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def stage(content: bytes, *, now: datetime = BANK_TIME) -> BankFile:
    found = BankFile.objects.get(pk=take_bank_file(content=content, file_name="bank.xml", now=now))
    assert found.status == "staged", found.faults
    return found


def take(content: bytes, *, now: datetime = BANK_TIME) -> AcceptedBankFile:
    return accept_bank_file(file_id=stage(content, now=now).pk, now=now)
