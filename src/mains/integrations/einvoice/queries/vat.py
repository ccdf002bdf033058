"""Which component of a tariff is VAT, at what rate, and on which other components: read from its formula."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.language.tree import Arithmetic, ComponentValue, Literal, Negation, Node, Parameter, Rounded
from mains.engine.tariff.model import POSTED_KINDS, Component, Tariff, Version
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice

VAT_NAMES = frozenset({"vat", "kdv", "nds", "mwst", "ust", "tva", "iva", "btw", "moms", "dph", "alv"})
"""Components called so, or so with an ending after an underscore, are VAT."""

_Linear = Mapping[str, Fraction]
_CONSTANT = ""


@dataclass(frozen=True, kw_only=True)
class VatRule:
    """`rate` is a share (0.2 for 20 %) of the net amounts of the components `covers`; `is_included` where their amounts
    hold the VAT already. `step_minor`: to how many minor units the tariff rounds the VAT."""

    rate: Fraction
    covers: frozenset[str]
    is_included: bool
    step_minor: Fraction = Fraction(1)


class _NotLinear(Exception):
    """The formula is not a share of other components."""


def is_vat(component: str, *, named: frozenset[str]) -> bool:
    """Whether a tax component is VAT: by its own name, or because the supplier says so."""
    return component in named or component.partition("_")[0] in VAT_NAMES


def find_rule(*, tariff: Tariff, component: str, day: date) -> VatRule:
    """How the VAT component of a tariff is computed on a day.

    Raises UnableToMakeInvoice where the formula is not one rate on whole amounts of components.
    """
    version = tariff.find_version(day)
    found = version.by_name.get(component) if version else None
    if version is None or found is None:
        raise _unable(tariff, component, f"The tariff has no component {component} on {day}.")
    try:
        linear = _linear(found.formula, version, tariff.season_of(day))
    except _NotLinear as error:
        raise _unable(tariff, component, str(error)) from error
    shares = {name: share for name, share in linear.items() if name != _CONSTANT and share}
    rates = set(shares.values())
    if linear.get(_CONSTANT) or len(rates) > 1 or not all(0 <= rate < 1 for rate in rates):
        raise _unable(tariff, component, "The formula is not one rate on whole amounts of other components.")
    share = next(iter(rates), Fraction(0))
    included = found.kind == "tax_included"
    return VatRule(
        rate=share / (1 - share) if included else share,
        covers=frozenset(shares) or frozenset(linear) - {_CONSTANT},
        is_included=included,
        step_minor=_step_minor(found, tariff),
    )


def _step_minor(component: Component, tariff: Tariff) -> Fraction:
    step = component.rounding.step if component.rounding else tariff.minor_unit
    return max(Fraction(1), step * tariff.posting_scale)


def _linear(node: Node, version: Version, season: str) -> _Linear:
    """The formula as a sum of components, each with a factor, and a constant under the empty name."""
    match node:
        case Literal():
            return {_CONSTANT: node.value}
        case Parameter():
            return {_CONSTANT: _figure(node, version, season)}
        case ComponentValue():
            component = version.by_name.get(node.name)
            if component is not None and component.kind not in POSTED_KINDS:
                return _linear(component.formula, version, season)
            return {node.name: Fraction(1)}
        case Negation():
            return _scaled(_linear(node.operand, version, season), Fraction(-1))
        case Rounded():
            return _linear(node.operand, version, season)
        case Arithmetic():
            left, right = _linear(node.left, version, season), _linear(node.right, version, season)
            return _combined(node.operator, left, right)
        case _:
            raise _NotLinear(f"`{node.text}` is not a share of other components.")


def _combined(operator: str, left: _Linear, right: _Linear) -> _Linear:
    if operator in "+-":
        sign = 1 if operator == "+" else -1
        names = [*left, *(name for name in right if name not in left)]
        return {name: left.get(name, Fraction(0)) + sign * right.get(name, Fraction(0)) for name in names}
    if operator == "/":
        if set(right) != {_CONSTANT} or not right[_CONSTANT]:
            raise _NotLinear("The formula divides by an amount.")
        return _scaled(left, 1 / right[_CONSTANT])
    if set(right) == {_CONSTANT}:
        return _scaled(left, right[_CONSTANT])
    if set(left) == {_CONSTANT}:
        return _scaled(right, left[_CONSTANT])
    raise _NotLinear("The formula multiplies amounts with each other.")


def _scaled(linear: _Linear, factor: Fraction) -> _Linear:
    return {name: share * factor for name, share in linear.items()}


def _figure(node: Parameter, version: Version, season: str) -> Fraction:
    table = version.tables[node.name]
    cells = table.cells
    if node.key is not None or table.keys == ("season",):
        found = table.find_cell((node.key or season,))
        cells = {} if found is None else dict([found])
    values = set(cells.values())
    if len(values) != 1 or not isinstance(value := values.pop(), Fraction):
        raise _NotLinear(f"The rate {node.name} depends on a fact of the account.")
    return value


def _unable(tariff: Tariff, component: str, message: str) -> UnableToMakeInvoice:
    return UnableToMakeInvoice(
        code="vat-formula",
        message=message,
        place=f"tariff {tariff.code}, component {component}",
        remedy="Write VAT as one rate on whole charges, such as `vat * (energy + fixed)`, one component for each rate.",
    )
