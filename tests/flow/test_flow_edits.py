"""Edits of a flow's file: what they make of the graph, and that everything else stays."""

from __future__ import annotations

import difflib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import check
from stepwell.flow import apply, read, write
from stepwell.flow.edits import BadEdit, edited, target_of
from stepwell.flow.reader import Reading
from stepwell.flow.rewrite import update
from stepwell.flow.rewrite.statements import within
from tests.flow.flows import generated, readable, run, said
from tests.properties.hostile import bounded

FLOW = '''"""Orders."""

from stepwell.flow import event, js, or_, ref, workflow  # names

LIMIT = 500


with workflow('Orders') as flow:  # one a day
    # Reads it.
    order = flow.step("Read", js("return { total: 3 };"))   # odd   spaces

    charge = flow.http('Charge', 'https://x.example.com/charge',
        headers={
            'accept': "*/*",  # anything
            # what they want
            "x-id": f"{ref(order).id}",
        }, method="POST")

    with flow.branch("Paid?") as paid:
        # the good way
        with paid.when(ref(order).total == 3, label='yes'):
            ship = flow.step(
                "Ship",
                js("""
                    const a = 1;

                    return a;  // kept
                """),
                retries=2,
            )
            # below
        with paid.otherwise():
            pass

    flow.step("Done", js("return 'done';"))
    # the end
'''


def changed(edit: dict[str, Any], text: str = FLOW) -> list[str]:
    """The lines that an edit takes out (-) and puts in (+)."""
    done = apply(text, [edit])
    assert done.text is not None, done.diagnostics
    assert [d for d in done.diagnostics if d.severity.value == "error"] == []
    assert run(done.text) == done.document
    lines = difflib.unified_diff(text.split("\n"), done.text.split("\n"), lineterm="", n=0)
    return [f"{line[0]} {line[1:].strip()}" for line in lines if not line.startswith(("---", "+++", "@@"))]


