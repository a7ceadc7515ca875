"""What is known of a value's form: its types, the fields of an object, the items of an array.

A shape never claims more than it knows: what the parser cannot tell is `ANY`, and an object that may have other
fields too is `open`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Final, NamedTuple

from stepwell.javascript.names import words


class Shape(NamedTuple):
    """The form of a value. Without `types` it may be anything, and `fields` are only some that it may have.

    `open` says that an object may have fields beside these; `optional` are those that not every such value has.
    """

    types: frozenset[str] = frozenset()
    fields: tuple[tuple[str, Shape], ...] = ()
    open: bool = True
    items: Shape | None = None
    optional: frozenset[str] = frozenset()
    description: str = ""

    def field(self, key: str) -> Shape | None:
        """The field of that name, None when it is not among `fields`."""
        return next((shape for name, shape in self.fields if name == key), None)


OBJECT: Final = frozenset({"object"})
ARRAY: Final = frozenset({"array"})
ANY: Final = Shape()
STRING: Final = Shape(frozenset({"string"}))
NUMBER: Final = Shape(frozenset({"number"}))
BOOLEAN: Final = Shape(frozenset({"boolean"}))
NULL: Final = Shape(frozenset({"null"}))
UNDEFINED: Final = Shape(frozenset({"undefined"}))
NEVER: Final = Shape(frozenset({"never"}))
"""What the items of an empty array are."""


def record(fields: Mapping[str, Shape], *, open: bool = False) -> Shape:
    """An object with these fields."""
    return Shape(OBJECT, tuple(fields.items()), open)


def array(items: Shape | None = None) -> Shape:
    """An array; `items` is the form of each, None when nothing is known of them."""
    return Shape(ARRAY, items=items)


def described(shape: Shape, description: str) -> Shape:
    """The same, with words about it."""
    return shape._replace(description=description)


def either(one: Shape, other: Shape) -> Shape:
    """A value of one form or the other."""
    if one == other or NEVER in (one, other):
        return other if one == NEVER else one
    keys = dict.fromkeys([name for name, _ in one.fields] + [name for name, _ in other.fields])
    fields = tuple((key, _either_field(one.field(key), other.field(key))) for key in keys)
    apart = {key for key in keys if one.field(key) is None or other.field(key) is None}
    objects = [shape.open for shape in (one, other) if not shape.types or "object" in shape.types]
    return Shape(
        one.types | other.types if one.types and other.types else frozenset(),
        fields,
        any(objects) or not objects,
        _either_items(one, other),
        frozenset(apart) | one.optional | other.optional,
        one.description or other.description,
    )


def _either_field(one: Shape | None, other: Shape | None) -> Shape:
    if one is None or other is None:
        return one or other or ANY
    return either(one, other)


def _either_items(one: Shape, other: Shape) -> Shape | None:
    """Nothing is known of the items where one of the two may be an array of anything."""
    arrays = [shape.items for shape in (one, other) if not shape.types or "array" in shape.types]
    known = [items for items in arrays if items is not None]
    return reduce(either, known) if known and len(known) == len(arrays) else None


def member(shape: Shape, key: str | int) -> Shape | None:
    """The form of what `.key` of a value gives; None when no value of that form has it.

    What every value of a type has (`length`, `toString` …) is there too. Of nothing (null, undefined) nothing is said.
    """
    name, found = str(key), shape.field(str(key))
    if not shape.types or shape.types <= {"null", "undefined", "never"}:
        return found or ANY
    if len(shape.types) == 1:
        (only,) = shape.types
        return _member_of(shape, only, name, found)
    given = [one for kind in sorted(shape.types) if (one := _member_of(shape, kind, name, found)) is not None]
    return reduce(either, given) if given else None


def _member_of(shape: Shape, kind: str, name: str, found: Shape | None) -> Shape | None:
    if kind == "object" and (found or shape.open):
        return found or ANY
    if name.isdecimal() and kind in ("array", "string"):
        return STRING if kind == "string" else shape.items or ANY
    if name == "length" and kind in ("array", "string"):
        return NUMBER
    return ANY if name in PROTOTYPES["object"] or name in PROTOTYPES.get(kind, ()) else None


def follow(shape: Shape, path: Iterable[str | int]) -> tuple[Shape | None, int]:
    """The form at the end of a path, or None and how many of its keys there are."""
    for number, key in enumerate(path):
        inner = member(shape, key)
        if inner is None:
            return None, number
        shape = inner
    return shape, -1


PROTOTYPES: Final[Mapping[str, frozenset[str]]] = {
    "object": words(
        """
        constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf __proto__
        __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__
        """
    ),
    "array": words(
        """
        at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap forEach
        includes indexOf join keys lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice
        toReversed toSorted toSpliced unshift values with
        """
    ),
    "string": words(
        """
        anchor at big blink bold charAt charCodeAt codePointAt concat endsWith fixed fontcolor fontsize includes
        indexOf isWellFormed italics lastIndexOf link localeCompare match matchAll normalize padEnd padStart repeat
        replace replaceAll search slice small split startsWith strike sub substr substring sup toLocaleLowerCase
        toLocaleUpperCase toLowerCase toUpperCase toWellFormed trim trimEnd trimLeft trimRight trimStart
        """
    ),
    "number": words("toExponential toFixed toPrecision"),
}
"""What values of a type have, whatever they hold."""
