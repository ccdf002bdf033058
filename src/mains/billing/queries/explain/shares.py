"""What an item was given of the remainders of the nodes above it, down to the readings of the nodes' own meters."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mains.balance.queries.exact import NodeBalance
from mains.balance.values import Key
from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain.evidence import Item, load_meter_item
from mains.billing.queries.explain.usage import daily_use
from mains.billing.values import COMMON_USE, FED_IN
from mains.customers.queries.records import points_within
from mains.engine.balance import AllocationKey
from mains.engine.exact.explanation import Step
from mains.engine.facts import MICRO, Stretch
from mains.kernel.period import next_month
from mains.staff.values import Scope

DAY = timedelta(days=1)
_UNIT_OF_KEY = {AllocationKey.AREA: "m2", AllocationKey.RESIDENTS: "person", AllocationKey.EQUAL: ""}


def share_stretches(item: Item) -> tuple[Stretch, ...]:
    """The item's shares as the rating engine takes them: one stretch a day, of all nodes together."""
    month, balances = item.service_month, item.balances
    if not balances:
        return (Stretch(month, next_month(month), 0),)
    days = zip(*(balance.share_days(item.service_point_id) for balance in balances), strict=True)
    return tuple(
        Stretch(month + place * DAY, month + (place + 1) * DAY, sum(shares), COMMON_USE)
        for place, shares in enumerate(days)
    )


def share_origins(
    item: Item, *, from_date: date, to_date: date, reader: Scope | None = None
) -> tuple[Step, ...]:
    """A step for each node that gave the item a share in [from_date, to_date).

    Neighbours are named only for a `reader` of the utility, and only those within the reader's scope; in what a
    customer gets their use is one sum.
    """
    first, end = (from_date - item.service_month).days, (to_date - item.service_month).days
    return tuple(
        _given(balance, item, first, end, reader)
        for balance in item.balances
        if any(balance.share_days(item.service_point_id)[first:end])
    )


def _given(balance: NodeBalance, item: Item, first: int, end: int, reader: Scope | None) -> Step:
    members = _members(balance, item.service_point_id, reader)
    if item.service_point_id == balance.rest_point_id:
        return _rest(balance, members, first, end)
    return _share(balance, item, members, first, end)


def _rest(balance: NodeBalance, members: Step, first: int, end: int) -> Step:
    """What is over the cap: the remainder less what consumers are asked to pay."""
    unit = UNIT_OF_SERVICE[balance.service]
    shared = Step(_("what is shared"), Fraction(-balance.exact.amount, MICRO), unit)
    return Step(
        _("over the cap of %(node)s") % {"node": balance.name},
        Fraction(sum(balance.exact.rest_days[first:end]), MICRO),
        unit,
        formula=_("remainder − what is shared among the consumers"),
        source=_rule_source(balance),
        children=(_whole(balance, members, unit), *_limits(balance, unit), shared),
    )


def _share(balance: NodeBalance, item: Item, members: Step, first: int, end: int) -> Step:
    """What the item got of one node: the part of the amount that its weight is of all weights."""
    exact, point = balance.exact, item.service_point_id
    unit = UNIT_OF_SERVICE[balance.service]
    key = AllocationKey(balance.rule["key"]) if balance.rule else AllocationKey.NONE
    children = [_remainder(balance, members, exact.allocated_days[first:end], unit)]
    measured = [day for day in range(first, end) if exact.allocated_days[day]]
    own = {exact.weights[point][day] for day in measured if point in exact.weights}
    total = {sum(row[day] for row in exact.weights.values()) for day in measured}
    formula = _("what is shared × own weight / weight of all, day by day")
    if len(own) == len(total) == 1:
        scale = 1 if key in (AllocationKey.RESIDENTS, AllocationKey.EQUAL) else MICRO
        # Where all weights are nought everybody counts as one, whatever the key.
        is_equal = scale == MICRO and own == {1}
        weight_unit = "" if is_equal else _UNIT_OF_KEY.get(key, unit)
        scale = 1 if is_equal else scale
        formula = _("what is shared × own weight / weight of all")
        children += [
            Step(
                _("own weight: %(key)s") % {"key": str(Key(key.value).label).lower()},
                Fraction(own.pop(), scale),
                weight_unit,
                source=balance.codes[point],
            ),
            Step(
                _("weight of all below the node"),
                Fraction(total.pop(), scale),
                weight_unit,
                source=balance.name,
            ),
        ]
    return Step(
        _("share of the remainder of %(node)s") % {"node": balance.name},
        Fraction(sum(balance.share_days(point)[first:end]), MICRO),
        unit,
        formula=formula,
        children=tuple(children),
    )


