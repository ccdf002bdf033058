"""Bills computed again from raw readings and facts by the exact interpreters, and compared with what was posted.

Nothing of the column side takes part: neither its queries nor its arithmetic.
"""

from mains.billing.queries.replay.batches import Batch, RunToReplay, batch_of, list_batches
from mains.billing.queries.replay.compare import Difference, Replay, replay_batch

__all__ = [
    "Batch",
    "Difference",
    "Replay",
    "RunToReplay",
    "batch_of",
    "list_batches",
    "replay_batch",
]
