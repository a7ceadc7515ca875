"""The one table of codes. `stepwell explain`, the docs page, SARIF and a test are made from it.

Ranges: 1xx document and schema, 2xx edges and structure, 3xx references and expressions, 4xx code,
5xx data of nodes and limits, 6xx replay and determinism, 7xx trigger, names and bindings, 8xx building,
9xx edits (90x) and custom nodes (91x).
A code keeps its number and slug for ever; one that is no longer given is never used for something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: `id` ("SW101"), `slug`, `severity`, one-line `title`, `explanation` (Markdown)."""

    id: str
    slug: str
    severity: Severity
    title: str
    explanation: str


CODES: dict[str, Code] = {}


def _add(id_: str, slug: str, severity: Severity, title: str, explanation: str) -> Code:
    if id_ in CODES or any(code.slug == slug for code in CODES.values()):
        raise ValueError(f"code {id_} ({slug}) stands in the table already")
    code = CODES[id_] = Code(id_, slug, severity, title, explanation)
    return code


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# -- 1xx: the document ---------------------------------------------------------------------------

NOT_JSON = _add(
    "SW101",
    "not-json",
    _E,
    "The file is not JSON",
    "The text could not be read as JSON. The place given is where reading stopped.",
)
NOT_AN_ARTIFACT = _add(
    "SW102",
    "schema",
    _E,
    "A field is missing or has the wrong type",
    "The document does not have the shape of an artifact: `metadata`, `nodes`, `edges`, `entryNodeId`. "
    "`stepwell schema` prints the JSON Schema that an editor can use.",
)
UNKNOWN_KEY = _add(
    "SW103",
    "unknown-key",
    _W,
    "A key is not known",
    "The key is kept out of the result. It is probably misspelt, or belongs to another product.",
)
TOO_DEEP = _add(
    "SW104",
    "too-deep",
    _E,
    "The document is nested too deeply",
    "JSON values may be nested 200 deep, containers 200 deep, a workflow's loops 40 deep. Move the inner part to a "
    "sub-workflow.",
)
TOO_LARGE = _add(
    "SW105",
    "too-large",
    _E,
    "The document is too large",
    "A graph may have at most 50,000 nodes and 200,000 edges. Split it into sub-workflows.",
)
LONE_SURROGATE = _add(
    "SW106",
    "lone-surrogate",
    _E,
    "Code holds half a surrogate pair",
    "JavaScript source is stored as UTF-8, which cannot hold a lone surrogate (`\\ud800`). In a string literal "
    "of the code write the escape itself, with a doubled backslash in JSON.",
)
UNKNOWN_TYPE = _add(
    "SW107",
    "unknown-node-type",
    _E,
    "The node's type is not known",
    "The type is neither a built-in one nor that of a custom node that was given.",
)
WRONG_PROVIDER = _add(
    "SW108",
    "provider",
    _E,
    "The node is meant for another provider",
    "stepwell compiles for Cloudflare: `provider` must be `cloudflare`.",
)
DUPLICATE_KEY = _add(
    "SW109",
    "duplicate-key",
    _W,
    "An object names one key twice",
    "JSON readers keep the last value and drop the others silently. Remove one.",
)

NOT_PYTHON = _add(
    "SW110",
    "not-python",
    _E,
    "The file is not Python",
    "A flow's file could not be read as Python. The place given is where reading stopped.",
)
NOT_READ = _add(
    "SW111",
    "not-read",
    _E,
    "Code of a flow that cannot be read without running it",
    "A flow's file is read and never run. Inside `with workflow(…)` stand calls of the builder, with literals, "
    "constants of the file, `ref(…)`, `js(…)` and the other names of `stepwell.flow` as arguments. Everything else is "
    "left as it is, and what it would add to the graph is not known.",
)
FLOW_CALL = _add(
    "SW112",
    "flow-call",
    _E,
    "The builder of a flow is used wrongly",
    "The message says what stands there and what may. Running the file would fail too.",
)
LEFT_ALONE = _add(
    "SW113",
    "left-alone",
    _N,
    "Code beside a flow is not read",
    "It stands outside of `with workflow(…)` and is kept as it is. The graph is what the `with` alone says.",
)
FLOW_FILE = _add(
    "SW114",
    "flow-file",
    _E,
    "A file of code cannot be read",
    "`js(file=…)` names a file beside the flow's file, and it is not there, is not text, or was not given.",
)

