"""The utility's chart of accounts: which number and name stand for a control account."""

from collections.abc import Mapping
from dataclasses import dataclass

from mains.ledger.models import ChartAccount
from mains.ledger.values import CODE_OF_CONTROL, TYPE_OF_CONTROL, AccountType, Control


@dataclass(frozen=True, kw_only=True)
class ChartRow:
    """An account of the chart. `service` is empty where it stands for all of them; `is_own`: the utility stated it."""

    control: Control
    service: str
    code: str
    name: str
    is_own: bool

    @property
    def type(self) -> AccountType:
        return TYPE_OF_CONTROL[self.control]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Accounts by control and service; every control account has one for all services."""

    rows: Mapping[tuple[Control, str], ChartRow]

    def find(self, control: Control, service: str) -> ChartRow:
        """The account of a service, else that of all services."""
        return self.rows.get((control, service)) or self.rows[control, ""]


def read_chart() -> Chart:
    """What the utility stated, and the delivered numbers for the rest; in the order of the numbers."""
    rows = {
        (control, ""): ChartRow(control=control, service="", code=code, name=str(control.label), is_own=False)
        for control, code in CODE_OF_CONTROL.items()
    }
    for one in ChartAccount.objects.all():
        control = Control(one.control)
        rows[control, one.service] = ChartRow(
            control=control, service=one.service, code=one.code, name=one.name, is_own=True
        )
    return Chart(rows=dict(sorted(rows.items(), key=lambda item: (item[1].code, item[0]))))
