"""Sections and keys of a 1CClientBankExchange file, with the lines on which they stand."""

from dataclasses import dataclass, field

from mains.payments.values import BankFileRead

HEADER = "1CClientBankExchange"
MAX_LINE = 4_000
_OPENS = {"СекцияРасчСчет": "КонецРасчСчет", "СекцияДокумент": "КонецДокумента"}
_CLOSES = set(_OPENS.values())


@dataclass(kw_only=True)
class Section:
    """Keys of one section with their lines. A key that comes twice keeps its first value."""

    name: str
    line: int
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def get(self, *keys: str) -> str:
        """The first value that is there."""
        return next((value for key in keys if (value := self.values.get(key, ""))), "")

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


def read_sections(text: str, found: BankFileRead) -> list[Section]:
    """The head and every section; faults of structure are noted."""
    reader = _SectionReader(found=found)
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip("\r\n\x1a ")
        if not line or (number == 1 and line == HEADER):
            continue
        if len(line) > MAX_LINE:
            found.note("line-too-long", number, length=len(line), limit=MAX_LINE)
            return reader.sections
        if reader.is_ended:
            found.note("file-after-trailer", number)
            return reader.sections
        reader.read(number, line)
    if not reader.is_ended:
        found.note("file-cut-short", text.count("\n") + 1, marker="КонецФайла")
    return reader.sections


@dataclass(kw_only=True)
class _SectionReader:
    """Follows the lines of a file."""

    found: BankFileRead
    sections: list[Section] = field(default_factory=lambda: [Section(name=HEADER, line=1)])
    is_open: bool = False
    is_ended: bool = False

    def read(self, number: int, line: str) -> None:
        key, equals, value = line.partition("=")
        current = self.sections[-1] if self.is_open else self.sections[0]
        if key in _OPENS:
            self._must_be_closed(number, key)
            values = {key: value.strip()}
            self.sections.append(Section(name=key, line=number, values=values))
            self.is_open = True
        elif key in _CLOSES:
            if _OPENS.get(current.name) != key:
                self.found.note("part-outside", number, key, name=key)
            self.is_open = False
        elif key == "КонецФайла":
            self._must_be_closed(number, key)
            self.is_ended = True
        elif equals:
            current.values.setdefault(key.strip(), value.strip())
            current.lines.setdefault(key.strip(), number)
        else:
            self.found.note("part-invalid", number, value=line[:40], name="key=value")

    def _must_be_closed(self, number: int, key: str) -> None:
        if self.is_open:
            self.found.note("part-missing", number, key, name=_OPENS[self.sections[-1].name])
