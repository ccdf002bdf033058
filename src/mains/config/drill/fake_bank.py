"""A bank for the simulation: it keeps an account, and writes its statements late, twice, or cut short."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

IBAN = "DE02120300000000202051"


@dataclass(frozen=True, kw_only=True)
class Movement:
    """What the bank booked: money in is positive. `details` are the parts that its advice names."""

    reference: str
    minor: int
    text: str = ""
    end_to_end_id: str = ""
    batch: str = ""
    code: str = ""
    charge_minor: int = 0


class FakeBank:
    """The utility's account there. Its balance is the truth that the books must come to."""

    def __init__(self, *, currency: str) -> None:
        self.currency = currency
        self.balance_minor = 0
        self._number = 0
        self._waiting: list[Movement] = []

    def move(self, movement: Movement) -> None:
        """Book something today."""
        self._number += 1
        self._waiting.append(movement)

    def close_day(self, day: date) -> tuple[bytes, bytes]:
        """The day's statement, and an advice of the same entries without balances."""
        entries = [self._entry(one, day) for one in self._waiting]
        opening = self.balance_minor
        self.balance_minor += sum(one.minor for one in self._waiting)
        self._waiting = []
        balances = self._balance("OPBD", opening, day) + self._balance("CLBD", self.balance_minor, day)
        return (
            self._message("BkToCstmrStmt", "Stmt", f"S-{day}", balances, entries),
            self._message("BkToCstmrDbtCdtNtfctn", "Ntfctn", f"N-{day}", "", entries),
        )

    def _message(self, outer: str, inner: str, number: str, balances: str, entries: Sequence[str]) -> bytes:
        return (
            f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><{outer}><{inner}><Id>{number}</Id>'
            f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>{self.currency}</Ccy></Acct>{balances}"
            f"{''.join(entries)}</{inner}></{outer}></Document>"
        ).encode()

    def _balance(self, code: str, minor: int, day: date) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{self._amount(minor)}{_sign(minor)}"
            f"<Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    def _entry(self, one: Movement, day: date) -> str:
        batch = f"<Btch><PmtInfId>{one.batch}</PmtInfId></Btch>" if one.batch else ""
        named = f"<Refs><EndToEndId>{one.end_to_end_id}</EndToEndId></Refs>" if one.end_to_end_id else ""
        charge = f"<Chrgs><Rcrd>{self._amount(one.charge_minor)}</Rcrd></Chrgs>" if one.charge_minor else ""
        text = f"<RmtInf><Ustrd>{one.text}</Ustrd></RmtInf>" if one.text else ""
        reason = f"<RtrInf><Rsn><Cd>{one.code}</Cd></Rsn></RtrInf>" if one.code else ""
        details = f"<TxDtls>{named}{charge}{text}{reason}</TxDtls>" if named or text else ""
        return (
            f"<Ntry>{self._amount(one.minor)}{_sign(one.minor)}<Sts><Cd>BOOK</Cd></Sts>"
            f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{one.reference}</AcctSvcrRef>"
            f"<NtryDtls>{batch}{details}</NtryDtls></Ntry>"
        )

    def _amount(self, minor: int) -> str:
        whole, cents = divmod(abs(minor), 100)
        return f'<Amt Ccy="{self.currency}">{whole}.{cents:02d}</Amt>'


def _sign(minor: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if minor >= 0 else 'DBIT'}</CdtDbtInd>"
