import { NonRetryableError } from "cloudflare:workflows";

interface Answer {
  ok: boolean;
  error?: string;
  channel: string;
  ts: string;
}

/** Errors that come with the status 200 and pass. */
const PASSING = new Set(["internal_error", "fatal_error", "request_timeout", "service_unavailable", "ratelimited"]);

export default async function (ctx) {
  const { channel, text, blocks, threadTs } = ctx.config;
  const response = await fetch("https://slack.com/api/chat.postMessage", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${ctx.env.SLACK_BOT_TOKEN}`,
      "Content-Type": "application/json; charset=utf-8",
    },
    // Slack takes a message with the same id once, whoever sends it again.
    body: JSON.stringify({ channel, text, blocks, thread_ts: threadTs, client_msg_id: uuid(ctx.idempotencyKey) }),
  });
  if (!response.ok) throw failure(response.status, await response.text());
  const answer = await response.json<Answer>();
  if (answer.ok) return { channel: answer.channel, ts: answer.ts };
  const message = `Slack refuses the message: ${answer.error}`;
  throw PASSING.has(answer.error ?? "") ? new Error(message) : new NonRetryableError(message);
}

function failure(status: number, text: string): Error {
  const message = `Slack answered ${status}: ${text.slice(0, 200)}`;
  return status === 429 || status >= 500 ? new Error(message) : new NonRetryableError(message);
}

/** A key of 64 hexadecimal digits as a UUID. */
function uuid(key: string): string {
  return `${key.slice(0, 8)}-${key.slice(8, 12)}-4${key.slice(13, 16)}-8${key.slice(17, 20)}-${key.slice(20, 32)}`;
}
