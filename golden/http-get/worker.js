import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
};

export class HttpGet extends WorkflowEntrypoint {
  async run(event, step) {
    const User_stored = await step.do(
      "User",
      DEFAULTS,
      async () => request("GET", `https://api.test/users/${event.payload.id}`, {
        headers: { Accept: "application/json", "X-Trace": `run-${event.payload.trace}` },
        query: { full: "yes", page: event.payload.page, skipped: null },
      }),
    );
    const User = withBody(User_stored);
    await step.do("Read", DEFAULTS, async () => {
      return { name: User.name, sameName: User_stored.body.name, status: User_stored.status, type: User_stored.headers["content-type"], direct: User.email };
    });
    const Again = await step.do("Again", DEFAULTS, async () => request("GET", User.next));
    return Again;
  }
}

/** One HTTP request and its answer. What another attempt cannot mend is a NonRetryableError. */
async function request(method, url, options = {}) {
  const sent = outgoing(method, url, options);
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
function outgoing(method, url, options) {
  try {
    const address = new URL(url);
    const extra = new URLSearchParams();
    for (const [name, value] of Object.entries(options.query ?? {})) {
      for (const item of [value].flat()) if (item != null) extra.append(name, item);
    }
    if (extra.size > 0) address.search += `${address.search ? "&" : "?"}${extra}`;
    const headers = new Headers(options.headers);
    return new Request(address, { method, headers });
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

/** The answer of a request, and beside it the fields of a body that is a JSON object. */
function withBody(answer) {
  return answer && { ...fieldsOf(answer.body), ...answer };
}

function fieldsOf(value) {
  return typeof value === "object" && !Array.isArray(value) ? value : {};
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
