"""Reading `time_zone`, `time_of_use` and `holidays`: every minute of every kind of day in exactly one zone."""

import re
from calendar import monthrange
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mains.engine.language.guesses import guess
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import (
    DAY_KINDS,
    DAY_MINUTES,
    WEEKDAYS,
    Holiday,
    Holidays,
    Rule,
    Schedule,
)
from mains.engine.tariff.tables import refused_name

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
_MONTH_DAY = re.compile(r"(\d{1,2})-(\d{1,2})")
_NTH = re.compile(r"(1st|2nd|3rd|4th|5th|last) ([a-z]{3})[a-z]* of ([a-z]{3})[a-z]*")
_NTHS = {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "last": -1}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "weekdays": WEEKDAYS[:5],
    "weekends": WEEKDAYS[5:],
    "every day": DAY_KINDS,
}
_HOLIDAY_FORMS = 'Write 2024-03-29, "12-25", "4th thu of nov", or {date: 2024-03-29, name: Good Friday}.'


def read_time_zone(clause: Clause) -> str:
    """Name of the time zone; empty when absent or refused."""
    name = clause.text()
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        clause.refuse(
            "time-zone-unknown", f"“{name}” is not a time zone.", "Write a name such as Europe/Berlin or UTC."
        )
        return ""
    return name


def read_holidays(clause: Clause) -> Holidays:
    """`{as: sun, dates: [...]}`, or the list of dates alone."""
    if clause.value is None:
        return Holidays()
    dates, kind = clause, "sun"
    if isinstance(clause.value, Mapping):
        clause.only(("as", "dates"))
        dates, kind = clause.get("dates"), clause.get("as").choice(DAY_KINDS, default="sun")
    found = [holiday for item in dates.items() if (holiday := _holiday(item)) is not None]
    years = frozenset(holiday.day.year for holiday in found if holiday.day is not None)
    return Holidays(tuple(found), kind, years or None)


def _holiday(clause: Clause) -> Holiday | None:
    written, name = clause, ""
    if isinstance(clause.value, Mapping):
        clause.only(("date", "name"))
        written, name = clause.get("date"), clause.get("name").text()
    text = str(written.value).strip().casefold()
    if (match := _MONTH_DAY.fullmatch(text)) is not None:
        month, day = int(match.group(1)), int(match.group(2))
        # Any leap year has every day of a year.
        if 1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1]:
            return Holiday(name or text, month=month, month_day=day)
    elif (match := _NTH.fullmatch(text)) is not None:
        if match.group(2) in WEEKDAYS and match.group(3) in _MONTHS:
            month, weekday = _MONTHS.index(match.group(3)) + 1, WEEKDAYS.index(match.group(2))
            return Holiday(name or text, month=month, nth=_NTHS[match.group(1)], weekday=weekday)
    elif (single := Clause(written.value, clause.problems, written.path, written.name).day()) is not None:
        return Holiday(name or single.isoformat(), day=single)
    else:
        return None
    written.refuse("date-unknown", f"“{written.value}” is not a day.", _HOLIDAY_FORMS)
    return None


def find_zones(root: Clause) -> tuple[str, ...]:
    """Names of the zones which any version of a tariff document declares."""
    clauses = (
        [root, *root.get("versions").items()] if isinstance(root.get("versions").value, list) else [root]
    )
    found = (clause.get("time_of_use").value for clause in clauses)
    return tuple(dict.fromkeys(str(zone) for zones in found if isinstance(zones, Mapping) for zone in zones))


def check_time_of_use(tariff: Tariff, root: Clause) -> None:
    """Refuses hours without a clock, hours in some versions only, and formulas that read zones without hours."""
    clause = root.get("time_of_use")
    schedules = [version.schedule for version in tariff.versions]
    if not any(schedules) and not tariff.demands:
        return
    if not tariff.time_zone:
        root.refuse(
            "time-zone-missing",
            "The tariff does not say by which clock its hours are told.",
            "Write `time_zone: Europe/Berlin`.",
        )
    if any(schedules) and not all(schedules):
        clause.refuse(
            "version-mismatch", "Some versions have hours, others have none.", "Give all of them hours."
        )
    unknown = [zone for zone in tariff.zones if zone not in tariff.schedule_zones]
    if any(schedules) and unknown:
        remedy = guess(unknown[0], tariff.schedule_zones) + f"Zones: {', '.join(tariff.schedule_zones)}."
        clause.refuse("unknown-name", f"A formula reads usage.{unknown[0]}, which has no hours.", remedy)


def read_schedule(
    clause: Clause, *, holidays: Holidays, seasons: Mapping[tuple[int, int], str]
) -> Schedule | None:
    """Zones with their rules; None when absent or refused. Refused: minutes with two zones or with none."""
    if clause.value is None:
        return None
    before = len(clause.problems.found)
    rules: list[Rule] = []
    rest: str | None = None
    zones = []
    reader = _RuleReader(tuple(dict.fromkeys(seasons.values())), holidays)
    for zone, entry in clause.entries():
        zones.append(zone)
        if not zone.isidentifier():
            remedy = refused_name(zone, (), kind="zone")
            entry.refuse("name-taken", f"“{zone}” cannot be the name of a zone.", remedy)
        if entry.value == "rest":
            if rest is not None:
                entry.refuse("time-of-use", "Only one zone can be the rest.", "")
            rest = zone
            continue
        for item in entry.items() if isinstance(entry.value, list) else [entry]:
            rules.extend(reader.read(item, zone))
    schedule = Schedule(tuple(zones), tuple(rules), rest, holidays)
    if len(clause.problems.found) == before:
        _check_whole(schedule, seasons, clause)
    return schedule if len(clause.problems.found) == before else None


