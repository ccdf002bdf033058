"""What is not wrong in a case but hardly meant: use of a zone that no line charges."""

from collections.abc import Iterator

from mains.engine.case.read import Service
from mains.engine.language import tree
from mains.engine.tariff import Tariff

_ZONE = "usage."


def remarks_on(service: Service) -> tuple[str, ...]:
    """Sentences for people; none when all use is charged, or deliberately only as a total."""
    read = set(_zones_read(service.tariff))
    measured = {name.removeprefix(_ZONE) for name in service.facts.use if name.startswith(_ZONE)}
    if not read:
        return ()
    return tuple(
        f"No line of {service.tariff.code} reads usage.{zone}: that use costs nothing by itself."
        for zone in sorted(measured - read)
    )


def _zones_read(tariff: Tariff) -> Iterator[str]:
    for version in tariff.versions:
        for component in version.components:
            for root in (component.formula, component.condition):
                if root is None:
                    continue
                yield from (
                    node.zone
                    for node in tree.walk(root)
                    if isinstance(node, tree.Use) and node.zone is not None
                )