FLOW_EDIT = _add(
    "SW115",
    "flow-edit",
    _E,
    "A flow's file cannot be changed like that",
    "The edit makes no sense for the graph, or touches code that is not understood, which is read-only. Nothing was "
    "changed; change the file by hand, or make it simpler there first.",
)

# -- 2xx: edges and structure --------------------------------------------------------------------

DUPLICATE_NODE = _add(
    "SW201",
    "duplicate-node",
    _E,
    "Two nodes have the same id",
    "Edges and references name nodes by id, so each id stands once.",
)
MISSING_ENTRY = _add(
    "SW202", "missing-entry", _E, "The entry node does not exist", "`entryNodeId` must be the id of a node."
)
DANGLING_EDGE = _add(
    "SW203",
    "dangling-edge",
    _E,
    "An edge leads from or to a node that does not exist",
    "Both `source` and `target` must be ids of nodes.",
)
CYCLE = _add(
    "SW204",
    "cycle",
    _E,
    "The edges form a cycle",
    "A graph is acyclic; use a `loop` node to repeat something. The message names the nodes of one cycle.",
)
UNREACHABLE = _add(
    "SW205",
    "unreachable",
    _E,
    "A node cannot be reached from the entry",
    "No path leads to this node, so it would never run. Connect it or remove it.",
)
WRONG_LABEL = _add(
    "SW206",
    "edge-label",
    _E,
    "An edge's label fits none of its node's",
    "Branches take the labels of their arms, loops `body`, try/catch `try`, `catch`, `finally`; `then` (or, where "
    "that is not an arm, no label) leads on after any container.",
)
DOUBLED_ARM = _add(
    "SW207",
    "doubled-arm",
    _E,
    "An arm stands twice",
    "Each arm of a branch has one label and one edge. Let one node stand first in the arm and fan out from there.",
)
MISSING_ARM = _add(
    "SW208",
    "missing-arm",
    _E,
    "A container lacks an edge that it needs",
    "A loop needs a `body`, a try/catch `try` and `catch`, a parallel or a race at least one arm.",
)
EMPTY_ARM = _add(
    "SW209",
    "empty-arm",
    _W,
    "An arm has no edge",
    "When this arm is taken, nothing of it runs. An else arm may be empty without a warning.",
)
ELSE_NOT_LAST = _add(
    "SW210",
    "else-not-last",
    _E,
    "The else arm does not stand last",
    "An empty condition is always true, so arms behind it would never be taken. Move it to the end.",
)
CROSSING = _add(
    "SW211",
    "crossing-edge",
    _E,
    "An edge crosses into or out of a container",
    "What a loop, a try/catch, a parallel or a race holds is entered through its own edges only, and left at its "
    "join: a node that the container's other ways (another arm, `then`) lead to as well.",
)
LABEL_IGNORED = _add(
    "SW212",
    "label-ignored",
    _W,
    "A label has no meaning here",
    "Only edges that leave a container have labels that mean something.",
)
DUPLICATE_EDGE = _add("SW213", "duplicate-edge", _W, "Two edges say the same", "The second one adds nothing.")
EXIT_CROSSES = _add(
    "SW214",
    "exit-crosses",
    _E,
    "Exit would have to leave a container that cannot be left",
    "Exit leaves the innermost loop, or ends the run. It cannot leave an arm of a parallel or a race, a finally arm "
    "or a turn of a concurrent loop: other arms are still at work there.",
)
NEVER_RUNS = _add(
    "SW215", "never-runs", _W, "A node never runs", "Every way to it goes through an Exit without a condition."
)
RACE_EMPTY_ARM = _add("SW216", "race-empty-arm", _E, "An arm of a race has no nodes", "It would win at once, always.")
MISSING_ELSE_JOIN = _add(
    "SW217",
    "missing-else-join",
    _W,
    "A node runs also when no arm is true",
    "Every arm leads straight to this node and there is no else, so the missing else leads there too. Add an else "
    "arm (empty condition) if it should not run then.",
)
EDGE_ID_TWICE = _add(
    "SW218", "duplicate-edge-id", _W, "Two edges have the same id", "Nothing depends on it here, but editors do."
)
SINGLE_ARM = _add("SW219", "single-arm", _W, "A parallel or race has one arm", "It does what its arm does.")