def a_set(node: str, field: str, *value: Any) -> dict[str, Any]:
    edit = {"op": "set", "node": node, "field": field}
    return {**edit, "value": value[0]} if value else edit


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (a_set("charge", "data/url", "https://y.z"), ["- charge = flow.http('Charge', 'https://x.example.com/charge',", "+ charge = flow.http('Charge', 'https://y.z',"]),
        (a_set("charge", "data/headers/accept", "text/html"), ["- 'accept': \"*/*\",  # anything", "+ 'accept': \"text/html\",  # anything"]),
        (a_set("charge", "data/headers/accept"), ["- 'accept': \"*/*\",  # anything"]),
        (a_set("charge", "data/headers/x-more", "{{read.a}}"), ['+ "x-more": ref(order).a,']),
        (a_set("charge", "data/method"), ['- }, method="POST")', "+ })"]),
        (a_set("charge", "data/throwOnError", False), ['- }, method="POST")', '+ }, method="POST", throw_on_error=False)']),
        (a_set("ship", "config/retries/limit", 3), ["- retries=2,", "+ retries=3,"]),
        (a_set("ship", "config/timeout", "1 hour"), ['+ timeout="1 hour",']),
        (a_set("ship", "config"), ["- retries=2,"]),
        (a_set("ship", "data/strange", {"a": [1]}), ['+ data={"strange": {"a": [1]}},']),
        (a_set("ship", "data/code", "return 2;"), ['- js("""', "- const a = 1;", "-", "- return a;  // kept", '- """),', '+ js("return 2;"),']),
        (a_set("read", "data/code", "a();\nreturn b;"), ['- order = flow.step("Read", js("return { total: 3 };"))   # odd   spaces', '+ order = flow.step("Read", js("""', "+ a();", "+ return b;", '+ """))   # odd   spaces']),
        (a_set("done", "name", "The end"), ['- flow.step("Done", js("return \'done\';"))', '+ flow.step("The end", js("return \'done\';"), id="done")']),
        (a_set("read", "position", {"x": 1, "y": 2}), ['- order = flow.step("Read", js("return { total: 3 };"))   # odd   spaces', '+ order = flow.step("Read", js("return { total: 3 };"), at=(1, 2))   # odd   spaces']),
        ({"op": "condition", "node": "paid", "label": "yes", "value": "{{read.total ?? 1}} > 2"}, ["- with paid.when(ref(order).total == 3, label='yes'):", "+ with paid.when(or_(ref(order).total, 1) > 2, label='yes'):"]),
        ({"op": "condition", "node": "paid", "label": "yes", "value": "a(b)"}, ["- with paid.when(ref(order).total == 3, label='yes'):", "+ with paid.when(js(\"a(b)\"), label='yes'):"]),
        ({"op": "rename", "node": "read", "to": "first"}, ['- order = flow.step("Read", js("return { total: 3 };"))   # odd   spaces', '+ order = flow.step("Read", js("return { total: 3 };"), id="first")   # odd   spaces']),
        ({"op": "remove", "node": "charge"}, ["- charge = flow.http('Charge', 'https://x.example.com/charge',", "- headers={", "- 'accept': \"*/*\",  # anything", "- # what they want", '- "x-id": f"{ref(order).id}",', '- }, method="POST")']),
        ({"op": "add", "node": {"id": "n", "type": "sleep", "name": "Nap", "data": {"duration": "1 day"}}, "after": "paid"}, ['+ flow.sleep("Nap", "1 day", id="n")']),
        ({"op": "add", "node": {"id": "nap", "type": "sleep", "name": "Nap", "data": {"duration": "1 day"}}, "into": "paid", "label": "else"}, ["- pass", '+ flow.sleep("Nap", "1 day")']),
        ({"op": "add", "node": {"id": "nap", "type": "race", "name": "Nap", "data": {}}, "before": "ship"}, ['+ flow.race("Nap")']),
        ({"op": "move", "node": "charge", "after": "read"}, []),
        ({"op": "connect", "source": "read", "target": "done"}, ['- flow.step("Done", js("return \'done\';"))', '+ flow.step("Done", js("return \'done\';"), after=[ship, paid.via("else"), order])']),
        ({"op": "disconnect", "source": "paid", "target": "done", "label": "else"}, ['- flow.step("Done", js("return \'done\';"))', '+ flow.step("Done", js("return \'done\';"), after=ship)']),
        ({"op": "set", "field": "metadata/name", "value": "More"}, ["- with workflow('Orders') as flow:  # one a day", "+ with workflow('More') as flow:  # one a day"]),
        ({"op": "set", "field": "trigger", "value": {"type": "manual"}}, ["- from stepwell.flow import event, js, or_, ref, workflow  # names", "+ from stepwell.flow import event, js, manual, or_, ref, workflow  # names", "- with workflow('Orders') as flow:  # one a day", "+ with workflow('Orders', trigger=manual()) as flow:  # one a day"]),
    ],
    ids=lambda value: "-".join(str(v) for v in value.values())[:60] if isinstance(value, dict) else "",
)  # fmt: skip
def test_an_edit_changes_its_lines(edit: dict[str, Any], lines: list[str]) -> None:
    assert [line.rstrip() for line in changed(edit)] == lines


def test_a_node_moves_with_its_comment_and_its_indentation() -> None:
    done = apply(FLOW, [{"op": "move", "node": "ship", "after": "paid"}])
    assert done.text is not None
    assert (
        done.text.count(
            '    ship = flow.step(\n        "Ship",\n        js("""\n            const a = 1;\n\n            return a;  // kept\n        """),'
        )
        == 1
    )
    assert (
        done.document is not None and done.document["nodes"][3]["data"]["code"] == "const a = 1;\n\nreturn a;  // kept"
    )
    assert "            pass\n            # below\n" in done.text
    done = apply(FLOW, [{"op": "move", "node": "read", "into": "paid", "label": "else"}])
    assert done.text is not None
    assert '            # Reads it.\n            order = flow.step("Read"' in done.text


