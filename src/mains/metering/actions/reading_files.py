"""Files of readings: checked whole, then taken whole, or in part when the sender's clerk says so."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import models, transaction
from django.utils import timezone

from mains.base.column_texts import text_of
from mains.base.csv_files import Column, FileFault, read_csv
from mains.metering.actions.intake import (
    ENTRIES,
    REPEATED,
    judge_entries,
    keep_doubted,
    keep_taken,
    lock_registers,
)
from mains.metering.queries.readings import find_registers
from mains.metering.values import ReadingSource, Zone

COLUMNS = (
    Column("serial", is_needed=False),
    Column("model", is_needed=False),
    Column("service_point", is_needed=False),
    Column("zone", is_needed=False),
    Column("reading_date"),
    Column("value"),
    Column("source", is_needed=False),
    Column("evidence", is_needed=False),
)
ZONES = {zone.name.lower(): zone.value for zone in Zone}
SOURCES = {source.name.lower(): source.value for source in ReadingSource}
FIELD_OF_CODE = {
    "unknown-register": "serial",
    "future-reading": "reading_date",
    "before-installation": "reading_date",
    "removed-meter": "reading_date",
}


@dataclass(frozen=True, kw_only=True)
class ReadingFile:
    """What became of a file of readings.

    `faults` are all its faults, sorted by line. Of its `lines`, `accepted` became facts, `queued` wait for a person,
    `known` were known already, `refused` cannot be taken. `is_stored` is false when faults kept the whole file out:
    the counts then tell what would have been.
    """

    faults: list[FileFault]
    lines: int
    accepted: int
    queued: int
    known: int
    refused: int
    is_stored: bool


@transaction.atomic
def import_readings(
    *, content: bytes, file_name: str, is_partial: bool = False, actor: models.Model | None, now: datetime
) -> ReadingFile:
    """Take a CSV file of readings (COLUMNS; a line names serial or service_point).

    Every line is judged as a single reading is. A line that cannot be taken is a fault; with any fault nothing of the
    file is stored, unless `is_partial`: then the other lines are, and refused readings of known form are put on the
    work list. Doubtful readings are no faults: they wait for a person. The same file twice changes nothing.
    """
    rows, faults = read_csv(content, columns=COLUMNS)
    lines = rows.height + len({fault.line for fault in faults if fault.line > 1})
    rows, found = _typed(rows)
    faults += found
    rows, found = _with_register(rows)
    faults += found
    if rows.is_empty():
        return _outcome(faults, lines=lines, judged=None, is_stored=False)
    lock_registers(rows["register_id"].drop_nulls().unique().to_list())
    judged = judge_entries(
        _entries(rows, file_name=file_name), today=timezone.localdate(now), is_repeat_of_withdrawn=True
    )
    faults += _refusals(judged)
    is_stored = is_partial or not faults
    if is_stored:
        actor_id = actor.pk if actor else None
        keep_taken(judged, actor_id=actor_id, now=now)
        keep_doubted(judged, actor_id=actor_id, now=now, is_decided_kept_away=True)
    return _outcome(faults, lines=lines, judged=judged, is_stored=is_stored)


def _typed(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[FileFault]]:
    """Date, zone and source as values; the lines where one of them is none are taken out and told."""
    typed = rows.with_columns(
        day=pl.when(pl.col("reading_date").str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        .then("reading_date")
        .str.to_date("%Y-%m-%d", strict=False),
        zone_code=_coded("zone", ZONES, default="total"),
        source_code=_coded("source", SOURCES, default="file"),
    )
    faults = [
        *_faulty(
            typed.filter(pl.col("day").is_null()),
            column="reading_date",
            code="date-invalid",
            message="{} is not a day of the calendar.",
            remedy="Write the day as 2024-02-29.",
        ),
        *_faulty(
            typed.filter(pl.col("zone_code").is_null()),
            column="zone",
            code="zone-unknown",
            message="There is no zone {}.",
            remedy=f"The zones are: {', '.join(ZONES)}.",
        ),
        *_faulty(
            typed.filter(pl.col("source_code").is_null()),
            column="source",
            code="source-unknown",
            message="There is no source {}.",
            remedy=f"The sources are: {', '.join(SOURCES)}.",
        ),
        *_faulty(
            typed.filter((pl.col("serial") == "") & (pl.col("service_point") == "")),
            column="serial",
            code="meter-missing",
            message="The line names neither a meter nor a service point.{}",
            remedy="Fill in serial or service_point.",
        ),
    ]
    wrong = [fault.line for fault in faults]
    kept = typed.filter(~pl.col("line").is_in(wrong)).select(
        "line",
        "serial",
        "model",
        "service_point",
        "value",
        "evidence",
        reading_date="day",
        zone="zone_code",
        source="source_code",
        zone_name=pl.when(pl.col("zone") == "").then(pl.lit("total")).otherwise("zone"),
    )
    return kept, faults


def _coded(column: str, codes: dict[str, int], *, default: str) -> pl.Expr:
    name = pl.when(pl.col(column) == "").then(pl.lit(default)).otherwise(pl.col(column).str.to_lowercase())
    return name.replace_strict(codes, default=None, return_dtype=pl.Int16)


def _faulty(rows: pl.DataFrame, *, column: str, code: str, message: str, remedy: str) -> list[FileFault]:
    return [
        FileFault(line=line, field=column, code=code, message=message.format(text), remedy=remedy)
        for line, text in rows.select("line", column).iter_rows()
    ]


def _with_register(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[FileFault]]:
    """With register_id, null where nobody knows the meter; lines that may mean several are taken out and told."""
    found = find_registers(rows.with_columns(entry_id="line"))
    several = found.group_by("entry_id").len().filter(pl.col("len") > 1)["entry_id"]
    ambiguous = rows.filter(pl.col("line").is_in(several.to_list()))
    faults = _faulty(
        ambiguous,
        column="serial",
        code="meter-ambiguous",
        message="Several meters answer to {}.",
        remedy="Fill in the model too.",
    )
    known = found.rename({"entry_id": "line"})
    rest = rows.filter(~pl.col("line").is_in(several.to_list()))
    return rest.join(known, on="line", how="left", maintain_order="left"), faults


def _entries(rows: pl.DataFrame, *, file_name: str) -> pl.DataFrame:
    by_serial = text_of("meter {}, zone {}", "serial", "zone_name")
    by_point = text_of(
        "a meter at service point {} on {}, zone {}", "service_point", "reading_date", "zone_name"
    )
    evidence = pl.struct(file=pl.lit(file_name[:200]), line="line", note=pl.col("evidence").str.head(200))
    return rows.select(
        entry_id="line",
        register_id="register_id",
        named=pl.when(pl.col("serial") != "").then(by_serial).otherwise(by_point),
        reading_date="reading_date",
        text_value="value",
        source="source",
        evidence=evidence.struct.json_encode(),
    ).select(pl.col(name).cast(kind) for name, kind in ENTRIES.items())


def _refusals(judged: pl.DataFrame) -> list[FileFault]:
    refused = judged.filter(pl.col("decision") == "refuse", pl.col("code") != REPEATED)
    return [
        FileFault(
            line=line, field=FIELD_OF_CODE.get(code, "value"), code=code, message=message, remedy=remedy
        )
        for line, code, message, remedy in refused.select("entry_id", "code", "message", "remedy").iter_rows()
    ]


def _outcome(
    faults: list[FileFault], *, lines: int, judged: pl.DataFrame | None, is_stored: bool
) -> ReadingFile:
    decisions: dict[str, int] = {}
    if judged is not None:
        is_known = pl.col("code") == REPEATED
        told = judged.select(pl.when(is_known).then(pl.lit("known")).otherwise("decision").alias("decision"))
        decisions = dict(told.group_by("decision").len().iter_rows())
    return ReadingFile(
        faults=sorted(faults, key=lambda fault: (fault.line, fault.field)),
        lines=lines,
        accepted=decisions.get("accept", 0),
        queued=decisions.get("queue", 0),
        known=decisions.get("known", 0),
        refused=len({fault.line for fault in faults if fault.line > 1}),
        is_stored=is_stored,
    )
