"""A stable text form of a `Program`, for goldens and for people: one line a statement, blocks indented.

The users' code is shortened to its source and first line; what replaces parts of the others is listed behind.
"""

from __future__ import annotations

import json
from typing import Any

from stepwell.lower import program as p
from stepwell.lower.nesting import blocks, fold

_Node = tuple[str, p.Statement | None, tuple[p.Block, ...]]


def text(program: p.Program) -> str:
    """The program as text; equal programs give equal text."""
    head = [f"{program.kind} {program.class_name} ({program.worker_name})"]
    head += [f"  binding {b.name}: {b.kind}" + (f" → {b.target}" if b.target else "") for b in program.bindings]
    head += [f"  node {n.function}: {n.path}" for n in program.nodes]
    head += [f"  {h.kind} {h.name}" + (f" of queue {h.queue}" if h.queue else "") for h in program.handlers]
    root: _Node = ("run", None, (program.body,))
    body = fold(root, _parts, _lines)
    return "\n".join([*head, *body]) + "\n"


def _parts(node: _Node) -> list[_Node]:
    """The statements of a node's blocks; a block's name stands before its first statement."""
    statement, inner = node[1], node[2]
    if statement is None:
        return [("", s, blocks(s)) for block in inner for s in block]
    labelled = zip(_labels(statement) if inner else [], inner, strict=True)
    return [(label, None, (block,)) for label, block in labelled if block or label not in ("first", "")]


def _lines(node: _Node, made: list[list[str]]) -> list[str]:
    label, statement, _ = node
    inside = ["  " + line for lines in made for line in lines]
    if statement is None:
        return [label, *inside] if label else [text for lines in made for text in lines]
    return [line(statement), *inside]


def _labels(statement: p.Statement) -> list[str]:
    match statement:
        case p.If(arms=arms):
            return ["else" if c is None else f"when {expression(c)}" for c, _ in arms]
        case p.Try(error=error, final=final):
            return ["try", f"catch {error}" if error else "catch", *(["finally"] if final is not None else [])]
        case p.Parallel(arms=arms) | p.Race(arms=arms):
            return [_arm(a) for a in arms]
        case p.Concurrent(arm=arm):
            return [_arm(arm)]
        case p.Exit():
            return ["first"]
        case _:
            return [""]


def _arm(arm: p.Arm) -> str:
    gives = [f"value {expression(arm.value)}"] if arm.value is not None else []
    return " ".join(["arm", *gives, *(f"gives {name}" for name in arm.gives)])


def line(statement: p.Statement) -> str:
    """One statement without the blocks in it."""
    kind = type(statement).__name__.lower()
    match statement:
        case p.Do(name=name, work=work, bind=bind, settings=settings, view=view):
            return f"{_bind(bind)}step {_name(name)}{_settings(settings)}: {_work(work)}{' view' if view else ''}"
        case p.Inline(body=body, bind=bind):
            return f"{_bind(bind)}inline: {_work(body)}"
        case p.Sleep(name=name, duration=duration):
            return f"sleep {_name(name)} for {expression(duration)}"
        case p.SleepUntil(name=name, time=time):
            return f"sleep {_name(name)} until {expression(time)}"
        case p.Wait(name=name, event_type=type_, timeout=timeout, bind=bind, view=view):
            head = f"{_bind(bind)}wait {_name(name)} for {expression(type_)}"
            return f"{head} timeout {expression(timeout)}{' view' if view else ''}"
        case p.Child(name=name, binding=binding, input=given, wait=wait, bind=bind):
            head = f"{_bind(bind)}child {_name(name)} {binding} {'waits ' if wait else ''}"
            return f"{head}input {expression(given) if given else '-'}"
        case p.Declare(name=name, initial=initial):
            return f"let {name}" + (f" = {expression(initial)}" if initial is not None else "")
        case p.Const(name=name, value=value):
            return f"const {name} = {expression(value)}"
        case p.Assign(name=name, value=value):
            return f"{name} = {expression(value)}"
        case p.View(bind=bind, stored=stored, of=of):
            return f"{_bind(bind)}view of the {of} {expression(stored)}"
        case p.Push(name=name, value=value):
            return f"{name} push {expression(value)}"
        case p.Return(value=value):
            return f"return {expression(value)}"
        case p.Throw(error=error):
            return f"throw {error}"
        case p.Exit(condition=condition, loop=loop, value=value):
            when = f" when {expression(condition)}" if condition is not None else ""
            return f"exit {'loop' if loop else 'run'}{when}" + (
                f" with {expression(value)}" if value is not None else ""
            )
        case _:
            return f"{kind}{_loop(statement)}"


def _loop(statement: Any) -> str:
    """The heads of loops and of what runs beside each other."""
    match statement:
        case p.ForEach(item=item, index=index, collection=collection):
            return f" {item} {index or '-'} of {expression(collection)}"
        case p.Times(index=index, count=count, limit=limit):
            return f" {index} up to {expression(count)}" + (f" as {limit}" if limit else "")
        case p.While(index=index, condition=condition, store=store):
            return f" {index} {expression(condition)}" + (f" stored by {_name(store)}" if store else "")
        case p.Concurrent(item=item, index=index, collection=collection, count=count, limit=limit, bind=bind):
            source = collection if collection is not None else count
            given = expression(source) if source is not None else "-"
            return f" {item or '-'} {index} of {given} at most {limit} → {bind or '-'}"
        case p.Parallel(mode=mode, bind=bind, parts=parts):
            named = " ".join(part or "-" for part in parts)
            return f" {mode} → {bind or '-'}" + (f" [{named}]" if parts else "")
        case p.Race(name=name, bind=bind):
            return f" {_name(name)} → {bind or '-'}"
        case _:
            return ""


