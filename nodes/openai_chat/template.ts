import { NonRetryableError } from "cloudflare:workflows";

interface Completion {
  choices: { message: { content: string | null; refusal?: string | null }; finish_reason: string }[];
  usage?: { prompt_tokens: number; completion_tokens: number };
}

export default async function (ctx) {
  const { baseUrl, model, system, prompt, temperature, maxTokens, json } = ctx.config;
  const messages = ctx.config.messages ?? [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt ?? "" },
  ];
  const response = await fetch(`${baseUrl.replace(/\/+$/, "")}/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ctx.env.OPENAI_API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      model,
      messages,
      temperature,
      max_tokens: maxTokens,
      response_format: json ? { type: "json_object" } : undefined,
    }),
  });
  if (!response.ok) throw failure(response.status, await response.text());
  const { choices, usage } = await response.json<Completion>();
  const [{ message, finish_reason: finishReason }] = choices;
  if (message.refusal) throw new NonRetryableError(`The model refuses: ${message.refusal}`);
  const text = message.content ?? "";
  return {
    text,
    json: json ? parsed(text) : null,
    finishReason,
    usage: { input: usage?.prompt_tokens ?? 0, output: usage?.completion_tokens ?? 0 },
  };
}

/** The answer as JSON; another attempt may get a better one. */
function parsed(text: string): object {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The model was asked for JSON and answered: ${text.slice(0, 200)}`);
  }
}

function failure(status: number, text: string): Error {
  const message = `The model's API answered ${status}: ${text.slice(0, 200)}`;
  return status === 408 || status === 429 || status >= 500 ? new Error(message) : new NonRetryableError(message);
}