# -- 3xx: references and expressions -------------------------------------------------------------

UNKNOWN_REFERENCE = _add(
    "SW301",
    "unknown-reference",
    _E,
    "An expression names something that does not exist",
    "The root of `{{root.path}}` is a node's id, `event`, `env` or `trigger`.",
)
IMPOSSIBLE_REFERENCE = _add(
    "SW302",
    "impossible-reference",
    _E,
    "The node named here cannot have run",
    "A value can be read only where its node has run before: on every way (definite) or on some (possible).",
)
POSSIBLE_REFERENCE = _add(
    "SW303",
    "possible-reference",
    _W,
    "The node named here may not have run",
    "On some way to this place the node does not run; its value is `undefined` then. Give a default: "
    '`{{node.path ?? "none"}}`.',
)
NO_VALUE = _add(
    "SW304",
    "no-value",
    _E,
    "The node named here has no value",
    "Sleeps, branches, try/catch and Exit have no value that could be read.",
)
BAD_EXPRESSION = _add(
    "SW305",
    "bad-expression",
    _E,
    "An expression cannot be read",
    "An expression is `{{root.path}}`, with an optional default behind `??`; `${…}` holds JavaScript.",
)
EXPRESSION_IN_STRING = _add(
    "SW306",
    "expression-in-string",
    _E,
    "An expression stands in a string of code",
    "Inside a string literal of code an expression would be text. Write a template: `` `… ${{{node.path}}} …` ``.",
)
NOT_ONE_EXPRESSION = _add(
    "SW307",
    "not-one-expression",
    _E,
    "The field holds more or less than one expression",
    "This field is exactly one JavaScript expression.",
)
STATUS_IS_NUMBER = _add(
    "SW308",
    "status-is-number",
    _E,
    "A response's status is compared with a string",
    "`.status` of a request is the HTTP status, a number. The field of the answer's body is `.body.status`.",
)
STATUS_THROWS = _add(
    "SW309",
    "status-throws",
    _W,
    "A condition reads the status of a request that throws",
    "A status that is not ok throws before the condition is reached. Set `throwOnError` to false to handle it here.",
)
SELF_REFERENCE = _add("SW310", "self-reference", _E, "A node reads its own value", "It has none before it ran.")
INLINE_LOCAL = _add(
    "SW311",
    "inline-local",
    _E,
    "The name is local to another node",
    "What a body declares is its own; a node's value is what its body returns.",
)
UNKNOWN_NAME = _add(
    "SW312",
    "unknown-name",
    _W,
    "A name is not known",
    "The code reads a name that is neither declared in it, nor in scope, nor a global of the runtime.",
)
OUTPUT_OUTSIDE = _add(
    "SW313",
    "output-outside-loop",
    _E,
    "`_output` stands outside a loop",
    "`_output` belongs to the innermost loop around a step.",
)
OUTPUT_CONCURRENT = _add(
    "SW314",
    "output-concurrent",
    _E,
    "`_output` is read in a concurrent loop",
    "Turns run at once, so there is no last value to read. Assign it only, or set `concurrency` to 1.",
)
UNKNOWN_PATH = _add(
    "SW315",
    "unknown-path",
    _W,
    "A path does not exist in the value that it is read of",
    "The node's output schema, or the objects that its body returns, have no such field, so it is `undefined`. Nothing "
    "is said of values that may have other fields too: an object that is spread (`{...x}`), a request's answer.",
)

