import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

export class Quote extends WorkflowEntrypoint {
  async run(event, step) {
    const { sku, buyer } = event.payload;
    const product = await step.do("Fetch product", () =>
      call("GET", `https://catalogue.example.com/products/${sku}`),
    );
    const price = await this.price(step, { price: product.body.price });
    const offer = await step.do("Send offer", () =>
      call("POST", "https://mail.example.com/send", { to: buyer, text: `${product.body.name} for ${price.total} EUR` }),
    );
    const told = await step.do("EXPORT_offer", async () => ({ total: price.total, mail: offer.body.id }));
    return { offer: told };
  }

  /** Has the other workflow work it out. A step draws its id, so that an attempt more starts no second one. */
  async price(step, params) {
    const workflow = this.env.PRICE_CHILD;
    const id = await step.do("Work out price: id", async () => crypto.randomUUID());
    await step.do("Work out price: create", async () => {
      try {
        await workflow.create({ id, params });
      } catch (error) {
        if (!error.message.includes("instance.already_exists")) throw error;
      }
    });
    const hour = 60 * 60 * 1000;
    for (let k = 1, pause = 1000, waited = 0; ; k++, pause = Math.min(pause * 2, hour / 12)) {
      const { status, output, error } = await step.do(`Work out price: status [${k}]`, async () => {
        const { status, output, error } = await (await workflow.get(id)).status();
        return { status, output, error };
      });
      if (status === "complete") return output;
      if (status === "errored" || status === "terminated") {
        throw new Error(`Work out price: ${id} ${status}: ${error?.message ?? "no message"}`);
      }
      if (waited >= hour) throw new Error(`Work out price: ${id} did not end in 3600 s`);
      const nap = Math.min(pause, hour - waited);
      await step.sleep(`Work out price: part ${k}`, nap);
      waited += nap;
    }
  }
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: body && { "Content-Type": "application/json" },
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
