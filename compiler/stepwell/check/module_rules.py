"""What a module of a Worker may hold, for steps' code and trigger code alike."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.javascript import NODE_MODULES

ENV_WHOLE = (
    "`env` is used as a whole, so the bindings that are read cannot be seen",
    "read them by name: `env.NAME`",
)
"""What is said of `env` that leaves for where it cannot be followed, and what to do."""

JSX = ("a Worker's code cannot hold JSX", "write the text as a string or a template literal")


def importable(module: str) -> bool:
    """Whether a Worker can import a module as it is: the runtime has it."""
    return module.startswith(("cloudflare:", "node:"))


def import_fault(module: str, dependencies: Mapping[str, str]) -> tuple[str, str] | None:
    """Why an import is refused, and what to do; None when it is one of the runtime's or of a dependency."""
    package = package_of(module)
    if importable(module) or package in dependencies:
        return None
    if module.startswith((".", "/")) or ":" in module:
        return f"the code imports `{module}`, and a graph's code lies beside no files", "import a package, or `node:*`"
    if package in NODE_MODULES:
        return f"`{package}` is a module of the runtime, not a package", f'import it as "node:{module}"'
    return f"the package `{package}` is not among the dependencies", f'add "{package}" to `dependencies`'


def package_of(module: str) -> str:
    """The package of an import: `@scope/name/sub` is `@scope/name`."""
    parts = module.split("/")
    return "/".join(parts[: 2 if module.startswith("@") else 1])