def test_arms_come_and_go() -> None:
    arms = [
        {"label": "yes", "condition": "{{read.total}} === 3"},
        {"label": "some", "condition": "event.payload"},
        {"label": "else", "condition": ""},
    ]
    done = apply(FLOW, [a_set("paid", "data/branches", arms)])
    assert done.text is not None
    assert (
        '            # below\n        with paid.when(event.payload, label="some"):\n            flow.end()\n'
        in done.text
    )
    gone = apply(done.text, [a_set("paid", "data/branches", [arms[0], arms[2]])])
    assert gone.text == FLOW
    swapped = apply(FLOW, [a_set("paid", "data/branches", [arms[2], arms[0]])])
    assert swapped.text is not None and swapped.text.index("otherwise") < swapped.text.index("paid.when(")
    renamed = apply(FLOW, [a_set("paid", "data/branches/0/label", "fine")])
    assert renamed.text is not None and "label='fine'" in renamed.text


def test_windows_lines_tabs_and_marks_stay() -> None:
    for text in (FLOW.replace("\n", "\r\n"), "\ufeff" + FLOW, FLOW.replace("    ", "\t")):
        done = apply(
            text,
            [
                {
                    "op": "add",
                    "node": {"id": "nap", "type": "parallel", "name": "Nap", "data": {}},
                    "into": "paid",
                    "label": "else",
                }
            ],
        )
        assert done.text is not None
        kept = done.text.replace('flow.parallel("Nap")', "pass")
        assert kept == text


def test_code_that_is_not_understood_is_kept_and_read_only() -> None:
    text = FLOW.replace("retries=2,", "retries=tries(),").replace(
        "# the end", "for n in range(3):\n        flow.step(n)"
    )
    ship, done = a_set("ship", "config/retries", {"limit": 1, "delay": 1}), a_set("done", "name", "D")
    refused = apply(text, [ship])
    assert refused.text is None
    assert (refused.diagnostics[0].slug, str(refused.diagnostics[0].place)) == ("flow-edit", "29:25")
    assert apply(text, [{"op": "remove", "node": "paid"}]).text is None
    kept = apply(text, [done])
    assert kept.text is not None and "tries()" in kept.text and "flow.step(n)" in kept.text
    assert [d.slug for d in kept.diagnostics] == ["not-read", "not-read"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"op": "remove", "node": "red"}, "There is no node `red`. Did you mean `read`?"),
        ({"op": "add", "node": {"id": "read", "type": "step", "name": "R"}}, "There is a node `read` already."),
        ({"op": "rename", "node": "read", "to": "done"}, "There is a node `done` already."),
        ({"op": "move", "node": "paid", "after": "ship"}, "A node cannot be moved to where it stands itself."),
        ({"op": "disconnect", "source": "done", "target": "read"}, "There is no such edge."),
        ({"op": "set", "node": "read", "field": "id", "value": "x"}, "A node has no field `id` that is set"),
        ({"op": "set", "field": "kind", "value": "script"}, "`kind` is nothing that is set of a graph."),
        ({"op": "replce"}, "Did you mean `replace`?"),
    ],
)  # fmt: skip
def test_an_edit_that_makes_no_sense(edit: dict[str, Any], why: str) -> None:
    done = apply(FLOW, [a_set("done", "name", "Changed"), edit])
    assert done.text is None and done.document is None
    assert done.diagnostics[0].message.startswith("Edit 2: ") and why in done.diagnostics[0].message


