import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

interface Env {
  WORKFLOW: Workflow<any>;
  TRIGGER_TOKEN?: string;
}

const DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes",
} as const;

export class HttpNotThrowing extends WorkflowEntrypoint<Env, any> {
  async run(event: WorkflowEvent<any> & { payload: any }, step: WorkflowStep) {
    const Get = await step.do<any>(
      "Get",
      DEFAULTS,
      async () => request("GET", "https://api.test/thing", { throwOnError: false }),
    );
    let Known: any;
    if (Get.status === 200) {
      Known = await step.do<any>("Found", DEFAULTS, async () => {
        return Get.body;
      });
    } else {
      Known = await step.do<any>("Missing", DEFAULTS, async () => {
        return "status " + Get.status;
      });
    }
    return Known;
  }
}

/** One HTTP request and its answer. What another attempt cannot mend is a NonRetryableError. */
async function request(method: string, url: any, options: any = {}) {
  const { via = globalThis, throwOnError = true } = options;
  const sent = outgoing(method, url, options);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response: Response, text: string;
  try {
    response = await via.fetch(sent);
    text = await response.text();
  } catch (error) {
    // The runtime's own words stand first: by them the engine knows what must not be retried.
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (throwOnError && !response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    const again = response.status >= 500 || [408, 425, 429].includes(response.status);
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  const headers: Record<string, string> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 1) headers["set-cookie"] = cookies.join(", ");
  const answer = { status: response.status, headers, body: parsed(response, text) };
  const size = new TextEncoder().encode(JSON.stringify(answer)).length;
  if (size > 1024 * 1024) {
    throw new NonRetryableError(`${what} answered ${size} bytes; a step's result can hold 1 MiB`);
  }
  return answer;
}

/** The request to send. */
function outgoing(method: string, url: any, options: any) {
  const { query, body, timeout, idempotencyKey } = options;
  try {
    const address = new URL(url);
    const extra = new URLSearchParams();
    for (const [name, value] of Object.entries<any>(query ?? {})) {
      for (const item of [value].flat()) if (item != null) extra.append(name, item);
    }
    if (extra.size > 0) address.search += `${address.search ? "&" : "?"}${extra}`;
    const given = Object.entries<any>(options.headers ?? {}).filter(([, value]) => value != null);
    const headers = new Headers(given);
    if (idempotencyKey && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", idempotencyKey);
    const raw = [ArrayBuffer, Uint8Array, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
    const json = body !== undefined && typeof body !== "string" && !raw;
    if (json && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
    const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
    return new Request(address, { method, headers, body: json ? JSON.stringify(body) : body, signal });
  } catch (error) {
    throw new NonRetryableError(`The ${method} request cannot be made: ${messageOf(error)}`);
  }
}

/** The body of an answer: what its JSON means when it says that it is JSON, else its text. */
function parsed(response: Response, text: string): any {
  if (!/^[^;]*[/+]json\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "")) return text;
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a request carries the token. Digests are compared, so that the time it takes tells nothing. */
async function authorized(request: Request, token: string) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = (text: string) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const [a, b] = [new Uint8Array(await digest(given)), new Uint8Array(await digest(token))];
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]), 0) === 0;
}

function messageOf(error: unknown) {
  return error instanceof Error ? error.message : String(error);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      if (env.TRIGGER_TOKEN !== undefined && !(await authorized(request, env.TRIGGER_TOKEN))) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body: any = await request.json().catch(() => undefined);
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
} satisfies ExportedHandler<Env>;
