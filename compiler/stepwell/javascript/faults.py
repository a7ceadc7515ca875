"""Syntax errors, told at the user's place and in the user's terms.

tree-sitter always yields a tree and marks what it had to skip or make up. Where the brackets do not match,
that says most and is told first; otherwise the first place is found where two tokens cannot stand together.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Final

from stepwell.javascript.facts import position
from stepwell.javascript.names import KEYWORDS, is_name, words
from stepwell.javascript.scopes import shown
from stepwell.javascript.tree import COMMENTS, Tree

OPENERS: Final = {"'(": ")", "'[": "]", "'{": "}", "'${": "}"}
CLOSERS: Final = frozenset({"')", "']", "'}"})
UNENDING: Final = {
    "'\"": 'the string is not closed: `"` is missing',
    "''": "the string is not closed: `'` is missing",
    "'`": "the template literal is not closed: `` ` `` is missing",
    "'/": "the regular expression is not closed: `/` is missing",
}
VALUES: Final = words(
    """
    identifier property_identifier shorthand_property_identifier shorthand_property_identifier_pattern
    number this null true false undefined super private_property_identifier type_identifier regex_flags
    """
)
EXPECTING: Final = words(
    """
    '= '+ '- '* '/ '% '** '== '=== '!= '!== '< '> '<= '>= '&& '|| '?? '& '| '^ '<< '>> '>>> '+= '-= '*=
    '/= '=> '! '~ '? ': '. '... 'new 'typeof 'void 'delete 'await 'in 'of 'instanceof 'throw 'case
    'extends
    """
)
"""Tokens after which an operand has to stand."""

CANNOT_START: Final = words(
    """
    '= '* '% '** '== '=== '!= '!== '>= '<= '&& '|| '?? '& '| '^ '>> '>>> '+= '-= '*= '/= '=> '? ': '. ',
    '; ') '] '}
    """
)
"""Tokens that no operand begins with."""

DECLARING: Final = frozenset({"'const", "'var"})
NAMING: Final = frozenset({"identifier", "'{", "'[", "'enum", "ERROR"})
TEXTS: Final = words(
    """
    string string_fragment regex regex_pattern comment html_comment jsx_text escape_sequence
    """
)
BLANKS: Final = frozenset("\u00a0\ufeff\u2028\u2029")
HEADED: Final = frozenset({"'if", "'while", "'switch", "'with"})
SOFT: Final = words(
    """
    async get set static of type as declare namespace module abstract readonly is in using
    """
)
MAX_FAULTS: Final = 5

Found = tuple[int, str]


def syntax_faults(tree: Tree) -> list[Found]:
    """Offset and message of what is wrong, in the order of the text. Empty only for a whole tree."""
    if not tree.broken:
        return []
    leaves = list(tree.leaves())
    unclosed = _unclosed_text(tree, leaves)
    found = [unclosed] if unclosed else _brackets(tree, leaves)
    first = min((at for at, _ in found), default=len(tree.text) + 1)
    found += [made_up for made_up in _missing(tree) if made_up[0] < first or not found]
    if not found:
        found = _skipped(tree, leaves)
    return sorted(dict(found).items())[:MAX_FAULTS]


def odd_characters(tree: Tree) -> list[Found]:
    """The first character that JavaScript has no use for outside strings and comments, if there is one.

    tree-sitter reads many of them as blanks or letters: spaces that cannot be seen, typographic quotes.
    """
    if tree.text.isascii():
        return []
    inside = sorted((tree.starts[row], tree.ends[row]) for row, kind in enumerate(tree.kinds) if kind in TEXTS)
    place, end = 0, -1
    for at, ch in enumerate(tree.text):
        while place < len(inside) and inside[place][0] <= at:
            end = max(end, inside[place][1])
            place += 1
        if ch > "\x7f" and at >= end and not (ch in BLANKS or unicodedata.category(ch) == "Zs" or is_name("a" + ch)):
            return [(at, f"unexpected {shown(ch)}" + ("" if ch.isprintable() else ", which cannot be seen"))]
    return []


def _unclosed_text(tree: Tree, leaves: list[int]) -> Found | None:
    """A string, template, regular expression or comment that never ends: all after it was misread."""
    for row in tree.missing:
        if tree.kinds[row] in UNENDING:
            return tree.starts[tree.parents[row]], UNENDING[tree.kinds[row]]
    for row, kind in enumerate(tree.kinds):
        if kind == "ERROR" and row and tree.kinds[tree.parents[row]] == "string":
            return tree.starts[tree.parents[row]], "the string is not closed on its line"
    for leaf in leaves:
        kind, parent = tree.kinds[leaf], tree.kinds[tree.parents[leaf]] if leaf else ""
        if parent != "ERROR":
            continue
        if kind == "'/" and tree.text.startswith("/*", tree.starts[leaf]):
            return tree.starts[leaf], "the comment is not closed: `*/` is missing"
        if kind == "regex_pattern":
            return tree.starts[leaf] - 1, UNENDING["'/"]
        if kind in UNENDING and kind != "'/":
            return tree.starts[leaf], UNENDING[kind]
    return None


def _brackets(tree: Tree, leaves: list[int]) -> list[Found]:
    """The first bracket that does not match."""
    stack: list[int] = []
    for leaf in leaves:
        kind = tree.kinds[leaf]
        if tree.starts[leaf] == tree.ends[leaf]:
            continue
        if kind in OPENERS:
            stack.append(leaf)
        elif kind in CLOSERS:
            if stack and OPENERS[tree.kinds[stack[-1]]] == kind[1:]:
                stack.pop()
            else:
                return [_mismatch(tree, leaf, stack)]
    if stack:
        leaf = stack[-1]
        word = OPENERS[tree.kinds[leaf]]
        return [(tree.starts[leaf], f"missing `{word}`: this `{tree.kinds[leaf][1:]}` is never closed")]
    return []


def _mismatch(tree: Tree, leaf: int, stack: list[int]) -> Found:
    found = tree.kinds[leaf][1:]
    if not stack or not any(OPENERS[tree.kinds[opener]] == found for opener in stack):
        return tree.starts[leaf], f"unexpected `{found}`: nothing is open that it could close"
    opener = stack[-1]
    line, _ = position(tree.text, tree.starts[opener])
    wanted, word = OPENERS[tree.kinds[opener]], tree.kinds[opener][1:]
    return tree.starts[leaf], f"missing `{wanted}` before `{found}`, for the `{word}` of line {line}"


def _missing(tree: Tree) -> list[Found]:
    """Tokens that the parser made up."""
    # A `!` is only ever made up to turn something into a TypeScript assertion, which nobody meant.
    rows = [row for row in tree.missing if tree.kinds[row] != "'!"]
    return [(tree.starts[row], _missing_message(tree.kinds[row])) for row in rows]


def _missing_message(kind: str) -> str:
    if kind[0] == "'":
        return f"missing `{kind[1:]}`"
    return "a name or value is missing" if kind in VALUES else "something is missing"


def _skipped(tree: Tree, leaves: list[int]) -> list[Found]:
    """For each piece that was skipped, the first token that cannot stand where it stands."""
    errors = [row for row, kind in enumerate(tree.kinds) if kind == "ERROR"]
    found: list[Found] = []
    done = -1
    place = 0
    for row in errors:
        if row < done:
            continue
        done = tree.stops[row]
        while place < len(leaves) and leaves[place] < row:
            place += 1
        found.append(_culprit(tree, leaves, place, row))
        if len(found) == MAX_FAULTS:
            break
    return found or [_after(tree, leaves, tree.missing[0] if tree.missing else 0)]


def _after(tree: Tree, leaves: list[int], row: int) -> Found:
    """The token that made the parser make something up."""
    token = next((leaf for leaf in leaves if leaf > row), -1)
    return (tree.starts[token], f"unexpected {_token(tree, token)}") if token >= 0 else (0, "this is not JavaScript")


def _culprit(tree: Tree, leaves: list[int], place: int, error: int) -> Found:
    stop = place
    while stop < len(leaves) and leaves[stop] < tree.stops[error]:
        stop += 1
    near = leaves[max(place - 1, 0) : stop + 1]
    for first, second in pairwise(near):
        reason = _clash(tree, first, second)
        if reason is not None:
            return tree.starts[second], reason
    if stop >= len(leaves) and near and tree.kinds[near[-1]] in EXPECTING:
        last = near[-1]
        return tree.ends[last], f"the code ends after {_token(tree, last)}, where a value is expected"
    if stop >= len(leaves) and stop - place > 1 and tree.kinds[near[-1]] not in CLOSERS:
        return tree.ends[near[-1]], "the code ends before this is complete"
    if place < stop:
        return tree.starts[leaves[place]], f"unexpected {_token(tree, leaves[place])}"
    return tree.starts[error], f"unexpected {shown(tree.slice(error)[:20] or 'end of the code')}"


def _clash(tree: Tree, first: int, second: int) -> str | None:
    """Why two neighbouring tokens cannot stand together, if that is so."""
    one, two = tree.kinds[first], tree.kinds[second]
    if one in EXPECTING and two in CANNOT_START and not (one == "'?" and two == "'."):
        return f"unexpected {_token(tree, second)} after {_token(tree, first)}, where a value is expected"
    if one in HEADED and two != "'(":
        return f"missing `(` after `{one[1:]}`"
    if one in DECLARING and tree.kinds[second] not in NAMING:
        return f"unexpected {_token(tree, second)} after `{one[1:]}`, where a name is expected"
    between = tree.text[tree.ends[first] : tree.starts[second]]
    if _is_value(tree, first) and _is_value(tree, second) and not ("\n" in between or "\r" in between):
        return f"unexpected {_token(tree, second)} after {_token(tree, first)}"
    return None


def _is_value(tree: Tree, leaf: int) -> bool:
    kind = tree.kinds[leaf]
    if kind in ("'\"", "''", "'`"):
        return tree.kinds[tree.parents[leaf]] in ("string", "template_string")
    word = tree.slice(leaf)
    return kind in VALUES and word not in SOFT and (word not in KEYWORDS or kind != "identifier")


def _token(tree: Tree, leaf: int) -> str:
    text = tree.slice(leaf)
    if not text:
        return "end of the code"
    return shown(text)


def expression_faults(tree: Tree) -> list[Found]:
    """Why a text is not exactly one expression, though what was parsed, `(\\n…\\n)`, may be whole."""
    if not tree.broken and _is_in_brackets(tree):
        return []
    found = syntax_faults(tree)
    if found or _is_one_expression(tree):
        return found
    statement = 1
    if len(list(tree.children(0))) > 1 or tree.kinds[2] != "parenthesized_expression":
        leaf = next((leaf for leaf in tree.leaves() if tree.kinds[leaf] == "')"), 0)
        return [(tree.starts[leaf], "unexpected `)`: nothing is open that it could close")]
    inner = tree.named(2)
    if tree.kinds[inner[0]] == "sequence_expression":
        comma = next(child for child in tree.children(inner[0]) if tree.kinds[child] == "',")
        return [(tree.starts[comma], "unexpected `,`: exactly one expression is expected")]
    if len(inner) > 1:
        return [(tree.starts[inner[1]], f"unexpected {shown(tree.slice(inner[1]))} after the expression")]
    return [(tree.starts[statement], "exactly one expression is expected")]


def _is_in_brackets(tree: Tree) -> bool:
    """Whether the tree is `(…)` with one expression inside, and no comment: what nearly all of them are."""
    kinds, stops = tree.kinds, tree.stops
    if len(kinds) < 6 or not tree.present.isdisjoint(COMMENTS) or not stops[0] == stops[1] == stops[2]:
        return False
    last = stops[4]
    return (
        kinds[1] == "expression_statement"
        and kinds[2] == "parenthesized_expression"
        and kinds[3] == "'("
        and kinds[4] != "sequence_expression"
        and last + 1 == stops[2]
        and kinds[last] == "')"
    )


def _is_one_expression(tree: Tree) -> bool:
    """Whether the outermost brackets are those that were put around the text, with one expression inside."""
    outer = [child for child in tree.children(0) if tree.kinds[child] not in COMMENTS]
    if outer != [1] or tree.kinds[1] != "expression_statement" or list(tree.children(1)) != [2]:
        return False
    if tree.kinds[2] != "parenthesized_expression" or tree.kinds[3] != "'(":
        return False
    inner = [child for child in tree.children(2) if tree.kinds[child] not in COMMENTS]
    return len(inner) == 3 and tree.kinds[inner[2]] == "')" and tree.kinds[inner[1]] != "sequence_expression"
