import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

export class OrderApproval extends WorkflowEntrypoint {
  async run(event, step) {
    const order = await step.do("Validate order", async () => {
      const { orderId, customer, items } = event.payload;
      if (!orderId || !items?.length) {
        throw new NonRetryableError("an order needs an orderId and at least one item");
      }
      const total = items.reduce((sum, item) => sum + item.price * item.quantity, 0);
      return { orderId, customer, items, total };
    });
    for (const [index, item] of order.items.entries()) {
      await step.do(`Reserve stock [${index}]`, async (ctx) =>
        call("POST", "https://stock.example.com/reservations", {
          body: { order: order.orderId, sku: item.sku, quantity: item.quantity },
          headers: { "Idempotency-Key": await keyOf(event, ctx) },
        }),
      );
    }
    let approval;
    if (order.total > 500) {
      approval = await step.waitForEvent("Wait for approval", { type: "approval", timeout: "3 days" });
    }
    let dispatch, cancelled;
    if (approval?.payload?.approved ?? true) {
      try {
        const charge = await step.do(
          "Charge card",
          { retries: { limit: 3, delay: "5 seconds", backoff: "exponential" }, timeout: "30 seconds" },
          async (ctx) =>
            call("POST", "https://payments.example.com/charges", {
              body: { order: order.orderId, amount: order.total, currency: "EUR" },
              headers: {
                Authorization: `Bearer ${this.env.PAYMENTS_KEY}`,
                "Idempotency-Key": await keyOf(event, ctx),
              },
            }),
        );
        const [courier, receipt] = await all([
          step.do("Book courier", () =>
            call("POST", "https://courier.example.com/pickups", {
              body: { order: order.orderId, address: order.customer.address },
            }),
          ),
          step.do("Mail receipt", () =>
            call("POST", "https://mail.example.com/send", {
              body: {
                to: order.customer.email,
                subject: `Your order ${order.orderId}`,
                text: `Paid: ${charge.body.amount} EUR`,
              },
            }),
          ),
        ]);
        dispatch = await step.do("Dispatch", async () => ({
          tracking: courier.body.tracking,
          receipt: receipt.status === 202,
        }));
      } catch {
        await step.do("Release stock", () =>
          call("DELETE", `https://stock.example.com/reservations/${order.orderId}`, {}),
        );
      }
    } else {
      cancelled = await step.do("Cancel order", async () => ({ reason: approval?.payload?.reason ?? "rejected" }));
    }
    return step.do("Summary", async () => {
      const tracking = dispatch?.tracking ?? null;
      const reason = cancelled?.reason ?? null;
      return {
        orderId: order.orderId,
        total: order.total,
        status: tracking ? "shipped" : reason ? "cancelled" : "payment failed",
        tracking,
        reason,
      };
    });
  }
}

/** As Promise.all, but nothing goes on while one of them still runs. */
async function all(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** A key that stays the same over all attempts of a step. It must not tell the instance's id. */
async function keyOf(event, ctx) {
  const text = new TextEncoder().encode(`${event.instanceId}\n${ctx.step.name}`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, { headers, body }) {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
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
        if (url.pathname === "/orders") {
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
