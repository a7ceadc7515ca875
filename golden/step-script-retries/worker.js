import { NonRetryableError } from "cloudflare:workflows";

async function runGraph(env, event) {
  const flaky = await retry("EXPORT_flaky", { limit: 3, delay: 1, backoff: "constant" }, async (ctx) => {
    if (ctx.attempt < 3) throw new Error(`attempt ${ctx.attempt}`);
    return ctx.attempt;
  });
  if (event.payload === "fatal") {
    await retry("Fatal", { limit: 3, delay: 1, backoff: "exponential" }, async (ctx) => {
      throw new NonRetryableError(`fatal on attempt ${ctx.attempt}`);
    });
  } else if (event.payload === "slow") {
    await retry("Too slow", { timeout: 20 }, async () => {
      await scheduler.wait(5000);
    });
  } else if (event.payload === "plain") {
    await (async () => {
      throw new Error("not retried");
    })();
  }
  return { flaky };
}

/** Runs `body` until it succeeds, at most `limit` more times. One that timed out still runs: it is not run again. */
async function retry(
  name,
  options,
  body,
) {
  const { limit = 0, delay = 0, backoff, timeout } = options;
  const ctx = { step: { name, count: 1 }, idempotencyKey: crypto.randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      const work = body({ ...ctx, attempt });
      return await (timeout === undefined ? work : within(timeout, name, work));
    } catch (error) {
      if (attempt > limit || error instanceof NonRetryableError) throw error;
    }
    const factor = backoff === "exponential" ? 2 ** (attempt - 1) : backoff === "linear" ? attempt : 1;
    await scheduler.wait(delay * factor);
  }
}

/** What `work` comes to, if it does so in time. */
function within(timeout, name, work) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new NonRetryableError(`${name} timed out after ${timeout} ms`);
    timer = setTimeout(() => reject(error), timeout);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
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
