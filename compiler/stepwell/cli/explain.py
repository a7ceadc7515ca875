"""`stepwell explain`: a finding's code in full, or the list of all codes."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain a finding, named by its CODE (SW301) or its slug (unknown-reference).

    Without CODE, all of them are listed.
    """
    from stepwell.diagnostics import CODES, find

    if code is None:
        for row in CODES.values():
            click.echo(f"{row.id}  {row.severity.value:<7}  {row.slug:<24}  {row.title}")
        return
    try:
        found = find(code)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _show(f"{found.id} {found.slug}", f"{found.severity.value}: {found.title}", found.explanation)


def _show(title: str, subtitle: str, explanation: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(title, "bold"))
    console.print(Text(subtitle))
    console.print()
    if console.is_terminal:
        console.print(Markdown(explanation), width=min(100, console.width))
    else:
        click.echo(explanation)
