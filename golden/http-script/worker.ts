import { NonRetryableError } from "cloudflare:workflows";

interface Env {}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const answer_stored = await retry(
    "EXPORT_answer",
    { limit: 2, delay: 1 },
    async () => request("GET", `https://api.test/${event.payload}`, { timeout: 200 }),
  );
  const answer = withBody(answer_stored);
  await request("POST", "https://api.test/once", {
    body: { got: answer.value },
    idempotencyKey: crypto.randomUUID(),
  });
  return { answer: answer_stored };
}

/** Runs `body` until it succeeds, at most `limit` more times. */
async function retry(
  name: string,
  options: { limit?: number; delay?: number; backoff?: string; timeout?: number },
  body: () => Promise<any>,
): Promise<any> {
  const { limit = 0, delay = 0 } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await body();
    } catch (error) {
      if (attempt > limit || error instanceof NonRetryableError) throw error;
    }
    await scheduler.wait(delay * 2 ** (attempt - 1));
  }
}

/** One HTTP request and its answer. */
async function request(method: string, url: any, options: any = {}) {
  const sent = outgoing(method, url, options);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response: Response, text: string;
  try {
    response = await fetch(sent);
    text = await response.text();
  } catch (error) {
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (!response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    const again = response.status >= 500 || [408, 425, 429].includes(response.status);
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  const headers: Record<string, string> = {};
  // Several cookies come one by one, but are read together.
  for (const name of response.headers.keys()) headers[name] = response.headers.get(name)!;
  return { status: response.status, headers, body: parsed(response, text) };
}

/** The request to send. */
function outgoing(method: string, url: any, options: any) {
  try {
    const headers = new Headers();
    const key = options.idempotencyKey;
    if (key) headers.set("Idempotency-Key", key);
    const body = JSON.stringify(options.body);
    if (body) headers.set("Content-Type", "application/json");
    const signal = options.timeout === undefined ? undefined : AbortSignal.timeout(options.timeout);
    return new Request(url, { method, headers, body, signal });
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

/** The answer of a request, and beside it the fields of a body that is a JSON object. */
function withBody(answer: any): any {
  return answer && { ...fieldsOf(answer.body), ...answer };
}

function fieldsOf(value: any): any {
  return typeof value === "object" && !Array.isArray(value) ? value : {};
}

function messageOf(error: any): string {
  return error?.message ?? String(error);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      if (request.method !== "POST") return new Response();
      const payload: any = await request.json().catch(() => undefined);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
