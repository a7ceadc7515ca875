type Level = "info" | "alarm";

const API = "https://chat.test/messages";

/** What the service answers. */
interface Answer {
  id: string;
}

function words(level: Level, text: string): string {
  return level === "alarm" ? `!!! ${text}` : text;
}

export default async function post(ctx: any): Promise<Answer> {
  const { channel, text, level, tags, extra } = ctx.config;
  const response = await fetch(API, {
    method: "POST",
    headers: { Authorization: `Bearer ${ctx.env.CHAT_TOKEN}`, "Idempotency-Key": ctx.idempotencyKey },
    body: JSON.stringify({ channel, text: words(level, text), tags, extra, by: ctx.inputs.by, run: ctx.workflow.name }),
  });
  if (!response.ok) throw new Error(`The chat answered ${response.status} at attempt ${ctx.attempt}`);
  return response.json();
}
