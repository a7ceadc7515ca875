"""Text as a comment that nothing in it can end."""

from __future__ import annotations

from stepwell.javascript import Js


def doc_comment(text: str) -> Js | None:
    """`text` as a `/** … */` comment; None when it is blank."""
    lines = [_line(line).rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not any(lines):
        return None
    if len(lines) == 1:
        return Js(("/** ", lines[0], " */"))
    body = "\n".join(f" * {line}".rstrip() for line in lines)
    return Js(("/**\n", body, "\n */"))


def _line(line: str) -> str:
    shown = "".join(ch if ch.isprintable() or ch == "\t" else " " for ch in line)
    return shown.replace("*/", "*\\/")
