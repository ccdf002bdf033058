"""What is not wrong in a case but hardly meant: use of a zone that no line charges, a tax above all charges."""

from collections.abc import Iterator

from mains.engine.case.read import Service
from mains.engine.exact import Protocol
from mains.engine.language import tree
from mains.engine.tariff import Tariff

_ZONE = "usage."


def remarks_on(service: Service, protocol: Protocol) -> tuple[str, ...]:
    """Sentences for people on one bill."""
    return (*_uncharged(service), *_large_taxes(protocol))


def _large_taxes(protocol: Protocol) -> Iterator[str]:
    """`vat: 20` is two thousand percent."""
    charges = sum(line.amount_minor or 0 for line in protocol.lines if line.kind == "charge")
    taxes: dict[str, int] = {}
    for line in protocol.lines:
        if line.kind == "tax":
            taxes[line.component] = taxes.get(line.component, 0) + (line.amount_minor or 0)
    for name, amount in taxes.items():
        if amount > charges > 0:
            yield f"The tax {name} is more than all charges. A percentage is written with its sign: 20 %."


def _uncharged(service: Service) -> tuple[str, ...]:
    """None when all use is charged, or deliberately only as a total."""
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
