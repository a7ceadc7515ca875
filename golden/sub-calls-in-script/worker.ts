interface Env {
  STEP_SCRIPT: Fetcher;
  PRICE_CHILD: Workflow<any>;
}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const Greet = withBody(await request("POST", "https://invoke/", { body: event.payload, via: env.STEP_SCRIPT }));
  const started = await env.PRICE_CHILD.create({ params: undefined }).then(({ id }) => ({ instanceId: id }));
  const greeting = await (async () => {
    return Greet.greeting;
  })();
  return { started, greeting };
}

/** One HTTP request and its answer. */
async function request(method: string, url: any, options: any = {}) {
  const { via = globalThis } = options;
  const sent = outgoing(method, url, options);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response: Response, text: string;
  try {
    response = await via.fetch(sent);
    text = await response.text();
  } catch (error) {
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (!response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    throw new Error(message);
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
    const { body } = options;
    const raw = [ArrayBuffer, Uint8Array, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
    const json = body !== undefined && typeof body !== "string" && !raw;
    if (json) headers.set("Content-Type", "application/json");
    return new Request(url, { method, headers, body: json ? JSON.stringify(body) : body });
  } catch (error) {
    throw new Error(`The ${method} request cannot be made: ${messageOf(error)}`);
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
