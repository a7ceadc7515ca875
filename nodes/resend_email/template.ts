import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx) {
  const { from, to, subject, html, text, replyTo, tags } = ctx.config;
  if (html === undefined && text === undefined) throw new NonRetryableError("The mail has neither `html` nor `text`");
  const response = await fetch("https://api.resend.com/emails", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${ctx.env.RESEND_API_KEY}`,
      "Content-Type": "application/json",
      // Resend sends a mail with the same key once within 24 hours.
      "Idempotency-Key": ctx.idempotencyKey,
    },
    body: JSON.stringify({ from, to, subject, html, text, reply_to: replyTo, tags }),
  });
  if (!response.ok) throw failure(response.status, await response.text());
  const { id } = await response.json<{ id: string }>();
  return { id };
}

function failure(status: number, text: string): Error {
  const message = `Resend answered ${status}: ${text.slice(0, 200)}`;
  return status === 408 || status === 429 || status >= 500 ? new Error(message) : new NonRetryableError(message);
}