def test_a_whole_document_is_written_into_the_file() -> None:
    document = said(read(FLOW).document)
    document["nodes"].insert(0, {"id": "zero", "type": "step", "name": "Zero", "data": {"code": "return 0;"}})
    document["edges"].append({"id": "mine", "source": "zero", "target": "read"})
    document["entryNodeId"] = "zero"
    done = apply(FLOW, [{"op": "replace", "document": document}])
    assert done.text is not None and said(done.document) == document
    assert "# what they want" in done.text and "# below" in done.text


def test_each_golden_becomes_each_other_one() -> None:
    """However far apart two graphs are: the text says the other one, or nothing is given back."""
    texts = [text for _, text in readable()]
    rng, done = random.Random(5), 0
    for _ in range(60):
        one, other = rng.choice(texts), rng.choice(texts)
        text = write(one).text
        assert text is not None
        updated = update(read(text), said(other))
        if updated.text is not None:
            done += 1
            assert said(read(updated.text).document) == said(other)
    assert done > 20


# -- random edits of random files ------------------------------------------------------------------


def commented(text: str, rng: random.Random) -> str:
    """A file with comments and blank lines where a person might put them, and quotes of the other kind."""
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        is_free = not inside and line.strip() and lines and lines[-1].rstrip().endswith((":", ")", ",", "pass"))
        if is_free and not line.lstrip().startswith((")", '"""', "]", "}")) and rng.random() < 0.25:
            lines += [*([""] if rng.random() < 0.5 else []), f"{indent}# note {rng.randrange(1000)}"]
        quotes = line.count('"""')
        if not inside and not quotes and line.rstrip().endswith((",", ")")) and rng.random() < 0.15:
            line += f"  # tail {rng.randrange(1000)}"
        if (
            not inside
            and not quotes
            and "\\" not in line
            and "'" not in line
            and "`" not in line
            and rng.random() < 0.1
        ):
            line = line.replace('"', "'")
        lines.append(line)
        inside ^= quotes % 2 == 1
    return "\n".join(lines)


def random_edit(document: dict[str, Any], rng: random.Random, number: int) -> dict[str, Any]:
    nodes, edges = document["nodes"], document["edges"]
    node, other = rng.choice(nodes), rng.choice(nodes)["id"]
    id, kind = node["id"], rng.choice(["step", "sleep", "parallel", "branch", "loop"])
    bodies: dict[str, dict[str, Any]] = {
        "step": {"code": rng.choice(["return 1;", "const a = 1;\nreturn a;"])},
        "sleep": {"duration": "1 day"},
        "branch": {"branches": [{"label": "x", "condition": "{{n0.a}} > 1"}, {"label": "y", "condition": ""}]},
        "loop": {"loopType": "times", "count": 3},
    }
    data = bodies.get(kind, {})
    edit: dict[str, Any] = {
        "op": "set",
        "node": id,
        "field": "data/extra",
        "value": {"a": [1, {"b": f"{{{{{other}.x}}}}"}], "c d": "e'\"f"},
    }
    match rng.randrange(13):
        case 0:
            edit = {**edit, "field": "name", "value": f"Name {number}"}
        case 1 if node["type"] == "step":
            edit = {
                **edit,
                "field": "data/code",
                "value": rng.choice(["return 'x';", "const y = 1;\n  \nreturn y;", "a\\nb\n"]),
            }
        case 2:
            edit = {**edit, "field": "config/timeout", "value": f"{number} seconds"}
        case 3:
            del edit["value"]
        case 4:
            edit = {"op": "rename", "node": id, "to": f"r{number}"}
        case 5 | 6:
            made = {"id": f"new{number}", "type": kind, "name": f"New {number}", "data": data}
            edit = {"op": "add", "node": made, rng.choice(["after", "before"]): id}
        case 7:
            edit = {"op": "remove", "node": id}
        case 8:
            edit = {"op": "move", "node": id, rng.choice(["after", "before"]): other}
        case 9:
            edit = {"op": "connect", "source": id, "target": other}
        case 10 if edges:
            edge = rng.choice(edges)
            edit = {"op": "disconnect", **{key: edge[key] for key in ("source", "target", "label") if key in edge}}
        case 11 if node["type"] == "branch":
            label = rng.choice(node["data"]["branches"])["label"]
            edit = {
                "op": "condition",
                "node": id,
                "label": label,
                "value": rng.choice([f"{{{{{other}.x}}}} > 3", "f(x)", "event.payload.a"]),
            }
        case 12:
            edit = {**edit, "field": "position", "value": {"x": number, "y": 2}}
    return edit


