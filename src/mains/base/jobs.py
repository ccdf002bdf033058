"""Long work that pages start: jobs in PostgreSQL, done by worker processes (`mains worker`).

A job is a function with keyword arguments of plain values, registered by `@jobs.task(name=…)` in a context's `jobs.py`,
and idempotent: a worker may be killed at any moment, and then the job is done again. Progress is kept by the context,
in its own tables, where pages read it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from procrastinate import App, exceptions
from procrastinate.contrib.django import app as jobs
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Status

__all__ = ["enqueue", "jobs", "run_worker"]

STALLED_AFTER_SECONDS = 30.0
"""A worker that has not told for so long that it lives is taken for dead."""

_BEATS_PER_STALL = 3
_GRACE_SECONDS = 10.0


def enqueue(name: str, *, key: str, **arguments: str | int) -> bool:
    """Ask for the job registered as `name`, in the caller's transaction; False when one of that key waits already.

    Two jobs of one key are never done at the same time.
    """
    try:
        with transaction.atomic():
            jobs.configure_task(name, lock=key, queueing_lock=key).defer(**arguments)
    except exceptions.AlreadyEnqueued:
        return False
    return True


def run_worker(*, until_empty: bool = False, stalled_after_seconds: float = STALLED_AFTER_SECONDS) -> None:
    """Do jobs, one at a time, until the process is told to end; with `until_empty`, until none waits.

    Jobs of workers that died are taken over first, and once a minute afterwards.
    """
    with _for_worker() as app:
        asyncio.run(_work(app, until_empty=until_empty, stalled_after_seconds=stalled_after_seconds))


async def _work(app: App, *, until_empty: bool, stalled_after_seconds: float) -> None:
    async with app.open_async():
        await _take_over(app, stalled_after_seconds)
        await app.run_worker_async(
            wait=not until_empty,
            concurrency=1,
            update_heartbeat_interval=stalled_after_seconds / _BEATS_PER_STALL,
            stalled_worker_timeout=stalled_after_seconds,
            shutdown_graceful_timeout=_GRACE_SECONDS,
            delete_jobs="successful",
        )


@jobs.periodic(cron="* * * * *")
@jobs.task(name="mains.base.jobs.take_over_stalled_jobs", queueing_lock="take over stalled jobs")
async def take_over_stalled_jobs(timestamp: int) -> None:
    """Queue again what dead workers have left half done."""
    del timestamp
    await _take_over(jobs, STALLED_AFTER_SECONDS)


async def _take_over(app: App, stalled_after_seconds: float) -> None:
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after_seconds):
        try:
            await app.job_manager.retry_job(job)
        except exceptions.UniqueViolation:
            # Somebody has asked for the same again meanwhile, and that one will be done.
            assert job.id is not None, "A stored job has an id."
            await app.job_manager.finish_job_by_id_async(
                job_id=job.id, status=Status.FAILED, delete_job=False
            )


@contextmanager
def _for_worker() -> Iterator[App]:
    """The application on connections of its own, as a worker needs them."""
    connector = jobs.connector
    assert isinstance(connector, DjangoConnector), "Outside a worker, jobs use Django's connection."
    with jobs.replace_connector(connector.get_worker_connector()) as app:
        yield app
