"""Dated figures of network nodes that tariffs read: conversion factors, calorific values."""

from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact, withdraw_fact
from mains.engine.tariff import names_fact
from mains.kernel.errors import MainsError
from mains.network.models import Node, NodeFigure, NodeFigureWithdrawal
from mains.network.values import FILLED_ATTRIBUTES

_NAME_LENGTH_MAX = 40
_PROOF_LENGTH_MAX = 200
_MICRO_BELOW = 10**15


class UnableToRecordNodeFigure(MainsError):
    """No tariff can read the name, the value is out of bounds, or no document is named."""


def record_node_figure(
    *,
    node: Node,
    name: str,
    value_micro: int | None,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> NodeFigure:
    """Give a node and everything below it a number over [valid_from, valid_to), which tariffs read as the attribute
    `name`, until a nearer node has its own.

    In millionths of the unit that the tariff declares for the attribute; None: the node has no such figure, and what
    stands above it counts. `proof` names the document. Raises UnableToRecordNodeFigure, UnableToRecordFact.
    """
    name, proof = name.strip(), proof.strip()
    if not names_fact(name) or len(name) > _NAME_LENGTH_MAX:
        message = f"No tariff can read {name or 'a figure without a name'}."
        remedy = f"Use the name of the tariff's attribute: letters, digits and _, at most {_NAME_LENGTH_MAX}."
        raise _unable(node, "figure-name", message, "name", remedy)
    if name in FILLED_ATTRIBUTES:
        message = f"What tariffs read as {name} comes from another record."
        remedy = (
            "Record it there: of the premise, the node, the agreement or the meter. Or choose another name."
        )
        raise _unable(node, "figure-filled", message, "name", remedy)
    if value_micro is not None and not 0 <= value_micro < _MICRO_BELOW:
        message = "The figure is below nought, or a thousand million or more."
        raise _unable(node, "figure-value", message, "value", "Correct the number, such as 1.02264.")
    if not proof or len(proof) > _PROOF_LENGTH_MAX:
        message = "No document proves the figure." if not proof else "The proof is too long."
        remedy = f"Name the document, in at most {_PROOF_LENGTH_MAX} characters, so that an auditor finds it."
        raise _unable(node, "figure-proof", message, "proof", remedy)
    return record_fact(
        model=NodeFigure,
        subject={"node": node, "name": name},
        values={"value_micro": value_micro},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


def state_node_figure(
    *,
    node_id: int,
    name: str,
    value_micro: int | None,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> NodeFigure:
    """`record_node_figure` for callers above this context, who know the node by its id; they have checked that the
    person may speak of it. Raises UnableToRecordNodeFigure, UnableToRecordFact."""
    return record_node_figure(
        node=Node.objects.get(pk=node_id),
        name=name,
        value_micro=value_micro,
        valid_from=valid_from,
        valid_to=valid_to,
        proof=proof,
        actor=actor,
        now=now,
    )


def withdraw_node_figure(
    *, figure_id: int, reason: str, actor: models.Model | None, now: datetime
) -> NodeFigure:
    """Stop believing a figure; who said so and why is kept. On its days the node has none of that name, and what stands
    above it counts; an earlier figure that it replaced does not come back. Raises UnableToWithdrawFact."""
    return withdraw_fact(
        model=NodeFigure,
        fact_id=figure_id,
        withdrawal=NodeFigureWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def _unable(node: Node, code: str, message: str, field: str, remedy: str) -> UnableToRecordNodeFigure:
    return UnableToRecordNodeFigure(
        code=code, message=message, place=node.code, remedy=remedy, params={"field": field}
    )