class _RuleReader:
    def __init__(self, seasons: tuple[str, ...], holidays: Holidays) -> None:
        self.seasons = seasons
        self._holidays = holidays

    def read(self, clause: Clause, zone: str) -> list[Rule]:
        """One entry of a zone; an entry with several stretches of hours is several rules."""
        if not isinstance(clause.value, Mapping):
            clause.refuse(
                "not-a-mapping",
                "A zone has entries of days and hours.",
                'Write {days: mon-fri, hours: "16:00-21:00"}, or `rest`.',
            )
            return []
        clause.only(("days", "hours", "seasons", "months"))
        days, seasons = self._days(clause.get("days")), self._seasons(clause.get("seasons"))
        months = _months(clause.get("months"))
        spans = _spans(clause.get("hours"))
        words = []
        for key in ("seasons", "months", "days", "hours"):
            value = clause.get(key).value
            if value is not None:
                words.append(", ".join(map(str, value)) if isinstance(value, list) else str(value))
        text = " ".join(words) or "always"
        return [Rule(zone, days, seasons, months, first, end, text) for first, end in spans]

    def _seasons(self, clause: Clause) -> frozenset[str] | None:
        if clause.value is None:
            return None
        items = clause.items() if isinstance(clause.value, list) else [clause]
        for item in items:
            if str(item.value) not in self.seasons:
                remedy = guess(str(item.value), self.seasons) or "Declare it under seasons."
                item.refuse("unknown-name", f"There is no season “{item.value}”.", remedy)
        return frozenset(str(item.value) for item in items)

    def _days(self, clause: Clause) -> frozenset[str]:
        """Named days; without them every day, holidays among them."""
        if clause.value is None:
            return frozenset(DAY_KINDS)
        found: set[str] = set()
        for item in clause.items() if isinstance(clause.value, list) else [clause]:
            found.update(self._day_words(item))
        return frozenset(found)

    def _day_words(self, clause: Clause) -> tuple[str, ...]:
        word = str(clause.value).strip().casefold()
        if word in _GROUPS:
            return _GROUPS[word]
        first, dash, last = word.partition("-")
        ends = [end.strip()[:3] for end in (first, last)] if dash else []
        if len(ends) == 2 and set(ends) <= set(WEEKDAYS):
            at, end = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[1])
            return WEEKDAYS[at : end + 1] if at <= end else (*WEEKDAYS[at:], *WEEKDAYS[: end + 1])
        if word.rstrip("s") == "holiday":
            if self._holidays.kind != "holiday":
                clause.refuse(
                    "time-of-use",
                    f"Holidays count as {self._holidays.kind} in this tariff.",
                    "Write `holidays: {as: holiday, dates: […]}` to give them hours of their own.",
                )
            return ("holiday",)
        if word[:3] in WEEKDAYS and not dash:
            return (word[:3],)
        clause.refuse(
            "time-of-use",
            f"“{clause.value}” names no days.",
            "Write mon, mon-fri, weekdays, weekends, holiday, or a list of these.",
        )
        return ()


def _months(clause: Clause) -> frozenset[int] | None:
    if clause.value is None:
        return None
    found = set()
    for item in clause.items() if isinstance(clause.value, list) else [clause]:
        number = item.number()
        if number is not None and number.denominator == 1 and 1 <= number <= 12:
            found.add(int(number))
        elif number is not None:
            item.refuse("time-of-use", f"There is no month {item.value}.", "Write 1 to 12.")
    return frozenset(found)


def _spans(clause: Clause) -> list[tuple[int, int]]:
    """Minutes of the named hours; `22:00-06:00` is the end and the beginning of one day."""
    if clause.value is None:
        return [(0, DAY_MINUTES)]
    texts = clause.value if isinstance(clause.value, list) else str(clause.value).split(",")
    spans: list[tuple[int, int]] = []
    for text in texts:
        match = _SPAN.fullmatch(str(text).strip())
        hours = [int(group) for group in match.groups()] if match else [99, 0, 0, 0]
        first, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if first >= DAY_MINUTES or end > DAY_MINUTES or hours[1] > 59 or hours[3] > 59 or first == end:
            clause.refuse(
                "time-of-use",
                f"“{text}” are no hours.",
                'Write "07:00-22:00", or several with commas; a day ends at 24:00.',
            )
            continue
        spans.extend([(first, end)] if first < end else [(first, DAY_MINUTES), (0, end)])
    return [(first, end) for first, end in spans if first < end]


def _check_whole(schedule: Schedule, seasons: Mapping[tuple[int, int], str], clause: Clause) -> None:
    parts = sorted({(month, season) for (month, _), season in seasons.items()}) or [
        (month, "") for month in range(1, 13)
    ]
    kinds = DAY_KINDS if schedule.holidays.kind == "holiday" else WEEKDAYS
    for month, season in parts:
        for kind in kinds:
            if not _check_day(schedule, kind, season, month, clause):
                return


def _check_day(schedule: Schedule, kind: str, season: str, month: int, clause: Clause) -> bool:
    reached = 0
    where = " ".join(filter(None, (season, kind, f"in month {month}")))
    for rule in schedule.rules_of(kind=kind, season=season, month=month):
        if rule.from_minute < reached:
            message = f"{_clock(rule.from_minute)} ({where}) is in {rule.zone} and in another zone."
            clause.refuse("time-of-use", message, "Every time has one zone.")
            return False
        if rule.from_minute > reached and schedule.rest is None:
            break
        reached = rule.to_minute
    if reached < DAY_MINUTES and schedule.rest is None:
        message = f"{_clock(reached)} ({where}) has no zone."
        clause.refuse("time-of-use", message, "Give one zone as `rest`.")
        return False
    return True


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