def _bind(bind: p.Bind | None) -> str:
    return "" if bind is None else f"{'const ' if bind.new else ''}{bind.name} = "


def _name(name: p.StepName) -> str:
    return json.dumps(name.text) + "".join(f"[{index}]" for index in name.indices)


def _settings(settings: p.Settings | None) -> str:
    if settings is None or settings == p.Settings():
        return ""
    retries = [f"limit {settings.limit}", f"delay {settings.delay}", settings.backoff] if settings.limit else []
    timeout = [f"timeout {settings.timeout}"] if settings.timeout != "" else []
    return f" ({', '.join([*retries, *timeout])})"


def _work(work: p.Work) -> str:
    match work:
        case p.Body(code=code, copies=copies, gives=gives, context=context, output=output):
            said = [f"{name} = {expression(value)}" for name, value in copies]
            said += [f"gives {gives}"] if gives else []
            said += [f"ctx {context}"] if context != "none" else []
            said += [f"output from {expression(output.initial)}"] if output else []
            return " ".join([expression(code), *(f"[{s}]" for s in said)])
        case p.Request(
            method=method, url=url, headers=headers, query=query, body=body, throws=throws, key=key, binding=binding
        ):
            parts = [("headers", headers), ("query", query), ("body", body)]
            said = [f"{label} {expression(value)}" for label, value in parts if value is not None]
            said += [word for word, on in (("not throwing", not throws), ("keyed", key)) if on]
            said += [f"through {binding}"] if binding else []
            return " ".join([f"{method} {expression(url)}", *said])
        case p.Evaluate(value=value):
            return expression(value)
        case p.Custom(function=function, config=config, inputs=inputs, secrets=secrets, keyed=keyed):
            said = [f"{name} is {other}" for name, other in secrets] + (["keyed"] if keyed else [])
            return " ".join([f"{function} config {expression(config)} inputs {expression(inputs)}", *said])


def expression(root: p.Expr) -> str:
    """An expression in one line."""
    match root:
        case p.Constant(value=value):
            return json.dumps(value)
        case p.Undefined():
            return "undefined"
        case p.Name(name=name):
            return name
        case p.Path(base=base, keys=keys, optional=optional):
            return expression(base) + "".join(f"{'?' if optional else ''}.{key}" for key in keys)
        case p.Coalesce(value=value, default=default):
            return f"({expression(value)} ?? {expression(default)})"
        case p.Template(parts=parts):
            return (
                "`"
                + "".join(json.dumps(q)[1:-1] if isinstance(q, str) else "${" + expression(q) + "}" for q in parts)
                + "`"
            )
        case p.Code():
            return _code(root)
        case p.Record(entries=entries):
            return "{ " + ", ".join(f"{json.dumps(k)}: {expression(v)}" for k, v in entries) + " }"
        case p.Items(items=items):
            return "[" + ", ".join(expression(item) for item in items) + "]"
        case p.Choose():
            return f"({_choices(root)})"
        case _:
            return _rarely(root)


def _choices(root: p.Expr) -> str:
    """A chain of choices; it may be long, one choice for each guarded part of a run."""
    parts: list[str] = []
    while isinstance(root, p.Choose):
        parts.append(f"{expression(root.flag)} ? {expression(root.yes)} : ")
        root = root.no
    return "".join(parts) + expression(root)


def _rarely(root: Any) -> str:
    match root:
        case p.Copy(value=value):
            return f"copy({expression(value)})"
        case p.Stored(view=view, of=of):
            return f"stored {of} {expression(view)}"
        case p.StepValue(name=name, value=value):
            return f"step {_name(name)}: {expression(value)}"
        case p.Pluck(base=base, key=key):
            return f"each {expression(base)}.{key}"
        case p.OfLast(base=base, key=key):
            return f"of last {expression(base)}.{key}"
        case p.LastGiven(base=base, key=key):
            return f"last given {expression(base)}.{key}"
        case _:
            raise TypeError(f"no expression: {root!r}")


def _code(code: p.Code) -> str:
    """The first line of a user's code with what replaces parts of it, and what replaces parts of the others."""
    text = code.facts.text
    begin = len(text) - len(text.lstrip())
    end = text.find("\n", begin) if "\n" in text[begin:] else len(text)
    shown, at = "", begin
    inside = [r for r in code.replacements if r.end <= end]
    for part in inside:
        shown += text[at : part.start] + (f"{part.key}: " if part.key else "") + expression(part.value)
        at = part.end
    shown = (shown + text[at:end]).strip()
    shown = shown if len(shown) <= 90 else shown[:89] + "…"
    rest = ", ".join(expression(r.value) for r in code.replacements[len(inside) :])
    return f"<{code.source}: {shown}>" + (f" with {rest}" if rest else "")
