import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

export class Transfer extends WorkflowEntrypoint {
  async run(event, step) {
    const { from, to, amount } = event.payload;
    const lock = `https://ledger.example.com/accounts/${from}/lock`;
    const post = (name, url, body) =>
      step.do(name, async (ctx) => call("POST", url, body, { "Idempotency-Key": await keyOf(event, ctx) }));
    await post("Lock account", lock);
    let debit, credit, refund, unlock;
    try {
      debit = await post("Debit", "https://north-bank.example.com/debits", { account: from, amount });
      credit = await post("Credit", "https://south-bank.example.com/credits", {
        account: to,
        amount,
        debit: debit.body.id,
      });
    } catch (error) {
      const id = debit?.body?.id ?? null;
      if (id !== null) {
        refund = await post("Refund", "https://north-bank.example.com/refunds", { debit: id, reason: error.message });
      }
    } finally {
      unlock = await step.do("Unlock account", () => call("DELETE", lock));
    }
    return step.do("Receipt", async () => {
      const credited = credit?.body?.id ?? null;
      const refunded = refund?.body?.id ?? null;
      return {
        status: credited ? "moved" : refunded ? "refunded" : "refused",
        credit: credited,
        refund: refunded,
        unlocked: unlock.status === 204,
      };
    });
  }
}

/** A key that stays the same over all attempts of a step. It must not tell the instance's id. */
async function keyOf(event, ctx) {
  const text = new TextEncoder().encode(`${event.instanceId}\n${ctx.step.name}`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
}

/** One request, as a step keeps it. What another attempt cannot mend is final. */
async function call(method, url, body, headers) {
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
        if (url.pathname === "/transfers") {
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
