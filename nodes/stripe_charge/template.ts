import { NonRetryableError } from "cloudflare:workflows";

interface Intent {
  id: string;
  status: string;
  amount: number;
  currency: string;
}

export default async function (ctx) {
  const { amount, currency, customer, paymentMethod, description, metadata } = ctx.config;
  const form = new URLSearchParams({
    amount: String(amount),
    currency: currency.toLowerCase(),
    customer,
    payment_method: paymentMethod,
    confirm: "true",
    // The customer is not here to be asked anything.
    off_session: "true",
  });
  if (description !== undefined) form.set("description", description);
  for (const [key, value] of Object.entries(metadata ?? {})) form.set(`metadata[${key}]`, String(value));
  const response = await fetch("https://api.stripe.com/v1/payment_intents", {
    method: "POST",
    headers: { Authorization: `Bearer ${ctx.env.STRIPE_SECRET_KEY}`, "Idempotency-Key": ctx.idempotencyKey },
    body: form,
  });
  if (!response.ok) throw failure(response.status, await response.text());
  const intent = await response.json<Intent>();
  if (intent.status !== "succeeded" && intent.status !== "processing") {
    throw new NonRetryableError(`The payment ${intent.id} is ${intent.status}`);
  }
  return { id: intent.id, status: intent.status, amount: intent.amount, currency: intent.currency };
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
