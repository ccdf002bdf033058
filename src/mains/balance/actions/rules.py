"""Setting the rules of balances, one by one or from a file."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models

from mains.balance.models import BalanceRule
from mains.balance.values import Key, Negative, UnableToSetRule
from mains.base.dated import record_fact
from mains.base.staged_rows import Field, StagedRows, choice, day, import_rows, micro, reference
from mains.customers.queries.records import find_party_id
from mains.network.queries.points import PointRecord, find_point_id, get_point
from mains.network.queries.records import find_node_id


def set_balance_rule(
    *,
    node_id: int,
    key: str,
    negative: str,
    cap_norm_m2_micro: int | None = None,
    common_area_m2_micro: int | None = None,
    norm_person_micro: int | None = None,
    bearer_id: int | None = None,
    rest_point_id: int | None = None,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> BalanceRule:
    """Balance a node by this rule over [valid_from, valid_to), both first days of months.

    What is over the cap is billed at the service point `rest_point_id`, which hangs at the node and takes rests.
    Raises UnableToSetRule, UnableToRecordFact, UnableToFindServicePoint.
    """
    if valid_from.day != 1 or (valid_to is not None and valid_to.day != 1):
        raise _unable(
            node_id, "rule-inside-month", "A balance is drawn up by whole months.", "valid_from",
            "Let the rule begin and end on the first day of a month.",
        )  # fmt: skip
    if (cap_norm_m2_micro is None) != (common_area_m2_micro is None):
        raise _unable(
            node_id, "cap-incomplete", "A cap needs a norm per square metre and the area it holds for.",
            "cap_norm_m2", "Give both, or neither.",
        )  # fmt: skip
    if key == Key.NONE and (cap_norm_m2_micro is not None or bearer_id is not None):
        raise _unable(
            node_id, "cap-of-loss", "A remainder that is not shared has neither cap nor bearer.", "key",
            "Choose a key, or leave cap and bearer out.",
        )  # fmt: skip
    if rest_point_id is not None:
        _check_rest(node_id, get_point(point_id=rest_point_id), has_cap=cap_norm_m2_micro is not None)
    return record_fact(
        model=BalanceRule,
        subject={"node_id": node_id},
        values={
            "key": key,
            "negative": negative,
            "cap_norm_m2_micro": cap_norm_m2_micro,
            "common_area_m2_micro": common_area_m2_micro,
            "norm_person_micro": norm_person_micro,
            "bearer_id": bearer_id,
            "rest_point_id": rest_point_id,
        },
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


def import_rules(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Set the rules of a CSV file: node, key, negative, cap_norm_m2, common_area_m2, norm_person, bearer,
    rest_point, valid_from."""
    fields = (
        Field("node", reference(lambda code: find_node_id(code=code), name="node")),
        Field("key", choice(Key)),
        Field("negative", choice(Negative), is_needed=False, default=Negative.ZERO.value),
        Field("cap_norm_m2", micro, is_needed=False),
        Field("common_area_m2", micro, is_needed=False),
        Field("norm_person", micro, is_needed=False),
        Field("bearer", reference(lambda code: find_party_id(code=code), name="party"), is_needed=False),
        Field(
            "rest_point",
            reference(lambda code: find_point_id(code=code), name="service point"),
            is_needed=False,
        ),
        Field("valid_from", day),
    )

    def write(row: Mapping[str, Any]) -> None:
        set_balance_rule(
            node_id=row["node"],
            key=row["key"],
            negative=row["negative"],
            cap_norm_m2_micro=row["cap_norm_m2"],
            common_area_m2_micro=row["common_area_m2"],
            norm_person_micro=row["norm_person"],
            bearer_id=row["bearer"],
            rest_point_id=row["rest_point"],
            valid_from=row["valid_from"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _check_rest(node_id: int, point: PointRecord, *, has_cap: bool) -> None:
    """Refuse a rest without a cap, and a point that is an ordinary one or hangs at another node."""
    if not has_cap:
        raise _unable(
            node_id, "rest-without-cap", "Without a cap nothing is left for a point that takes the rest.", "rest_point",
            "Give the norm per square metre and its area, or leave the point out.",
        )  # fmt: skip
    if not point.takes_rest:
        raise _unable(
            node_id, "rest-point-ordinary", f"Service point {point.code} has consumers of its own.", "rest_point",
            "Connect a point with takes_rest at the common areas of the house, and name that one.",
        )  # fmt: skip
    if point.node_id != node_id:
        raise _unable(
            node_id, "rest-point-elsewhere", f"Service point {point.code} hangs at another node.", "rest_point",
            "Name a point that hangs at the node of the rule.",
        )  # fmt: skip


def _unable(node_id: int, code: str, message: str, field: str, remedy: str) -> UnableToSetRule:
    return UnableToSetRule(
        code=code, message=message, place=f"node {node_id}", remedy=remedy, params={"field": field}
    )
