"""A JSON text beside the one that was read before it: which nodes differ, found without reading the rest again.

Two texts that are the same up to a node and behind one hold the same values there: JSON is read from left to right,
and a node ends where its braces do. So only what lies between is read.
"""

from __future__ import annotations

import json
import marshal
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from stepwell.diagnostics import Diagnostic, Place
from stepwell.graph import jsontext, values
from stepwell.graph.locate import Locator, place_of

_BLANK = re.compile(r"[ \t\n\r]*")
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON text that was read: where the items of the list of nodes begin and end, and where that list does."""

    text: str
    nodes: Sequence[dict[str, Any]]
    starts: Sequence[int]
    ends: Sequence[int]
    opened: int
    """Behind the `[` of the list."""
    closed: int
    """Its `]`."""
    frame: dict[str, Any]
    """The document without its nodes."""

    def node(self, number: int) -> str:
        """How a node is written."""
        return self.text[self.starts[number] : self.ends[number]]

    @property
    def enveloped(self) -> bool:
        return "nodes" not in self.frame

    @property
    def metadata(self) -> Any:
        """The artifact's."""
        return (self.frame["ir"] if self.enveloped else self.frame).get("metadata")


def located(text: str, value: dict[str, Any]) -> Text | None:
    """Where the nodes stand in a text that was read as `value` and is right; no object in it repeats a key.

    None where half a character stands in it, which the parsers that find places do not agree on.
    """
    text = text.removeprefix("\ufeff")
    if not _is_whole(text):
        return None
    enveloped = "ir" in value and "nodes" not in value
    at = opened = _opened(text, enveloped)
    scan = json.JSONDecoder().raw_decode
    starts, ends = [], []
    while text[at := _skip(text, at)] != "]":
        at = _skip(text, at + 1) if text[at] == "," else at
        starts.append(at)
        at = scan(text, at)[1]
        ends.append(at)
    nodes = (value["ir"] if enveloped else value)["nodes"]
    assert len(nodes) == len(starts)
    return Text(text, nodes, starts, ends, opened, at, _frame(value, enveloped))


def _frame(value: dict[str, Any], enveloped: bool) -> dict[str, Any]:
    return {**value, "ir": _frame(value["ir"], False)} if enveloped else {**value, "nodes": None}


def _opened(text: str, enveloped: bool) -> int:
    """Behind the `[` of the list of nodes."""
    at = _behind(text, 0)
    if enveloped:
        at = _behind(text, _value_of(text, at, "ir"))
    return _behind(text, _value_of(text, at, "nodes"))


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _behind(text: str, at: int) -> int:
    """Behind the bracket that opens the value at `at`."""
    return _skip(text, at) + 1


