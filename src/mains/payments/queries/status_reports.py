"""Status reports of banks as people read them."""

from dataclasses import dataclass
from datetime import datetime

from mains.payments.models import StatusReport


@dataclass(frozen=True, kw_only=True)
class ReportRecord:
    """A report: which file of orders it answers, how many were accepted, refused, undecided and not ours, and the
    refused ones with their reasons."""

    original_id: str
    original_kind: str
    file_name: str
    recorded_at: datetime
    accepted: int
    rejected: int
    pending: int
    unknown: int
    refusals: tuple[dict[str, str], ...]


def list_status_reports(*, limit: int = 50) -> list[ReportRecord]:
    """The latest reports first. The caller has checked that the person sees the utility's banks."""
    return [_record(one) for one in StatusReport.objects.order_by("-id")[:limit]]


def _record(one: StatusReport) -> ReportRecord:
    states = [answer["status"] for answer in one.answers]
    return ReportRecord(
        original_id=one.original_id,
        original_kind=one.original_kind,
        file_name=one.file_name,
        recorded_at=one.recorded_at,
        accepted=states.count("accepted"),
        rejected=states.count("rejected"),
        pending=states.count("pending"),
        unknown=states.count("unknown"),
        refusals=tuple(answer for answer in one.answers if answer["status"] == "rejected"),
    )