def _remainder(balance: NodeBalance, members: Step, shared: Sequence[int], unit: str) -> Step:
    """What was shared out: the node's own meter, less its members, under the cap."""
    limits = _limits(balance, unit)
    if balance.exact.over_cap:
        bearer = (balance.rule or {}).get("bearer") or _("nobody: a loss")
        over_cap = Fraction(balance.exact.over_cap, MICRO)
        limits.append(Step(_("over the cap, borne by %(bearer)s") % {"bearer": bearer}, over_cap, unit))
    return Step(
        _("what is shared"),
        Fraction(sum(shared), MICRO),
        unit,
        source=_rule_source(balance),
        children=(_whole(balance, members, unit), *limits),
    )


def _whole(balance: NodeBalance, members: Step, unit: str) -> Step:
    fed_in = sum(balance.exact.fed_in_days)
    given = (Step(_("fed in by consumers below the node"), Fraction(fed_in, MICRO), unit),) if fed_in else ()
    return Step(
        _("remainder of the month"),
        Fraction(balance.exact.remainder, MICRO),
        unit,
        formula=_("own meter + fed in − members") if given else _("own meter − members"),
        children=(_own_meter(balance, unit), *given, members),
    )


def _limits(balance: NodeBalance, unit: str) -> list[Step]:
    """The cap, and what the month before carried into this one."""
    exact, limits = balance.exact, []
    if exact.cap is not None:
        cap_source = _rule_source(balance)
        limits.append(Step(_("cap by the norm"), Fraction(exact.cap, MICRO), unit, source=cap_source))
    if exact.due != exact.remainder:
        carried = Fraction(exact.due - exact.remainder, MICRO)
        limits.append(Step(_("carried from the month before"), carried, unit))
    return limits


def _rule_source(balance: NodeBalance) -> str:
    if balance.rule is None:
        return ""
    return _("balance rule %(id)s of %(node)s, since %(since)s") % {
        "id": balance.rule["id"],
        "node": balance.name,
        "since": balance.rule["valid_from"],
    }


def _own_meter(balance: NodeBalance, unit: str) -> Step:
    children: list[Step] = []
    for point_id in balance.meter_point_ids:
        item = load_meter_item(
            service_point_id=point_id, service=balance.service, month=balance.month, as_of=balance.known_at
        )
        use = daily_use(item, unit=unit)
        days = {"from_date": balance.month, "to_date": next_month(balance.month)}
        children += use.origins(name="usage", **days)
        if flowed_out := use.origins(name=FED_IN, **days):
            label = _("flowed out upwards, which is taken off")
            children.append(Step(label, _sum_of(flowed_out), unit, children=flowed_out))
    return Step(
        _("own meter of %(node)s") % {"node": balance.name},
        Fraction(sum(balance.exact.node_days), MICRO),
        unit,
        children=tuple(children),
    )


def _sum_of(steps: Sequence[Step]) -> Fraction:
    return sum((step.value for step in steps if isinstance(step.value, Fraction)), Fraction(0))


def _members(balance: NodeBalance, own_point: int, reader: Scope | None) -> Step:
    """What the members used: meters and those who may be named one by one, all others in one sum."""
    exact, unit = balance.exact, UNIT_OF_SERVICE[balance.service]
    named = {own_point}
    if reader is not None:
        named |= points_within(service_point_ids=list(exact.direct), scope=reader)
    points = [
        Step(balance.codes[point], Fraction(micro, MICRO), unit)
        for point, micro in sorted(exact.direct.items())
        if point in named
    ]
    others = [micro for point, micro in exact.direct.items() if point not in named]
    if others:
        label = ngettext("%(count)s other service point", "%(count)s other service points", len(others)) % {
            "count": len(others)
        }
        points.append(Step(label, Fraction(sum(others), MICRO), unit))
    meters = tuple(
        Step(balance.names_below.get(node, str(node)), Fraction(micro, MICRO), unit, source=_("own meter"))
        for node, micro in sorted(exact.meters.items())
    )
    return Step(
        _("members of %(node)s") % {"node": balance.name},
        Fraction(sum(exact.member_days), MICRO),
        unit,
        formula=_("sum of %(count)s") % {"count": len(exact.direct) + len(meters)},
        children=(*meters, *points),
    )
