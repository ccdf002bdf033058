"""Billing work that pages ask for."""

from mains.base.clock import read_clock
from mains.base.jobs import jobs
from mains.billing.actions.whatif import UnableToComputeWhatIf, compute_whatif


@jobs.task(name="mains.billing.jobs.whatif")
def whatif(whatif_id: int) -> None:
    """Compute a planned what-if. Its progress and result stand in its record; one that was cancelled is no fault."""
    try:
        compute_whatif(whatif_id=whatif_id, now=read_clock())
    except UnableToComputeWhatIf:
        return
