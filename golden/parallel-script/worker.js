async function runGraph(env, event) {
  const [One, Two] = valuesOf(await Promise.allSettled([
    (async () => request("GET", "https://api.test/1"))(),
    (async () => request("GET", "https://api.test/2"))(),
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
async function request(method, url) {
  const sent = outgoing(method, url);
  const { origin, pathname } = new URL(sent.url);
  const what = `${method} ${origin}${pathname}`;
  let response, text;
  try {
    response = await fetch(sent);
    text = await response.text();
  } catch (error) {
    throw new Error(`${messageOf(error)} (${what})`);
  }
  if (!response.ok) {
    const message = `${what} answered ${response.status}: ${text.slice(0, 200)}`;
    throw new Error(message);
  }
  const headers = {};
  // Several cookies come one by one, but are read together.
  for (const name of response.headers.keys()) headers[name] = response.headers.get(name);
  return { status: response.status, headers, body: parsed(response, text) };
}

/** The request to send. */
function outgoing(method, url) {
  try {
    return new Request(url, { method });
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
  return error?.message ?? String(error);
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
