import { NonRetryableError } from "cloudflare:workflows";

const API = "https://greetings.example.com/v1/greetings";

export default async function (ctx) {
  const { name, tone } = ctx.config;
  const response = await fetch(API, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${ctx.env.NODE_ENV_KEY}`,
      "Content-Type": "application/json",
      "Idempotency-Key": ctx.idempotencyKey,
    },
    body: JSON.stringify({ name, tone }),
  });
  if (!response.ok) {
    const message = `The service answered ${response.status}: ${(await response.text()).slice(0, 200)}`;
    // What the service refuses, another attempt cannot mend.
    const again = response.status === 429 || response.status >= 500;
    throw again ? new Error(message) : new NonRetryableError(message);
  }
  return response.json<{ text: string }>();
}
