"""`mains doctor`: what is missing or misconfigured, and the remedy."""

import typer

from mains.config.checkup import Finding, State, examine

_SIGNS = {State.GOOD: "ok", State.WARNING: "warning", State.BROKEN: "BROKEN", State.UNKNOWN: "waits"}
_COLOURS = {
    State.GOOD: typer.colors.GREEN,
    State.WARNING: typer.colors.YELLOW,
    State.BROKEN: typer.colors.RED,
    State.UNKNOWN: typer.colors.YELLOW,
}


def doctor() -> None:
    """Examine the installation. Exit code 1 when something is broken."""
    findings = examine()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        _print(finding, width)
    broken = sum(finding.state is State.BROKEN for finding in findings)
    warnings = sum(finding.state is State.WARNING for finding in findings)
    typer.echo(f"{len(findings)} checks, {broken} broken, {warnings} warnings.")
    raise typer.Exit(1 if broken else 0)


def _print(finding: Finding, width: int) -> None:
    colour = _COLOURS[finding.state]
    sign = typer.style(f"{_SIGNS[finding.state]:<7}", fg=colour)
    typer.echo(f"{finding.subject:<{width}}  {sign}  {finding.detail}")
    if finding.remedy:
        typer.echo(f"{'':<{width}}  {'':<7}  {finding.remedy}")
