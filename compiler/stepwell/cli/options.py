"""Options that several commands share."""

from __future__ import annotations

import click


def _off(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Slugs of the findings to leave out; a code is taken for its slug."""
    if not values:
        return frozenset()
    from stepwell.diagnostics import Severity, find, slugs_of

    try:
        slugs = slugs_of(values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    for slug in sorted(slugs):
        if find(slug).severity is Severity.ERROR:
            raise click.BadParameter(f"{slug} is an error, and errors cannot be switched off.")
    return slugs


off_option = click.option(
    "--off",
    multiple=True,
    metavar="SLUG",
    callback=_off,
    help="Leave out a warning, by slug or code. Repeatable.",
)

locked_option = click.option(
    "--locked", is_flag=True, help="Fail where stepwell.lock is not up to date, instead of writing it."
)
