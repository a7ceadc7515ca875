import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const ASKED = { retries: { limit: 1, delay: "10 seconds", backoff: "exponential" }, timeout: "20 seconds" };

export class SupplierQuotes extends WorkflowEntrypoint {
  async run(event, step) {
    const { sku, quantity, buyer } = event.payload;
    const ask = (name, host) =>
      step.do(`Quote from ${name}`, ASKED, () => call("POST", `https://${host}.example.com/quotes`, { sku, quantity }));
    const answers = await Promise.allSettled([ask("North", "north"), ask("South", "south"), ask("West", "west")]);
    const best = await step.do("Best quote", async () => {
      const quotes = answers.filter((answer) => answer.status === "fulfilled").map((answer) => answer.value.body);
      if (quotes.length === 0) throw new NonRetryableError("no supplier made a quote");
      return quotes.reduce((best, quote) => (quote.price < best.price ? quote : best));
    });
    await step.do("Send offer", () =>
      call("POST", "https://mail.example.com/send", {
        to: buyer,
        text: `${best.supplier} offers ${quantity} for ${best.price} EUR. Valid for one day.`,
      }),
    );
    const expire = async () => {
      await step.sleep("Offer's last day", "1 day");
      return step.do("Offer expired", async () => ({ type: "expired" }));
    };
    const arms = [step.waitForEvent("Buyer's answer", { type: "offer-accepted", timeout: "30 days" }), expire()];
    for (const arm of arms) arm.catch(() => {});
    // A replay must go the same way, so a step keeps which was first.
    const first = await Promise.any(arms.map((arm, index) => arm.then(() => index)));
    const answer = await arms[await step.do("First of: winner", async () => first)];
    const deal = await step.do("EXPORT_deal", async () => {
      const accepted = answer.type === "offer-accepted";
      return { supplier: best.supplier, price: best.price, status: accepted ? "ordered" : "expired" };
    });
    return { deal };
  }
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const what = `${method} ${url} answered`;
  if (!response.ok) {
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
        if (url.pathname === "/quotes") {
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