# -- 4xx: code ------------------------------------------------------------------------------------

SYNTAX = _add("SW401", "syntax", _E, "The code has a syntax error", "The place given is in your code.")
STEP_CALL = _add(
    "SW402",
    "step-call",
    _E,
    "The code calls `step.…`",
    "A body runs inside a step already; steps are made by nodes, never by code.",
)
WRITES_UPSTREAM = _add(
    "SW403",
    "writes-upstream",
    _W,
    "The code writes to a value that another node made",
    "On replay the body does not run again and the change would be lost, so it works on a copy. Return the changed "
    "value instead.",
)
EMPTY_CODE = _add("SW404", "empty-code", _W, "The body is empty", "The step does nothing.")
IMPORT_UNKNOWN = _add(
    "SW405",
    "unknown-import",
    _E,
    "A package is imported that is not a dependency",
    "Add it to `dependencies` of the source file, or import only `cloudflare:*` and `node:*`.",
)
JSX = _add("SW406", "jsx", _E, "The code holds JSX", "A Worker's code is JavaScript or TypeScript without JSX.")
DOES_NOT_LOAD = _add(
    "SW407",
    "does-not-load",
    _E,
    "The compiled Worker would not load",
    "A full JavaScript parser refused the result. The place given is in your code.",
)
NON_RETRYABLE_ARGUMENT = _add(
    "SW408",
    "non-retryable-argument",
    _W,
    "NonRetryableError has a second argument",
    "With a second argument the runtime does not recognise the error and retries it. Give a message only.",
)
EXPORT_IN_BODY = _add(
    "SW409",
    "export-in-body",
    _E,
    "A body exports something",
    "A body is the inside of a function. Module code belongs to the trigger code.",
)
UNAWAITED = _add(
    "SW410",
    "not-awaited",
    _W,
    "A promise is not awaited",
    "The step may end before the work does, and its failure is lost.",
)

# -- 5xx: data of nodes and limits ------------------------------------------------------------------

