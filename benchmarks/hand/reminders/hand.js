import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

export class Reminders extends WorkflowEntrypoint {
  async run(event, step) {
    const { customer, amount } = event.payload;
    const headers = { Authorization: `Bearer ${this.env.BILLING_KEY}`, "Content-Type": "application/json" };
    const invoices = "https://billing.example.com/invoices";
    const invoice = await step.do("Send invoice", () => call("POST", invoices, headers, { customer, amount }));
    let payment;
    for (let week = 0; week < 3; week++) {
      try {
        const paid = await step.waitForEvent(`Wait for payment [${week}]`, { type: "paid", timeout: "1 week" });
        const booked = await step.do(`Book payment [${week}]`, async () => ({
          value: paid.payload.reference,
          output: { paid: paid.payload.amount, reminders: week },
        }));
        payment = booked.output;
        break;
      } catch {
        await step.do(`Remind [${week}]`, () =>
          call("POST", `${invoices}/${invoice.body.id}/reminders`, headers, { level: week }),
        );
      }
    }
    return step.do("Outcome", async () => ({
      invoice: invoice.body.id,
      ...(payment ?? { paid: 0, reminders: 3 }),
    }));
  }
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, headers, body) {
  const response = await fetch(url, {
    method,
    headers,
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
        if (url.pathname === "/invoices") {
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
