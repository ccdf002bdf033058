"""Dated figures of network nodes that tariffs read: conversion factors, calorific values."""

from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact, withdraw_fact
from mains.kernel.errors import MainsError
from mains.network.actions.named_facts import MICRO_BELOW, Refusal, refuse_name, refuse_proof
from mains.network.models import Node, NodeFigure, NodeFigureWithdrawal


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
    refusal = refuse_name(name, what="figure")
    if refusal is None and value_micro is not None and not 0 <= value_micro < MICRO_BELOW:
        message = "The figure is below nought, or a thousand million or more."
        refusal = Refusal("value", message, "value", "Correct the number, such as 1.02264.")
    refusal = refusal or refuse_proof(proof, missing="No document proves the figure.")
    if refusal is not None:
        raise UnableToRecordNodeFigure(
            code=f"figure-{refusal.code}",
            message=refusal.message,
            place=node.code,
            remedy=refusal.remedy,
            params={"field": refusal.field},
        )
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
