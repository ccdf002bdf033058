"""Faults of one formula, with the stretch of text they concern."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong in a formula: stable code, plain message, remedy, and the text concerned."""

    code: str
    message: str
    remedy: str = ""
    text: str = ""


class UnableToReadFormula(Exception):
    """A formula cannot be understood. Carries one `Fault`; the tariff reader adds the clause."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