def _value_of(text: str, at: int, wanted: str) -> int:
    """Where the value of a key stands in the object whose members begin at `at`."""
    scan = json.JSONDecoder().raw_decode
    while True:
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
        key, at = scan(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == wanted:
            return at
        at = scan(text, at)[1]


class Changed(NamedTuple):
    """A text beside another one: the nodes that differ, those that are written differently (these too), and whether
    what stands around the nodes is. The metadata may differ as well."""

    text: Text
    nodes: Sequence[int] = ()
    rewritten: Sequence[int] = ()
    around: bool = False


def changed(old: Text, text: str) -> Changed | None:
    """What differs in a new text; None where that is more than nodes and metadata, or the text is not right."""
    text = text.removeprefix("\ufeff")
    first = _common(old.text, text)
    if first == len(old.text) == len(text):
        return Changed(old)
    if first < old.opened:
        moved = _moved(old, text)
        found = changed(moved, text) if moved is not None else None
        return _read_again(old, text) if found is None else found._replace(around=True)
    same = _common_end(old.text, text, min(len(old.text), len(text)) - first)
    one, last = bisect_right(old.ends, first), bisect_left(old.starts, len(old.text) - same) - 1
    start = old.ends[one - 1] if one else old.opened
    stop = old.starts[last + 1] if last + 1 < len(old.starts) else old.closed
    more = len(text) - len(old.text)
    if not (start <= first and len(old.text) - same <= stop and start <= stop + more):
        return _read_again(old, text)
    if not _is_whole(text[start : stop + more]):
        return None
    read = _between(text, start, stop + more, one > 0, last + 1 < len(old.starts))
    if read is None or len(read) != last + 1 - one:
        return None
    nodes = list(old.nodes)
    nodes[one : last + 1] = [value for value, _, _ in read]
    starts = [*old.starts[:one], *(a for _, a, _ in read), *[at + more for at in old.starts[last + 1 :]]]
    ends = [*old.ends[:one], *(b for _, _, b in read), *[at + more for at in old.ends[last + 1 :]]]
    new = replace(old, text=text, nodes=nodes, starts=starts, ends=ends, closed=old.closed + more)
    return _compared(old, new, range(one, last + 1), False)


def _moved(old: Text, text: str) -> Text | None:
    """The old text with what stands before the list of nodes as it is now; None where other things than metadata do."""
    try:
        opened = _opened(text, old.enveloped)
    except (ValueError, IndexError, RecursionError):
        return None
    before, more = text[:opened], opened - old.opened
    one, other = (_head(head, old.enveloped) for head in (old.text[: old.opened], before))
    if one is None or other is None or not _is_whole(before) or not same_value(_bare(one), _bare(other)):
        return None
    inner = other["ir"] if old.enveloped else other
    if "metadata" not in inner:
        frame = old.frame
    elif old.enveloped:
        frame = {**old.frame, "ir": {**old.frame["ir"], "metadata": inner["metadata"]}}
    else:
        frame = {**old.frame, "metadata": inner["metadata"]}
    return Text(
        before + old.text[old.opened :],
        old.nodes,
        [at + more for at in old.starts],
        [at + more for at in old.ends],
        opened,
        old.closed + more,
        frame,
    )


def _head(before: str, enveloped: bool) -> dict[str, Any] | None:
    """What stands before the list of nodes, as a document without nodes."""
    if not before.endswith("["):
        return None
    value, repeated, fault = jsontext.parse(f"{before[:-1]}null}}{'}' if enveloped else ''}")
    return value if isinstance(value, dict) and fault is None and not repeated else None


def _bare(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame without what the metadata say."""
    if "nodes" not in frame:
        return {**frame, "ir": _bare(frame["ir"])}
    return {**frame, "metadata": None} if "metadata" in frame else frame


def _read_again(old: Text, text: str) -> Changed | None:
    """The same where more than nodes may be written differently: all of the text is read."""
    value, repeated, fault = jsontext.parse(text)
    if fault is not None or repeated or not _is_document(value):
        return None
    new = located(text, value)
    if new is None or len(new.nodes) != len(old.nodes) or not same_value(_bare(old.frame), _bare(new.frame)):
        return None
    return _compared(old, new, range(len(new.nodes)), True)


def _is_document(value: Any) -> bool:
    inner = value.get("ir", value) if isinstance(value, dict) and "nodes" not in value else value
    return isinstance(inner, dict) and isinstance(inner.get("nodes"), list)


def _compared(old: Text, new: Text, among: Iterable[int], around: bool) -> Changed | None:
    rewritten = [at for at in among if old.node(at) != new.node(at)]
    other = [at for at in rewritten if not same_value(old.nodes[at], new.nodes[at])]
    if any(_fault(new.nodes[at], old.enveloped) for at in other):
        return None
    return Changed(new, other, rewritten, around)


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: also in the order of keys, and `1` is neither `1.0` nor `true`."""
    try:
        return one is other or marshal.dumps(one, 2) == marshal.dumps(other, 2)
    except ValueError:  # nested too deep for any document
        return False


def _fault(node: object, enveloped: bool) -> Diagnostic | None:
    """What is no JSON value that can be compiled, as deep as it stands in the document."""
    inside: dict[str, Any] = {"nodes": [node]}
    return values.fault({"ir": inside} if enveloped else inside)


def _between(text: str, start: int, stop: int, follows: bool, goes_on: bool) -> list[tuple[Any, int, int]] | None:
    """The items between two places of a list, with where they stand. `follows`: one stands before them."""
    read: list[tuple[Any, int, int]] = []
    at = _skip(text, start)
    comma = not follows
    while at < stop:
        if text[at] == ",":
            if comma:
                return None
            comma, at = True, _skip(text, at + 1)
            continue
        if not comma or text[at] != "{":
            return None
        found = jsontext.parse_at(text, at)
        if found is None:
            return None
        read.append((found[0], at, found[1]))
        comma, at = False, _skip(text, found[1])
    return read if comma == (goes_on or (not follows and not read)) and at == stop else None


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high and one[low : low + _BLOCK] == other[low : low + _BLOCK]:
        low += _BLOCK
    low, high = min(low, high), min(low + _BLOCK, high)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(one: str, other: str, most: int) -> int:
    """How many characters both end with, at most so many."""
    low = 0
    while low < most and _tail(one, low, low + _BLOCK) == _tail(other, low, low + _BLOCK):
        low += _BLOCK
    low, high = min(low, most), min(low + _BLOCK, most)
    while low < high:
        middle = (low + high + 1) // 2
        if _tail(one, low, middle) == _tail(other, low, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _tail(text: str, low: int, high: int) -> str:
    """The characters from `high` to `low`, counted from the end."""
    return text[max(len(text) - high, 0) : len(text) - low]


# -- places --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a finding stands: so many characters behind the start of a node (None: of the text; `behind` the nodes)."""

    node: int | None
    characters: int
    behind: bool = False


def spots(text: Text, found: Sequence[Diagnostic]) -> list[Spot | None]:
    """Where findings stand, such that it stays when other nodes change."""
    lines = [0, *(m.end() for m in re.finditer("\n", text.text))]
    return [_spot(text, lines, place) for place in _places(text.text, found)]


def _places(text: str, found: Iterable[Diagnostic]) -> list[Place | None]:
    locator = Locator(text)
    return [d.place or place_of(locator, d) for d in found]


def _spot(text: Text, lines: Sequence[int], place: Place | None) -> Spot | None:
    if place is None:
        return None
    at = lines[place.line - 1] + place.column - 1
    if at < text.opened:
        return Spot(None, at)
    if at >= text.closed:
        return Spot(None, at - text.closed, behind=True)
    node = bisect_right(text.starts, at) - 1
    return Spot(node, at - text.starts[node]) if node >= 0 else Spot(None, at)


def spots_in(text: Text, base: str, node: int, found: Sequence[Diagnostic]) -> list[Spot | None]:
    """Where findings about one node stand."""
    own = text.node(node)
    lines = [0, *(m.end() for m in re.finditer("\n", own))]
    inside = [replace(d, pointer=d.pointer.removeprefix(f"{base}/nodes/{node}")) for d in found]
    places = _places(own, inside)
    return [Spot(node, lines[place.line - 1] + place.column - 1) if place else None for place in places]


def in_order(text: Text, found: Sequence[tuple[Diagnostic, Spot | None]]) -> list[Diagnostic]:
    """Findings with their places filled in, in the order of the text; equal places keep their order."""
    known = sorted(((_offset(text, spot), d) for d, spot in found if spot is not None), key=lambda pair: pair[0])
    placed: list[Diagnostic] = []
    line, start, seen = 1, 0, 0
    for at, d in known:
        breaks = text.text.count("\n", seen, at)
        if breaks:
            line, start = line + breaks, text.text.rfind("\n", 0, at) + 1
        seen = at
        placed.append(replace(d, place=Place(line, at - start + 1)))
    return placed + [replace(d, place=None) for d, spot in found if spot is None]


def _offset(text: Text, spot: Spot) -> int:
    if spot.node is not None:
        return text.starts[spot.node] + spot.characters
    return spot.characters + (text.closed if spot.behind else 0)


def about(found: Sequence[Diagnostic], base: str, nodes: Sequence[int]) -> dict[int, list[Diagnostic]]:
    """The findings that point into some nodes, by node."""
    return (
        {node: [d for d in found if f"{d.pointer}/".startswith(f"{base}/nodes/{node}/")] for node in nodes}
        if found
        else {node: [] for node in nodes}
    )
