"""What conditions of supply may tell of an account's service points."""

from collections.abc import Sequence
from datetime import date

from mains.billing.queries.declared import list_declared_attributes, list_demands_looked_back_at
from mains.billing.values import FLAG_WORDS
from mains.web.office.clock import now
from mains.web.office.fact_forms import ToldByCondition


def told_by_conditions(points: Sequence[tuple[int, str]], *, today: date) -> list[ToldByCondition]:
    """Of each (service point, service) the attributes that its tariffs from today on read so, and the demands of past
    months at which they look back."""
    found = []
    for point_id, service in points:
        declared = list_declared_attributes(
            service_point_id=point_id, valid_from=today, valid_to=None, at=now()
        )
        found += [
            ToldByCondition(
                point_id=point_id,
                service=service,
                name=name,
                words=tuple(FLAG_WORDS) if kind.kind == "flag" else kind.values,
            )
            for name, kind in declared.items()
        ]
        demands = list_demands_looked_back_at(service_point_id=point_id, at=now())
        found += [
            ToldByCondition(point_id=point_id, service=service, name=name, words=(), demand_unit=unit)
            for name, unit in demands.items()
        ]
    return found
