"""What a bank answers to orders, as its customer payment status report (pain.002) says it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BankAnswer:
    """One order that the bank accepted or refused, by its end-to-end identification; `code` is the reason of the ISO
    20022 external list, `text` what else the bank says."""

    end_to_end_id: str
    is_accepted: bool
    code: str = ""
    text: str = ""

    @property
    def reason(self) -> str:
        return " ".join(part for part in (self.code, self.text) if part)
