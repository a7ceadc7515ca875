"""A source map that was written is read back as what was written, on every golden."""

from __future__ import annotations

from stepwell.check.analysis import analyse
from stepwell.emit import emit, read_map, source_map
from stepwell.emit.sourcemap import SourcePlaces
from stepwell.graph.read import read_value
from stepwell.lower.lower import lower
from tests.properties.documents import goldens


def test_a_map_reads_back_as_it_was_written() -> None:
    seen = 0
    for name, document in goldens():
        read, _ = read_value(document)
        if read is None:
            continue
        analysis, found = analyse(read)
        if analysis is None or any(one.severity.value == "error" for one in found):
            continue
        program = lower(analysis)
        emitted = emit(program, "js")
        text = source_map(emitted, program)
        assert read_map(text) == emitted.mappings, name
        places = SourcePlaces(text)
        for mapping in emitted.mappings[:50]:
            place = places.find(mapping.line + 1, mapping.column + 1)
            assert place is not None and (place.source, place.line - 1) == (mapping.source, mapping.source_line), name
        seen += 1
    assert seen > 100
