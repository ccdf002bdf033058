"""What holds for every fact that tariffs read under a name of its own: figures of nodes, conditions of service
points."""

from typing import NamedTuple

from mains.engine.tariff import names_fact
from mains.network.values import FILLED_ATTRIBUTES

NAME_LENGTH_MAX = 40
PROOF_LENGTH_MAX = 200
MICRO_BELOW = 10**15
"""A thousand million units: more is a slip of the pen."""


class Refusal(NamedTuple):
    """Why such a fact is refused: the end of the code, what is wrong, in which field, and what to do."""

    code: str
    message: str
    field: str
    remedy: str


def refuse_name(name: str, *, what: str) -> Refusal | None:
    """A name that no tariff can read, or that another record fills; `what` such a fact is called."""
    if not names_fact(name) or len(name) > NAME_LENGTH_MAX:
        message = f"No tariff can read {name or f'a {what} without a name'}."
        remedy = f"Use the name of the tariff's attribute: letters, digits and _, at most {NAME_LENGTH_MAX}."
        return Refusal("name", message, "name", remedy)
    if name in FILLED_ATTRIBUTES:
        message = f"What tariffs read as {name} comes from another record."
        remedy = (
            "Record it there: of the premise, the node, the agreement or the meter. Or choose another name."
        )
        return Refusal("filled", message, "name", remedy)
    return None


def refuse_proof(proof: str, *, missing: str) -> Refusal | None:
    """A proof that names no document, or too much of one."""
    if proof and len(proof) <= PROOF_LENGTH_MAX:
        return None
    message = "The proof is too long." if proof else missing
    remedy = f"Name the document, in at most {PROOF_LENGTH_MAX} characters, so that an auditor finds it."
    return Refusal("proof", message, "proof", remedy)
