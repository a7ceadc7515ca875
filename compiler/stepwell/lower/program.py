"""The `Program`: what a graph means, as a small typed tree. It knows names, order and scopes, and no text.

Everything is decided here: which names there are, where they are declared, what each step is called, what is
stored, what is guarded. The printer (`stepwell.emit`) asks no semantic question. Blocks are tuples of statements.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from stepwell.javascript import Facts
from stepwell.records import record


@record(frozen=True, slots=True)
class StepName:
    """A step's name: static text, then ` [i]`… one bracket for each index variable: `Charge card [3][0]`."""

    text: str
    indices: tuple[str, ...] = ()


# -- expressions ---------------------------------------------------------------------------------


@record(frozen=True, slots=True)
class Constant:
    """A JSON value."""

    value: Any


@record(frozen=True, slots=True)
class Undefined:
    """`undefined`."""


@record(frozen=True, slots=True)
class Name:
    """A name in scope: `event`, `env`, a node's value, a flag, a loop's variable."""

    name: str


@record(frozen=True, slots=True)
class Path:
    """`base.a[0]`; `optional` reads with `?.` all along the chain."""

    base: Expr
    keys: tuple[str | int, ...]
    optional: bool = False


@record(frozen=True, slots=True)
class Coalesce:
    """`value ?? default`."""

    value: Expr
    default: Expr


@record(frozen=True, slots=True)
class Template:
    """A template literal: strings are its literal text, the rest is interpolated."""

    parts: tuple[str | Expr, ...]


@record(frozen=True, slots=True)
class Replacement:
    """Characters [start, end) of a snippet are an expression of ours; `key` is set in `{ key }` shorthands."""

    start: int
    end: int
    value: Expr
    key: str | None = None


@record(frozen=True, slots=True)
class Code:
    """A user's parsed code (an expression, or the statements of a body), with what replaces parts of it.

    `source` is the key of the user's text among the source map's sources; `offset` the (line, column), 0-based,
    at which `facts.text` begins in it.
    """

    facts: Facts
    source: str
    replacements: tuple[Replacement, ...] = ()
    offset: tuple[int, int] = (0, 0)


@record(frozen=True, slots=True)
class Record:
    """An object literal."""

    entries: tuple[tuple[str, Expr], ...]


@record(frozen=True, slots=True)
class Items:
    """An array literal."""

    items: tuple[Expr, ...]


@record(frozen=True, slots=True)
class Choose:
    """`flag ? yes : no`, `flag` a boolean expression of ours."""

    flag: Expr
    yes: Expr
    no: Expr


@record(frozen=True, slots=True)
class Copy:
    """`structuredClone(value)`."""

    value: Expr


@record(frozen=True, slots=True)
class Stored:
    """The stored form of a request (`{ status, headers, body }`) or an event (`{ payload, type, timestamp }`)
    out of its view (the same with the fields of the body or payload beside)."""

    view: Expr
    of: Literal["request", "event"]


@record(frozen=True, slots=True)
class StepValue:
    """`await step.do(name, DEFAULTS, async () => value)` within an expression: a condition that must be stored."""

    name: StepName
    value: Expr


@record(frozen=True, slots=True)
class Pluck:
    """The field `key` of each record of an array: `turns.map((turn) => turn.key)`."""

    base: Expr
    key: str


@record(frozen=True, slots=True)
class OfLast:
    """The field `key` of the last record, undefined when there is none: `turns.at(-1)?.key`."""

    base: Expr
    key: str


@record(frozen=True, slots=True)
class LastGiven:
    """The field `key` of the last record that has it: `turns.findLast((turn) => turn.key !== undefined)?.key`."""

    base: Expr
    key: str


Expr = (
    Constant
    | Undefined
    | Name
    | Path
    | Coalesce
    | Template
    | Code
    | Record
    | Items
    | Choose
    | Copy
    | Stored
    | StepValue
    | Pluck
    | OfLast
    | LastGiven
)

# -- what a step does -----------------------------------------------------------------------------


@record(frozen=True, slots=True)
class Settings:
    """Retry settings as they are written out. Durations are texts ("10 seconds") or milliseconds.

    Two equal `Settings` that are the defaults print as the shared constant.
    """

    limit: int = 5
    delay: str | int | float = "10 seconds"
    backoff: Literal["constant", "linear", "exponential"] = "exponential"
    timeout: str | int | float = "10 minutes"


DEFAULT = Settings()
"""The settings of a step that sets none."""


@record(frozen=True, slots=True)
class OutputCell:
    """`_output` of a step: it begins as `initial`, and travels back in the step's result `{ value, output }`."""

    initial: Expr


@record(frozen=True, slots=True)
class Body:
    """A user's function body.

    `copies` are made first (`const orders_copy = structuredClone(orders);`). `gives` is the name whose value is
    returned where the body has no return of its own. `context` says what the callback's parameter `ctx` must
    hold: nothing, the runtime's context, or that with `idempotencyKey`.
    """

    code: Code
    copies: tuple[tuple[str, Expr], ...] = ()
    reassigned: tuple[str, ...] = ()
    """Copies that the code assigns anew, so that they are variables."""
    gives: str | None = None
    context: Literal["none", "plain", "key"] = "none"
    output: OutputCell | None = None


