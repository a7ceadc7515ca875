async function runGraph(env, event) {
  const [One, Two] = valuesOf(await Promise.allSettled([
    (async () => {
      const One = await request("GET", "https://api.test/1");
      return One;
    })(),
    (async () => {
      const Two = await request("GET", "https://api.test/2");
      return Two;
    })(),
  ]));
  const sum = await (async () => {
    return One.body + Two.body;
  })();
  return { sum };
}

/** The values of arms that all succeeded; else the first error, in the order of the arms. */
function valuesOf(outcomes) {
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

/** One HTTP request and its answer. */
async function request(method, url, options = {}) {
  const { via = globalThis, throwOnError = true } = options;
  const sent = outgoing(method, url, options);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response, text;
  try {
    response = await via.fetch(sent);
    text = await response.text();
  } catch (error) {
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (throwOnError && !response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    throw new Error(message);
  }
  const headers = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 1) headers["set-cookie"] = cookies.join(", ");
  return { status: response.status, headers, body: parsed(response, text) };
}

/** The request to send. */
function outgoing(method, url, options) {
  const { query, body, timeout, idempotencyKey } = options;
  try {
    const address = new URL(url);
    const extra = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
      for (const item of [value].flat()) if (item != null) extra.append(name, item);
    }
    if (extra.size > 0) address.search += `${address.search ? "&" : "?"}${extra}`;
    const given = Object.entries(options.headers ?? {}).filter(([, value]) => value != null);
    const headers = new Headers(given);
    if (idempotencyKey && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", idempotencyKey);
    const raw = [ArrayBuffer, Uint8Array, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
    const json = body !== undefined && typeof body !== "string" && !raw;
    if (json && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
    const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
    return new Request(address, { method, headers, body: json ? JSON.stringify(body) : body, signal });
  } catch (error) {
    throw new Error(`The ${method} request cannot be made: ${messageOf(error)}`);
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

function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

export default {
  async fetch(request, env) {
    try {
      if (request.method !== "POST") return new Response();
      const payload = await request.json().catch(() => undefined);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
};
//# sourceMappingURL=worker.js.map
