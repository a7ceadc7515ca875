import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const BUYING = { retries: { limit: 2, delay: "1 minute", backoff: "linear" }, timeout: "30 seconds" };

export class ShippingLabel extends WorkflowEntrypoint {
  async run(event, step) {
    const { to, weight } = event.payload;
    const { body } = await step.do(
      "Fetch rates",
      { retries: { limit: 4, delay: "2 seconds", backoff: "exponential" }, timeout: "10 seconds" },
      () =>
        call("GET", `https://rates.example.com/v1/rates?${new URLSearchParams({ to, weight })}`, {
          headers: { "X-Api-Key": this.env.RATES_KEY },
        }),
    );
    const { first, second } = await step.do("Choose rates", { retries: { limit: 0, delay: 0 } }, async () => {
      const [first, second] = body.rates.toSorted((a, b) => a.price - b.price);
      if (!first) throw new NonRetryableError(`nobody ships to ${to}`);
      return { first, second: second ?? first };
    });
    const buy = (name, rate, throwOnError) =>
      step.do(name, BUYING, async (ctx) =>
        call("POST", `https://labels.example.com/${rate.carrier}/labels`, {
          headers: { "Idempotency-Key": await keyOf(event, ctx), "Content-Type": "application/json" },
          body: { to, rate: rate.id },
          throwOnError,
        }),
      );
    let bought = await buy("Buy label", first, false);
    if (bought.status >= 300) bought = await buy("Buy other label", second);
    const label = await step.do("EXPORT_label", async () => {
      const { url, carrier } = bought.body;
      return { url, carrier };
    });
    return { label };
  }
}

/** A key that stays the same over all attempts of a step. It must not tell the instance's id. */
async function keyOf(event, ctx) {
  const text = new TextEncoder().encode(`${event.instanceId}\n${ctx.step.name}`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, { headers, body, throwOnError = true }) {
  const response = await fetch(url, {
    method,
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const what = `${method} ${url.split("?")[0]} answered`;
  if (!response.ok && throwOnError) {
    const message = `${what} ${response.status}: ${text.slice(0, 200)}`;
    const again = response.status >= 500 || [408, 425, 429].includes(response.status);
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  if (text.length > 2 ** 20) throw new NonRetryableError(`${what} more than a step can keep`);
  return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed(response, text) };
}

function parsed(response, text) {
  if (!/[/+]json\b/i.test(response.headers.get("Content-Type"))) return text;
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a request carries the token; the comparison takes as long for every wrong one. */
async function authorized(request, token) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization"))?.[1];
  const digest = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return !!given && crypto.subtle.timingSafeEqual(await digest(given), await digest(token));
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
        if (url.pathname === "/labels") {
          const instance = await env.WORKFLOW.create({ params: body });
          return Response.json({ instanceId: instance.id });
        }
      }
      const id = url.searchParams.get("instanceId");
      if (request.method === "GET" && id) {
        const instance = await env.WORKFLOW.get(id);
        return Response.json(await instance.status());
      }
      return new Response();
    } catch (error) {
      if (error.message.includes("instance.not_found")) {
        return Response.json({ message: "Instance not found" }, { status: 404 });
      }
      return Response.json({ message: error.message }, { status: 500 });
    }
  },
};
