import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

export class NightlyReport extends WorkflowEntrypoint {
  async run(event, step) {
    const { day } = await step.do("Day to report", async () => {
      const at = new Date(event.payload?.scheduledTime ?? event.timestamp);
      at.setUTCDate(at.getUTCDate() - 1);
      return { day: at.toISOString().slice(0, 10) };
    });
    const { body } = await step.do(
      "Fetch orders",
      { retries: { limit: 5, delay: "1 minute", backoff: "exponential" }, timeout: "1 minute" },
      () =>
        call("GET", `https://shop.example.com/api/orders?${new URLSearchParams({ day })}`, {
          headers: { Authorization: `Bearer ${this.env.SHOP_TOKEN}` },
        }),
    );
    const totals = await step.do("Add up", async () => {
      const byCountry = {};
      for (const order of body.orders) {
        const seen = byCountry[order.country] ?? { orders: 0, revenue: 0 };
        byCountry[order.country] = { orders: seen.orders + 1, revenue: seen.revenue + order.total };
      }
      const revenue = Object.values(byCountry).reduce((sum, country) => sum + country.revenue, 0);
      return { day, orders: body.orders.length, revenue, byCountry };
    });
    const { key } = await step.do("Keep the report", async () => {
      const key = `report/${day}`;
      await this.env.REPORTS_KV.put(key, JSON.stringify(totals));
      return { key };
    });
    let text;
    if (totals.orders > 0) {
      text = await step.do("Write lines", async () => {
        const countries = Object.entries(totals.byCountry).sort(([, a], [, b]) => b.revenue - a.revenue);
        return countries
          .map(([country, sum]) => `${country}: ${sum.revenue.toFixed(2)} EUR (orders: ${sum.orders})`)
          .join("\n");
      });
    } else {
      text = await step.do("Write silence", async () => "No orders at all. Is the shop up?");
    }
    await step.do("Post to chat", () =>
      call("POST", this.env.CHAT_WEBHOOK_URL, { body: { title: `Orders of ${day}`, text } }),
    );
    const report = await step.do("EXPORT_report", async () => ({ ...totals, key }));
    return { report };
  }
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, { headers, body }) {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const what = `${method} ${url.split("?")[0]} answered`;
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
  async scheduled({ cron, scheduledTime }, env) {
    await env.WORKFLOW.create({ params: { cron, scheduledTime } });
  },

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
        return Response.json({ message: "This workflow is not started by requests" }, { status: 404 });
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
