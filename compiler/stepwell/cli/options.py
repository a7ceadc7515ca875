"""Options that several commands share."""

from __future__ import annotations

import click

from stepwell.cli.words import did_you_mean


def _off(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Slugs of the findings to leave out; a code's number is taken for its slug."""
    if not values:
        return frozenset()
    from stepwell.diagnostics import CODES, Severity

    by_word = {code.slug: code for code in CODES.values()} | CODES
    slugs = set()
    for value in values:
        code = by_word.get(value) or by_word.get(value.upper())
        if code is None:
            raise click.BadParameter(f"there is no finding {value!r}.{did_you_mean(value, by_word)}")
        if code.severity is Severity.ERROR:
            raise click.BadParameter(f"{code.slug} is an error, and errors cannot be switched off.")
        slugs.add(code.slug)
    return frozenset(slugs)


off_option = click.option(
    "--off",
    multiple=True,
    metavar="SLUG",
    callback=_off,
    help="Leave out a warning, by slug or code. Repeatable.",
)