BAD_DURATION = _add(
    "SW501",
    "duration",
    _E,
    "A duration cannot be read",
    'A duration is `"<n> second|minute|hour|day|week|month|year[s]"` or a number of milliseconds.',
)
TOO_LONG = _add(
    "SW502", "duration-limit", _E, "A duration is over 365 days or not over 0", "Cloudflare's limit is 365 days."
)
BAD_TIMESTAMP = _add(
    "SW503",
    "timestamp",
    _E,
    "A point in time cannot be read",
    "Give ISO 8601 (`2027-01-31T09:00:00Z`), a number of milliseconds since 1970, or an expression.",
)
BAD_EVENT_TYPE = _add(
    "SW504",
    "event-type",
    _E,
    "An event type has other characters than A-Z a-z 0-9 _ - or the wrong length",
    "1 to 100 characters of `[A-Za-z0-9_-]`.",
)
BAD_CRON = _add("SW505", "cron", _E, "A cron expression cannot be read", "Five fields: minute hour day month weekday.")
MISSING_DATA = _add(
    "SW506", "missing-data", _E, "The node lacks something it needs", "Fill in the field that the message names."
)
BAD_DATA = _add("SW507", "bad-data", _E, "A field of the node has a wrong value", "The message says what it may be.")
NOT_IN_SCRIPT = _add(
    "SW508",
    "not-in-script",
    _E,
    "The node needs a durable runtime",
    "A script runs once per request and cannot sleep or wait. Make it a workflow.",
)
NAME_TOO_LONG = _add(
    "SW509", "name-length", _E, "A name is over 256 characters", "Cloudflare's limit for a step's name."
)
STEP_LIMIT = _add(
    "SW510",
    "step-limit",
    _W,
    "More steps than the free plan allows",
    "An instance may have 1,024 steps on the free plan and 10,000 on the paid one (25,000 with `limits.steps` raised).",
)
STEP_LIMIT_HARD = _add(
    "SW511",
    "step-limit-hard",
    _E,
    "More steps than an instance can have",
    "25,000 steps is the most, with `limits.steps` raised. Use a loop or sub-workflows.",
)
PAYLOAD_TOO_LARGE = _add(
    "SW512",
    "payload-limit",
    _E,
    "A literal is over 1 MiB",
    "A step's result and a payload may hold 1 MiB. Keep it in KV or R2 and pass its key.",
)
BODY_IGNORED = _add("SW513", "body-ignored", _W, "A GET or HEAD request has no body", "It is left out.")
BAD_BODY = _add(
    "SW514",
    "request-body",
    _E,
    "The request's body cannot be read",
    "A body is an object, JSON text with expressions, or one JavaScript expression.",
)
INLINE_SETTINGS = _add(
    "SW515",
    "inline-settings",
    _E,
    "An inline step has retry settings or a timeout",
    "It runs between steps and is never retried. Turn `inline` off.",
)
WHILE_CONCURRENT = _add(
    "SW516", "while-concurrent", _E, "A while loop cannot be concurrent", "Its condition is read after each turn."
)
WHILE_CONSTANT = _add(
    "SW517",
    "while-constant",
    _W,
    "Nothing in the body can change the loop's condition",
    "It would turn never or for ever.",
)
SETTING_IGNORED = _add("SW518", "setting-ignored", _W, "A setting has no effect on this node", "It is left out.")
NAME_CLEANED = _add(
    "SW519",
    "name-cleaned",
    _W,
    "Control characters in a name become spaces",
    "The runtime refuses them in a step's name.",
)
DUPLICATE_EXPORT = _add(
    "SW520",
    "duplicate-export",
    _W,
    "Two nodes export the same name",
    "The result holds the value of the one that ran last.",
)
NOT_HTTP = _add(
    "SW521", "url", _E, "A URL cannot be requested", "A URL is absolute and begins with http:// or https://."
)

# -- 6xx: replay ------------------------------------------------------------------------------------

VALUE_STEP = _add(
    "SW601",
    "value-step",
    _N,
    "A field is evaluated in a step of its own",
    "It is not provably the same on every replay (the clock, randomness, fetch, `env`, calls that are not known to be "
    "pure), so its value is stored by a step `<name>: value`.",
)
INLINE_NONDETERMINISTIC = _add(
    "SW602",
    "inline-nondeterministic",
    _E,
    "An inline step is not deterministic",
    "It runs on every replay, so it may not read the clock, randomness, the network or a binding. Turn `inline` off.",
)
RACE_EVENT_TWICE = _add(
    "SW603",
    "race-event-twice",
    _W,
    "An event type is awaited in a race and again later",
    "The losing wait goes on and takes the next event of its type.",
)

# -- 7xx: trigger, names, bindings ------------------------------------------------------------------

