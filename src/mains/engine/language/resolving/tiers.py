"""Functions that read a table with tiers: tiers, block, step."""

from mains.engine.language import syntax, tree
from mains.engine.language.extent import EXTENSIVE, find_extent
from mains.engine.language.guesses import guess, limits_remedy
from mains.engine.language.resolving.functions import FunctionResolver
from mains.engine.language.resolving.names import Typed, fail, without_prefix
from mains.engine.language.units import NUMBER, Unit


class TierResolver(FunctionResolver):
    """Resolves amounts that are priced by tiers."""

    def _tiered(self, node: syntax.CallSyntax) -> Typed:
        allowed = {"scale", "limits_to", "limits_mode"} | (
            {"share_of", "start", "parts_to", "parts_mode"} if node.name == "tiers" else {"limits"}
        )
        self._only(node, allowed)
        named = dict(node.named)
        if len(node.arguments) != 2 or not isinstance(node.arguments[1], syntax.NameSyntax):
            raise fail(
                "formula-syntax",
                f"{node.name}(…) takes an amount and a table.",
                f"Write {node.name}(usage, energy).",
                node.text,
            )
        ways = [option for option in ("share_of", "start", "parts_to") if option in named]
        # What is a share of each tier can be rounded by tier; a difference of two sums cannot.
        if len(ways) > 1 and ways != ["share_of", "parts_to"]:
            raise fail("formula-syntax", f"{' and '.join(ways)} exclude each other.", "Keep one.", node.text)
        amount, unit = self._numeric(node.arguments[0])
        table = without_prefix(node.arguments[1])
        if table.parts[0] not in self._names.tables:
            raise fail(
                "unknown-name",
                f"“{table.text}” is not a table under prices.",
                guess(table.parts[0], self._names.tables)
                + f"Tables: {', '.join(self._names.tables) or 'none'}.",
                node.text,
            )
        shape, key = self._table(table)
        scale, scaled_unit = self._scale(named.get("scale"), shape.limit_unit)
        if shape.tiered and unit is not None and unit not in (shape.limit_unit, scaled_unit):
            raise fail(
                "unit-mismatch",
                f"“{node.arguments[0].text}” is in {unit}, but the limits of “{table.text}” are in "
                f"{shape.limit_unit}.",
                limits_remedy(table.text, shape.limit_unit, unit),
                node.text,
            )
        of = self._amount_like(named.get("share_of"), unit, node)
        start = self._amount_like(named.get("start"), unit, node)
        extents = self._names.extents
        by_share = find_extent(of or amount, extents) == EXTENSIVE and (
            scale is None or find_extent(scale, extents) != EXTENSIVE
        )
        result = shape.unit if node.name == "step" else (unit or NUMBER) * shape.unit
        return self._typed(
            tree.Tiered(
                text=node.text,
                unit=result,
                method=node.name,
                amount=amount,
                table=table.parts[0],
                key=key,
                scale=scale,
                by_share=by_share,
                of=of,
                start=start,
                limits_step=self._step(named.get("limits_to")),
                limits_mode=self._mode(named.get("limits_mode")),
                parts_step=self._step(named.get("parts_to")),
                parts_mode=self._mode(named.get("parts_mode")),
                exclusive=self._is_exclusive(named.get("limits")),
            )
        )

    def _is_exclusive(self, node: syntax.Syntax | None) -> bool:
        if node is None:
            return False
        if node.text not in ("inclusive", "exclusive"):
            raise fail(
                "unknown-choice",
                f"limits: “{node.text}” is not possible.",
                "Write limits: exclusive where an amount at the limit belongs to the next tier.",
                node.text,
            )
        return node.text == "exclusive"

    def _scale(self, node: syntax.Syntax | None, limit_unit: Unit) -> tuple[tree.Node | None, Unit]:
        """Scales stretch limits over time or people; their own unit (months, days / 30) is not carried on."""
        if node is None:
            return None, limit_unit
        scale, unit = self._numeric(node)
        if unit is not None and unit.has(self._names.units.currency):
            raise fail(
                "unit-mismatch",
                f"scale: “{node.text}” is money.",
                "Scale limits by months, days/30 or people.",
                node.text,
            )
        return scale, limit_unit * (unit or NUMBER)

    def _amount_like(
        self, node: syntax.Syntax | None, unit: Unit | None, whole: syntax.Syntax
    ) -> tree.Node | None:
        if node is None:
            return None
        value, own = self._numeric(node)
        self._agree(unit, own, whole)
        return value