@record(frozen=True, slots=True)
class Request:
    """An HTTP request, by `fetch` or through the service binding `binding`.

    `body` is sent as it is when it is a string, else as JSON. `node` is the id for messages.
    """

    node: str
    method: str
    url: Expr
    headers: Expr | None = None
    query: Expr | None = None
    body: Expr | None = None
    throws: bool = True
    key: bool = False
    binding: str | None = None


@record(frozen=True, slots=True)
class Evaluate:
    """An expression whose value is stored, for it need not be the same on a replay."""

    value: Expr
    copies: tuple[tuple[str, Expr], ...] = ()


@record(frozen=True, slots=True)
class Custom:
    """A call of a custom node's function, which the module knows as `function`.

    `secrets` are names of `env` that the node sees another one under: (its name, the name in `env`). `keyed`: it
    is given `idempotencyKey` too.
    """

    function: str
    config: Expr
    inputs: Expr
    secrets: tuple[tuple[str, str], ...] = ()
    keyed: bool = False


Work = Body | Request | Evaluate | Custom

# -- statements ------------------------------------------------------------------------------------


@record(frozen=True, slots=True)
class Bind:
    """Where a result goes: a new constant, or a variable that is declared already."""

    name: str
    new: bool = True


@record(frozen=True, slots=True)
class Do:
    """A step. In a script `name` serves messages only and `settings` is None when nothing is retried."""

    node: str
    name: StepName
    work: Work
    bind: Bind | None = None
    settings: Settings | None = None
    view: bool = False
    """Bind the view with the fields of the body instead of the stored form (requests)."""


@record(frozen=True, slots=True)
class Inline:
    """A body that runs between steps, on every replay."""

    node: str
    body: Body
    bind: Bind | None = None


@record(frozen=True, slots=True)
class Sleep:
    """`checked`: the duration is known only at run time, so what it gives must be checked to be one."""

    node: str
    name: StepName
    duration: Expr
    checked: bool = False


@record(frozen=True, slots=True)
class SleepUntil:
    """Sleeps what remains until `time` (a Date, milliseconds, or text); what remains is a step's result."""

    node: str
    name: StepName
    time: Expr


@record(frozen=True, slots=True)
class Wait:
    """`checked` as in `Sleep`, of the timeout."""

    node: str
    name: StepName
    event_type: Expr
    timeout: Expr
    bind: Bind | None = None
    view: bool = False
    checked: bool = False


@record(frozen=True, slots=True)
class Child:
    """Starts an instance of another workflow; with `wait` polls it to its end (`timeout` in milliseconds)."""

    node: str
    name: StepName
    binding: str
    input: Expr | None
    wait: bool
    timeout: int
    bind: Bind | None = None


@record(frozen=True, slots=True)
class Declare:
    """`let name = initial;` of a variable that is assigned later, perhaps."""

    name: str
    initial: Expr | None = None


@record(frozen=True, slots=True)
class Const:
    name: str
    value: Expr


@record(frozen=True, slots=True)
class Assign:
    name: str
    value: Expr


@record(frozen=True, slots=True)
class View:
    """`const name = ` the view of a stored request or event."""

    bind: Bind
    stored: Expr
    of: Literal["request", "event"]


@record(frozen=True, slots=True)
class Push:
    """Adds a turn's value to the loop's results."""

    name: str
    value: Expr


@record(frozen=True, slots=True)
class If:
    """The first arm whose condition is true; a condition of None is the else."""

    node: str
    arms: tuple[tuple[Expr | None, Block], ...]


@record(frozen=True, slots=True)
class ForEach:
    node: str
    item: str | None
    index: str | None
    collection: Expr
    body: Block


@record(frozen=True, slots=True)
class Times:
    """`count` turns; `limit` names the variable that holds a count which is not a constant."""

    node: str
    index: str
    count: Expr
    limit: str | None
    body: Block


@record(frozen=True, slots=True)
class While:
    """Turns while `condition` holds. When `store` is given, the condition is evaluated in that step each turn."""

    node: str
    index: str
    condition: Expr
    store: StepName | None
    body: Block


@record(frozen=True, slots=True)
class Concurrent:
    """Turns over `collection` (or `count` turns), at most `limit` at once, each a function of its own.

    `arm.value` is a turn's value, `arm.gives` what it hands out beside; `results` binds the array of the turns'
    values in index order, `turns` that of the records when something is handed out.
    """

    node: str
    item: str | None
    index: str
    collection: Expr | None
    count: Expr | None
    limit: int
    arm: Arm
    bind: str | None


@record(frozen=True, slots=True)
class Try:
    """`catch` names the error `error` (None: nothing reads it)."""

    node: str
    body: Block
    error: str | None
    handler: Block
    final: Block | None = None


