// Loads a Worker and says what it exports; what fails at its top level fails here.
import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
import * as main from "MAIN";

const BASES = Object.entries({ WorkflowEntrypoint, DurableObject, WorkerEntrypoint });

const base = (value) => BASES.find(([, Base]) => typeof value === "function" && value.prototype instanceof Base)?.[0];

function methods(value) {
  const names = new Set();
  const start = typeof value === "function" ? value.prototype : value;
  for (let at = start; at && at !== Object.prototype && !BASES.some(([, Base]) => at === Base.prototype); at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) if (name !== "constructor" && typeof at[name] === "function") names.add(name);
  return [...names];
}

const told = {};
for (const [name, value] of Object.entries(main))
  if (value !== null && ["object", "function"].includes(typeof value)) told[name] = { base: base(value) ?? null, methods: methods(value) };

export default {
  test() {
    console.log("MARK" + JSON.stringify(told));
  },
};
