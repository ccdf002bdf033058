"""Cash desks of a demo utility: one in each service centre, with cash in its safe."""

from datetime import UTC, datetime, time

from mains.cashdesk.actions.desks import add_desk
from mains.cashdesk.actions.movements import fill_safe
from mains.cashdesk.queries.records import list_desks
from mains.packs.definition import Pack
from mains.staff.queries.organisations import list_units
from mains.staff.values import EVERYTHING, OrganisationKind

SAFE_MINOR = 5_000_000
VOID_LIMIT_MINOR = 500_000


def set_up_desks(*, pack: Pack) -> None:
    """A desk in each service centre, named after it; nothing where there are desks already."""
    if list_desks(scope=EVERYTHING):
        return
    today = pack.billing.today
    for unit in list_units(scope=EVERYTHING, on_date=today):
        if unit.kind != OrganisationKind.CENTRE:
            continue
        add_desk(
            code=f"{unit.code}-1",
            name=f"{unit.name}, 1",
            organisation_id=unit.id,
            void_limit_minor=VOID_LIMIT_MINOR,
        )
        fill_safe(
            organisation_id=unit.id,
            amount_minor=SAFE_MINOR,
            key=f"demo-safe-{unit.id}",
            now=datetime.combine(today, time(), tzinfo=UTC),
            reason="Demo",
            actor_id=None,
        )
