import { NonRetryableError } from "cloudflare:workflows";

interface Refund {
  id: string;
  status: string;
  amount: number;
}

export default async function (ctx) {
  const { paymentIntent, amount, reason } = ctx.config;
  const form = new URLSearchParams({ payment_intent: paymentIntent, reason });
  if (amount !== undefined) form.set("amount", String(amount));
  const response = await fetch("https://api.stripe.com/v1/refunds", {
    method: "POST",
    headers: { Authorization: `Bearer ${ctx.env.STRIPE_SECRET_KEY}`, "Idempotency-Key": ctx.idempotencyKey },
    body: form,
  });
  if (!response.ok) throw failure(response.status, await response.text());
  const refund = await response.json<Refund>();
  if (refund.status === "failed" || refund.status === "canceled") {
    throw new NonRetryableError(`The refund ${refund.id} is ${refund.status}`);
  }
  return { id: refund.id, status: refund.status, amount: refund.amount };
}

/** What Stripe says went wrong; a declined card is final, a busy server is not. */
function failure(status: number, text: string): Error {
  let reason = text.slice(0, 200);
  try {
    const { error } = JSON.parse(text);
    reason = [error.code, error.decline_code, error.message].filter(Boolean).join(": ");
  } catch {
    // It is not JSON, so the text itself is the reason.
  }
  const message = `Stripe answered ${status}: ${reason}`;
  return status === 409 || status === 429 || status >= 500 ? new Error(message) : new NonRetryableError(message);
}
