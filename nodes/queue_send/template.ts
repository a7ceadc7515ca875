import { NonRetryableError } from "cloudflare:workflows";

/** A batch holds at most so many messages. */
const MOST = 100;

export default async function (ctx) {
  const { message, batch, delaySeconds } = ctx.config;
  if (message === undefined) throw new NonRetryableError("There is no message to send");
  if (!batch) {
    await ctx.config.queue.send(message, { delaySeconds });
    return { sent: 1 };
  }
  if (!Array.isArray(message)) throw new NonRetryableError("A batch is a list of messages");
  for (let start = 0; start < message.length; start += MOST) {
    const part = message.slice(start, start + MOST).map((body) => ({ body, delaySeconds }));
    await ctx.config.queue.sendBatch(part);
  }
  return { sent: message.length };
}
