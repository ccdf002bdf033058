"""Everything wrong with a tariff, each fault named by its clause."""

from dataclasses import dataclass

from mains.engine.tariff.document import Path
from mains.kernel.errors import MainsError


@dataclass(frozen=True)
class Problem:
    """One fault. `clause` is for people (`versions[2024-01-01].prices.energy.tiers[1]`), `path` for finding
    the line.
    """

    code: str
    clause: str
    message: str
    remedy: str = ""
    path: Path = ()
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.clause} (line {self.line})" if self.line else self.clause
        return " ".join(part for part in (f"{where}:", self.message, self.remedy) if part)


class UnableToReadTariff(MainsError):
    """The document is not a valid tariff. `problems` lists every fault found, in document order."""

    def __init__(self, *, tariff: str, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        count = f" ({len(problems)} problems)" if len(problems) > 1 else ""
        super().__init__(
            code=first.code,
            message=f"Tariff {tariff} is refused{count}. " + " | ".join(str(problem) for problem in problems),
            place=first.clause,
            remedy=first.remedy,
            params={
                "tariff": tariff,
                "clause": first.clause,
                "problems": [str(problem) for problem in problems],
            },
        )
        self.tariff = tariff
        self.problems = problems

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.tariff, self.problems)


def _rebuild(tariff: str, problems: tuple[Problem, ...]) -> UnableToReadTariff:
    return UnableToReadTariff(tariff=tariff, problems=problems)
