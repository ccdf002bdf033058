"""The base of every error that a person may see."""

from collections.abc import Mapping


class MainsError(Exception):
    """An expected failure: what is wrong, where, and what to do about it.

    `code` is stable and machine-readable (`reading-in-future`). `message` is one plain English sentence.
    `place` tells file, line, field or record. `remedy` is what the reader can do. `params` are the values
    that a translated message needs.
    """

    def __init__(
        self,
        *,
        code: str,
        message: str,
        place: str = "",
        remedy: str = "",
        params: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code, message, place, remedy, params)
        self.code = code
        self.message = message
        self.place = place
        self.remedy = remedy
        self.params: dict[str, object] = dict(params or {})

    def __str__(self) -> str:
        return " ".join(
            part for part in (f"{self.place}:" if self.place else "", self.message, self.remedy) if part
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from positional arguments when they cross a process border; ours are named.
        return _rebuild, (type(self), self.code, self.message, self.place, self.remedy, self.params)


def _rebuild(
    kind: type[MainsError], code: str, message: str, place: str, remedy: str, params: Mapping[str, object]
) -> MainsError:
    error = kind.__new__(kind)
    MainsError.__init__(error, code=code, message=message, place=place, remedy=remedy, params=params)
    return error