BAD_TRIGGER = _add(
    "SW701", "trigger", _E, "The trigger cannot be used", "A script has an `http` trigger; the message says more."
)
TRIGGER_SYNTAX = _add(
    "SW702",
    "trigger-syntax",
    _E,
    "The trigger code cannot be read",
    "Trigger code is the body of `fetch(request, env, ctx)`, or declarations `@fetch`, `@queue`, `@scheduled`.",
)
TRIGGER_ANNOTATION = _add(
    "SW703",
    "trigger-annotation",
    _E,
    "An annotation of the trigger code is wrong",
    "Known are `@fetch function handler`, `@queue function NAME`, `@scheduled function NAME`, and `@config {…}` as the "
    "first statement of a queue's handler.",
)
QUEUE_TWICE = _add(
    "SW704", "queue-twice", _E, "Two handlers are for the same queue", "Queue names are lower case with hyphens."
)
ENV_VAR = _add(
    "SW706", "env-var", _E, "A variable's name or value is wrong", "Names are `[A-Z][A-Z0-9_]*`, values at most 5 KB."
)
DEPENDENCY = _add(
    "SW707", "dependency", _E, "A dependency is wrong", "`dependencies` maps npm names to version ranges."
)
ENV_DYNAMIC = _add(
    "SW708",
    "env-dynamic",
    _W,
    "`env` is used as a whole",
    "Which bindings the code reads cannot be seen. Read them by name: `env.NAME`. `env` is followed into local names, "
    "patterns and the functions of the same code; it is lost where it is stored in an object, indexed by a value, "
    "returned, or given to a function that is not declared there.",
)
DEPENDENCY_CONFLICT = _add(
    "SW709",
    "dependency-conflict",
    _E,
    "No version of a package is what all want",
    "A graph and its custom nodes share one version of each package, so that what one hands another is of the same "
    "classes. The message says who wants what.",
)

# -- 8xx: building ------------------------------------------------------------------------------------

TOOL_MISSING = _add("SW801", "tool-missing", _E, "A tool is missing", "The message says which and how to get it.")
SIZE = _add("SW802", "worker-size", _E, "The Worker is over 64 MiB", "Cloudflare's limit.")
PACKAGES_MISSING = _add(
    "SW803",
    "packages-missing",
    _E,
    "A package is not installed",
    "Compiling reads and fetches nothing by itself. `stepwell build`, `run`, `dev` and `deploy` install what "
    "`dependencies` name, `stepwell install` does only that; from Python, give the compile what "
    "`stepwell.bundle.packages.install_for` returns.",
)
SIZE_COMPRESSED = _add(
    "SW804",
    "worker-size-compressed",
    _W,
    "The Worker is over 10 MB compressed",
    "Since 2026-09-04 Cloudflare takes 64 MiB, uncompressed. Before, and by what its pages still say, a Worker had 10 "
    "MB compressed at most, on free plans 3 MB.",
)

# -- 9xx: editing -------------------------------------------------------------------------------------

EDIT = _add(
    "SW901",
    "edit",
    _E,
    "An edit cannot be made",
    "It would change what other parts of the graph mean, or it fits nowhere; the message says why. The document is as "
    "it was.",
)

# -- 9xx: custom nodes ----------------------------------------------------------------------------------

NODE_DEFINITION = _add(
    "SW911",
    "node-definition",
    _E,
    "A custom node's definition is wrong",
    "Its `node.json` cannot be used. `stepwell nodes check` tells everything that is wrong with a node.",
)
NODE_VERSION = _add(
    "SW912",
    "node-version",
    _E,
    "A custom node is not there in this version",
    "A node's `version` chooses among the versions of its type that were found. `stepwell nodes list` shows them.",
)
NODE_TEMPLATE = _add(
    "SW913",
    "node-template",
    _E,
    "A custom node's template cannot be used",
    "A template is an ES module whose default export is a function: `export default async function (ctx) { … }`. "
    "The place given is in the template.",
)
NODE_SECRET = _add(
    "SW914",
    "node-secret",
    _E,
    "A secret stands in the graph",
    "The value of a secret field belongs to the Worker, under the name that the definition gives it: "
    "`stepwell deploy --secrets-file`, the project's variables, or `wrangler secret put`. Leave the field out, or name "
    "another secret with `{{env.NAME}}`.",
)
NODE_DEPRECATED = _add(
    "SW915", "node-deprecated", _W, "A custom node is deprecated", "Its author says what to use instead, if anything."
)
NODE_UNPINNED = _add(
    "SW916",
    "node-unpinned",
    _W,
    "No version of a custom node is asked for",
    "There are several, and the newest is taken; with another one beside, the same graph means something else.",
)