def own_lines(reading: Reading, edit: dict[str, Any]) -> set[int] | None:
    """The lines that an edit of a field may change; None for other edits."""
    if edit["op"] not in ("set", "condition"):
        return None
    site = next(site for site in reading.sites if site.handle.id == edit["node"])
    calls = [site.statement.call, reading.layout.get("")]
    calls += [one.call for one in within(site.statement) if one.kind == "arm"] if edit["op"] == "condition" else []
    spans = [reading.spans.of(call) for call in calls if call is not None]
    lines = {
        line
        for span in spans
        for line in range(reading.text.count("\n", 0, span.start), reading.text.count("\n", 0, span.end) + 1)
    }
    return lines | {
        number
        for number, line in enumerate(reading.text.split("\n"))
        if line.startswith(("from stepwell.flow import", "    js,"))
    }


@bounded(60)
@given(st.integers(0, 100_000))
def test_random_edits_of_random_files(seed: int) -> None:
    rng = random.Random(seed)
    document = generated(seed)
    text = write(document).text
    assert text is not None
    reading = read(commented(text, rng))
    assert said(reading.document) == said(document)
    for number in range(3):
        assert reading.document is not None
        edit = random_edit(reading.document, rng, number)
        try:
            wanted = target_of(reading, edit)
        except BadEdit:
            continue
        before, done = reading, edited(reading, edit)
        assert done.text is not None and done.reading is not None, (edit, done.diagnostics, reading.text)
        reading = done.reading
        says(reading, wanted)
        stays(before, reading, edit)
        assert run(done.text) == reading.document


def says(reading: Reading, wanted: dict[str, Any]) -> None:
    """The text says the graph; the order of nodes and edges is that of the statements."""
    document = said(reading.document)
    assert {n["id"]: n for n in document["nodes"]} == {n["id"]: n for n in wanted["nodes"]}
    keys = [
        sorted((e["source"], e["target"], e.get("label") or "", e["id"]) for e in d["edges"])
        for d in (document, wanted)
    ]
    assert keys[0] == keys[1]
    assert {key: document[key] for key in document if key not in ("nodes", "edges")} == {
        key: wanted[key] for key in wanted if key not in ("nodes", "edges")
    }


def stays(before: Reading, after: Reading, edit: dict[str, Any]) -> None:
    """Comments of their own line stay, and where an edit is about one field, every other line does."""
    old, new = before.text.split("\n"), after.text.split("\n")
    notes = [[line.strip() for line in lines if line.strip().startswith("# note")] for lines in (old, new)]
    if edit["op"] == "move":
        # What a node came after is said anew where it moves to.
        lists = [before.spans.of(site.arguments["after"]) for site in before.sites if "after" in site.arguments]
        within = "".join(before.text[span.start : span.end] for span in lists)
        assert [note for note in notes[0] if note not in notes[1] and note not in within] == []
    elif edit["op"] != "remove":
        assert notes[0] == notes[1]
    allowed = own_lines(before, edit)
    if allowed is None:
        return
    for tag, i1, i2, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        assert tag == "equal" or set(range(i1, i2)) <= allowed, (edit, old[i1:i2])


def test_what_an_edit_leaves_is_checked_like_any_other_file() -> None:
    done = apply(FLOW, [{"op": "remove", "node": "read"}])
    assert done.text is not None
    assert [d.slug for d in check(read(done.text)) if d.severity.value == "error"] == ["unknown-reference"] * 2
