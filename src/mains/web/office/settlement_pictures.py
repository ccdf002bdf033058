"""Who owes whom, as a picture: from customers over payees to those whose money it is in the end."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.settlement.queries.flows import Flow, PayeeFigures
from mains.web.office.parts import FlowLink, FlowPicture


def flow_picture(*, flows: Sequence[Flow], payees: Sequence[PayeeFigures], currency: str) -> FlowPicture:
    """Bands of the span: customers pay for payees and the agent's fee; in a chain the company owes the others."""
    language = get_language() or "en"

    def money(minor: int) -> str:
        return formats.money_text(minor, currency=currency, language=language)

    def band(source: str, target: str, minor: int) -> FlowLink:
        return FlowLink(source, target, Decimal(minor).scaleb(-2), money(minor))

    customers, fee = _("Customers"), _("Agent's fee")
    links = [band(customers, row.name, row.due_minor) for row in payees]
    links.append(band(customers, fee, sum(row.fee_minor for row in payees)))
    # A supplier that is also paid directly would close a circle under one name.
    links += [
        band(flow.payee, _("%(party)s, owed on") % {"party": flow.party}, flow.due_minor)
        for flow in flows
        if flow.payee_id != flow.party_id
    ]
    waiting = sum(row.waiting_minor for row in payees)
    received = sum(row.collected_minor - row.taken_back_minor for row in payees)
    return FlowPicture(
        key="settlement-flows",
        title=_("Who owes whom"),
        finding=_("%(received)s received for others in these days; %(waiting)s wait to be passed on")
        % {"received": money(received), "waiting": money(waiting)},
        links=[link for link in links if link.value],
        amount_label=_("Amount"),
        category_label=_("From whom to whom"),
    )
