"""Bulk work on a Dask cluster behind the interface of `WorkerPool`: results as they come, lost workers replaced.

Workers have Mains installed and reach the same database by their own environment (DATABASE_URL): no secret travels over
the cluster, only the database's name. Work that a lost worker had begun is given to another one, so it must bear to be
done twice; slices do, because a slice is written in one transaction and marked in it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from django.db import connections

from mains.base.processes import WorkerPool, worker_pool
from mains.kernel.errors import MainsError

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONNECT_SECONDS = 20
_WAITING_PER_WORKER = 2


class UnableToUseCluster(MainsError):
    """There is no such cluster, it has no workers, or a worker does not reach this database."""


class ClusterPool(WorkerPool):
    """Workers of a cluster; `server` tells them which database is meant."""

    def __init__(self, client: Any, server: tuple[str, str]) -> None:
        super().__init__(None, 1)
        self._distributed: Any = import_module("distributed")
        self._client = client
        self._server = server

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item], *, waiting: int = _WAITING_PER_WORKER
    ) -> Iterator[tuple[Item, Result]]:
        """As `run_in_processes`: in the order of completion, the first error stops the rest and is raised."""
        queue = iter(items)
        item_of: dict[str, Item] = {}
        room = waiting * max(1, sum(self._client.nthreads().values()))
        finished = self._distributed.as_completed(loop=self._client.loop)

        def submit_next() -> None:
            for item in queue:
                # As bytes: a worker must set up Django before it can read what is made of our classes.
                future = self._client.submit(
                    _on_worker, self._server, _packing().dumps((work, item)), pure=False
                )
                item_of[future.key] = item
                finished.add(future)
                return

        for _ in range(room):
            submit_next()
        try:
            for future in finished:
                yield item_of.pop(future.key), future.result()
                submit_next()
        finally:
            finished.clear()


@contextmanager
def bulk_pool(
    *, cluster: str, processes: int, prepare: Sequence[str] = (), threads: int | None = None
) -> Iterator[WorkerPool]:
    """The workers of a cluster when its address is given, else those of `worker_pool`. Raises UnableToUseCluster."""
    if cluster:
        with cluster_pool(cluster) as pool:
            yield pool
        return
    with worker_pool(processes=processes, prepare=prepare, threads=threads) as own_pool:
        yield own_pool


@contextmanager
def cluster_pool(address: str) -> Iterator[ClusterPool]:
    """The workers behind a Dask scheduler, `tcp://host:8786`. Raises UnableToUseCluster."""
    if find_spec("distributed") is None:
        raise UnableToUseCluster(
            code="cluster-not-installed",
            message="This installation cannot speak to a Dask cluster.",
            place=address,
            remedy="Install the packages of requirements/cluster.txt here and on the workers.",
        )
    distributed: Any = import_module("distributed")
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UnableToUseCluster(
            code="cluster-unreachable",
            message=f"No Dask scheduler answers: {error}",
            place=address,
            remedy="Start one with `dask scheduler`, and give its address as tcp://host:8786.",
        ) from error
    with client:
        if not client.nthreads():
            raise UnableToUseCluster(
                code="cluster-empty",
                message="The cluster has no workers.",
                place=address,
                remedy="Start workers: DATABASE_URL=… dask worker tcp://host:8786 --nthreads 1.",
            )
        yield ClusterPool(client, _server())


def _server() -> tuple[str, str]:
    """Name of this process's database, and when its server started: the same for all who reach the same server."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_postmaster_start_time()::text")
        return connections["default"].settings_dict["NAME"], str(cursor.fetchone()[0])


def _on_worker(server: tuple[str, str], packed: bytes) -> Any:
    _set_up_once(*server)
    work, item = _packing().loads(packed)
    return work(item)


def _packing() -> Any:
    return import_module("distributed.protocol.pickle")


def _set_up_once(database: str, started: str) -> None:
    """Set up Django in a worker for one database; a worker serves one all its life."""
    from django.apps import apps

    if not apps.ready:
        os.environ["MAINS_DATABASE"] = database
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
        import django

        django.setup()
    found, since = _server()
    if (found, since) != (database, started):
        raise UnableToUseCluster(
            code="cluster-other-database",
            message=f"A worker reaches database {found} of a server started {since}, not {database} of {started}.",
            place="Dask worker",
            remedy="Start workers with the DATABASE_URL of this command, and anew for another database.",
        )
