"""How wide ropes are, so that templates can choose between one line and several."""

from __future__ import annotations

from stepwell.javascript import Indented, Js, Snippet

WIDE = 100
"""What a line may hold beside the indentation that its surroundings add."""

_Piece = str | Snippet | Js | Indented


def indent(js: Js) -> Js:
    """`js` with every line but its first indented by two more."""
    return Js((Indented(js, 2),))


def width(*ropes: Js) -> int:
    """How many columns the first lines of the ropes take together (what is over `WIDE` is not counted on)."""
    return sum(_measure(rope)[0] for rope in ropes)


def multiline(js: Js) -> bool:
    """Whether a rope has more than one line."""
    return _measure(js, 1_000_000)[1]


def fits(js: Js, columns: int) -> bool:
    """Whether a rope is one line of at most so many columns."""
    wide, broken = _measure(js, columns)
    return not broken and wide <= columns


def starts_with(js: Js) -> str:
    """The first character of a rope."""
    stack: list[_Piece] = [js]
    while stack:
        piece = stack.pop()
        if isinstance(piece, Js):
            stack.extend(reversed(piece.pieces))
        elif isinstance(piece, Indented):
            stack.append(piece.inner)
        else:
            text = piece if isinstance(piece, str) else piece.text
            if text:
                return text[0]
    return ""


def _measure(js: Js, limit: int = WIDE) -> tuple[int, bool]:
    """The width of the first line, and whether it ends in a line break; stops once it is over `limit`."""
    wide = 0
    stack: list[_Piece] = [js]
    while stack and wide <= limit:
        piece = stack.pop()
        if isinstance(piece, Js):
            stack.extend(reversed(piece.pieces))
        elif isinstance(piece, Indented):
            stack.append(piece.inner)
        else:
            text = piece if isinstance(piece, str) else piece.text
            end = text.find("\n")
            if end >= 0:
                return wide + end, True
            wide += len(text)
    return wide, False
