"""An explanation tree on a terminal."""

from rich.console import Console
from rich.tree import Tree

from mains.engine.exact import Step, show_short

_WIDTH_OF_FILES = 240
"""A tree cuts its lines at the console's width; files and pipes have none of their own."""


def tree_console() -> Console:
    """A plain console: as wide as the terminal, wide elsewhere."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    return console


def step_tree(step: Step) -> Tree:
    """The step and all below it, one line each: label, value, formula, rounding, source."""
    tree = Tree(_describe(step))
    for child in step.children:
        tree.add(step_tree(child))
    return tree


def _describe(step: Step) -> str:
    text = f"{step.label} = {show_short(step.value)}"
    if step.unit:
        text += f" {step.unit}"
    if step.formula and step.formula != step.label:
        text += f"   by {step.formula}"
    if step.unrounded is not None and step.unrounded != step.value:
        text += f"   rounded from {show_short(step.unrounded)} ({step.rounding})"
    if step.source:
        text += f"   [{step.source}]"
    return text