@record(frozen=True, slots=True)
class Arm:
    """An arm that runs beside others, as a function of its own.

    It returns `value`; with `record` it returns the record of `value` (key `value`, left out when there is none)
    and of the names in `gives`, each under its own name. `label` serves a comment (None: nothing to say).
    """

    block: Block
    value: Expr | None = None
    gives: tuple[str, ...] = ()
    label: str | None = None
    record: bool = False


@record(frozen=True, slots=True)
class Parallel:
    """All arms at once; goes on when all are settled.

    mode "all": throws the first error in arm order, else binds the array of values (`bind`) and, when given,
    single values by destructuring (`parts`: a name or None for each arm). "settled": binds the outcomes.
    """

    node: str
    arms: tuple[Arm, ...]
    mode: Literal["all", "settled"]
    bind: str | None = None
    parts: tuple[str | None, ...] = ()


@record(frozen=True, slots=True)
class Race:
    """All arms at once; goes on when the first has finished, which a step `<name>: winner` stores.

    `bind` gets what the winning arm returned.
    """

    node: str
    name: StepName
    arms: tuple[Arm, ...]
    bind: str | None = None


@record(frozen=True, slots=True)
class Exit:
    """Leaves the innermost loop, or ends the run with `value`. With a condition: only if it holds.

    `first` are statements that come before leaving (a turn's value is kept).
    """

    node: str
    condition: Expr | None
    loop: bool
    value: Expr | None = None
    first: Block = ()


@record(frozen=True, slots=True)
class Return:
    value: Expr


@record(frozen=True, slots=True)
class Throw:
    """Throws the caught error `error` on."""

    error: str


Statement = (
    Do
    | Inline
    | Sleep
    | SleepUntil
    | Wait
    | Child
    | Declare
    | Const
    | Assign
    | View
    | Push
    | If
    | ForEach
    | Times
    | While
    | Concurrent
    | Try
    | Parallel
    | Race
    | Exit
    | Return
    | Throw
)
Block = tuple[Statement, ...]

# -- the whole -------------------------------------------------------------------------------------


@record(frozen=True, slots=True)
class Binding:
    """A name of `env`: its kind decides its type in `Env` and its entry in the manifest."""

    name: str
    kind: str
    target: str | None = None
    """Worker name of a service, workflow name of a workflow."""
    class_name: str | None = None
    script: str | None = None
    """The Worker that a workflow of another script belongs to."""
    optional: bool = False
    """It need not be bound: the code asks whether it is."""


@record(frozen=True, slots=True)
class NodeModule:
    """A custom node's module, beside the Worker's own: under which name its function is imported, and from where.

    Its text is `program.sources[source]`, and lies at `path` as it is.
    """

    function: str
    path: str
    source: str


@record(frozen=True, slots=True)
class Piece:
    """A part of the user's trigger code: characters [start, end) of it."""

    start: int
    end: int


@record(frozen=True, slots=True)
class Handler:
    """A handler of the default export.

    `parameters` and `body` are parts of the trigger code; without them it is the default one of `kind`.
    """

    kind: Literal["fetch", "queue", "scheduled"]
    name: str
    queue: str | None = None
    parameters: tuple[tuple[Piece, int | None], ...] | None = None
    """The user's parameters, cut behind each that has no type; then comes which one that is (from 0)."""
    body: Piece | None = None
    result: Piece | None = None
    """The type that it returns as the user wrote it."""
    promises: bool = False
    """That type is a promise's; else one is put around it, for every handler is async."""


@record(frozen=True, slots=True)
class DefaultTrigger:
    """What the trigger code that we write answers to (design.md, section 4)."""

    type: Literal["http", "cron", "event", "manual"]
    path: str | None = None
    method: str = "POST"
    event_type: str | None = None
    token: bool = False


@record(frozen=True, slots=True)
class Program:
    kind: Literal["workflow", "script"]
    name: str
    class_name: str
    workflow_name: str
    worker_name: str
    description: str | None
    body: Block
    language: Literal["js", "ts"]
    """`ts` when any code of the user's is TypeScript, and the result must be turned to JavaScript."""
    bindings: tuple[Binding, ...]
    imports: tuple[tuple[str, str], ...] = ()
    """The user's import statements, hoisted: (key of the source, the statement's text)."""
    default_trigger: DefaultTrigger | None = None
    trigger: Code | None = None
    modules: tuple[Piece, ...] = ()
    handlers: tuple[Handler, ...] = ()
    crons: tuple[str, ...] = ()
    queues: tuple[tuple[str, dict[str, Any]], ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    """The users' texts by key, for the source map."""
    steps: tuple[tuple[str, str], ...] = ()
    """The step table: (step name without indices, node id)."""
    taken: frozenset[str] = frozenset()
    """Names that helpers of the module must not take."""
    uses_env: bool = False
    nodes: tuple[NodeModule, ...] = ()
    run: str | None = None
    """The name of what custom nodes are told of the run, `{ id, name, instanceId }`; None when there are none."""
