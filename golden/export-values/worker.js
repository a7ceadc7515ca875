import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class ExportValues extends WorkflowEntrypoint {
  async run(event, step) {
    const first_value_ = await step.do("EXPORT_first value!", DEFAULTS, async () => {
      return 1;
    });
    let in_branch;
    if (event.payload.yes) {
      in_branch = await step.do("EXPORT_in branch", DEFAULTS, async () => {
        return 2;
      });
    } else {
      await step.do("N", DEFAULTS, async () => {
        return "n";
      });
    }
    let turn;
    for (let i = 0; i < 2; i++) {
      turn = await step.do(`EXPORT_turn [${i}]`, DEFAULTS, async () => {
        return i;
      });
    }
    const Race_won = await race(step, "Race", [
      async () => {
        const fast = await step.do("EXPORT_fast", DEFAULTS, async () => {
          return "fast";
        });
        return { fast };
      },
      async () => {
        const slow = await step.do("EXPORT_slow", DEFAULTS, async () => {
          await scheduler.wait(2000);
          return "slow";
        });
        return { slow };
      },
    ]);
    const fast = Race_won.fast;
    const slow = Race_won.slow;
    const _proto_ = await step.do("EXPORT___proto__", DEFAULTS, async () => {
      return first_value_;
    });
    const answer = await step.do("EXPORT_answer", DEFAULTS, async () => request("GET", "https://api.test/"));
    const _event_ = await step.waitForEvent("EXPORT_\"event\"", { type: "go", timeout: "24 hours" });
    return {
      "first value!": first_value_,
      "in branch": in_branch,
      turn,
      fast,
      slow,
      ["__proto__"]: _proto_,
      answer,
      "\"event\"": _event_,
    };
  }
}

/** Starts all arms and goes on with the first that succeeds. A step keeps which it was, for every replay. */
async function race(
  step,
  name,
  arms,
  turn = "",
) {
  const running = arms.map((arm) => arm());
  const first = await Promise.any(running.map((arm, index) => arm.then(() => index))).catch((failed) => {
    throw new Error(`${name}: every arm failed: ${failed.errors.map(messageOf).join("; ")}`);
  });
  return running[await step.do(`${name}: winner${turn}`, DEFAULTS, async () => first)];
}

/** One HTTP request and its answer. What another attempt cannot mend is a NonRetryableError. */
async function request(method, url) {
  const sent = outgoing(method, url);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response, text;
  try {
    response = await fetch(sent);
    text = await response.text();
  } catch (error) {
    // The runtime's own words stand first: by them the engine knows what must not be retried.
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (!response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    const again = response.status >= 500 || [408, 425, 429].includes(response.status);
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  const headers = {};
  // Several cookies come one by one, but are read together.
  for (const name of response.headers.keys()) headers[name] = response.headers.get(name);
  const answer = { status: response.status, headers, body: parsed(response, text) };
  const size = new TextEncoder().encode(JSON.stringify(answer)).length;
  if (size > 1024 * 1024) {
    throw new NonRetryableError(`${what} answered ${size} bytes; a step's result can hold 1 MiB`);
  }
  return answer;
}

/** The request to send. */
function outgoing(method, url) {
  try {
    return new Request(url, { method });
  } catch (error) {
    throw new NonRetryableError(`The ${method} request cannot be made: ${messageOf(error)}`);
  }
}

/** The body of an answer: what its JSON means when it says that it is JSON, else its text. */
function parsed(response, text) {
  if (!/^[^;]*[/+]json\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "")) return text;
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a request carries the token. Digests are compared, which have one length, in a time that tells nothing. */
async function authorized(request, token) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
}

function messageOf(error) {
  return error?.message ?? String(error);
}

export default {
  async fetch(request, env) {
    try {
      if (env.TRIGGER_TOKEN !== undefined && !(await authorized(request, env.TRIGGER_TOKEN))) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body = await request.json().catch(() => undefined);
        if (typeof body?.instanceId === "string" && typeof body.eventType === "string") {
          const instance = await env.WORKFLOW.get(body.instanceId);
          await instance.sendEvent({ type: body.eventType, payload: body.payload });
          return Response.json({ instanceId: instance.id, delivered: true });
        }
        const instance = await env.WORKFLOW.create({ params: body });
        return Response.json({ instanceId: instance.id });
      }
      const id = url.searchParams.get("instanceId");
      if (request.method === "GET" && id) {
        const instance = await env.WORKFLOW.get(id);
        return Response.json(await instance.status());
      }
      return new Response();
    } catch (error) {
      if (/\binstance\.not_found\b/.test(messageOf(error))) {
        return Response.json({ message: "Instance not found" }, { status: 404 });
      }
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
};
//# sourceMappingURL=worker.js.map
