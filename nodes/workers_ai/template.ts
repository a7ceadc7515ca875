import { NonRetryableError } from "cloudflare:workflows";

export default async function (ctx) {
  const { model, prompt, input, gateway } = ctx.config;
  if (input === undefined && prompt === undefined) throw new NonRetryableError("The model has neither a prompt nor an input");
  const options = gateway === undefined ? undefined : { gateway: { id: gateway } };
  const result = await ask(() => ctx.config.ai.run(model, input ?? { prompt }, options));
  if (result instanceof ReadableStream) {
    throw new NonRetryableError("The model answers a stream, which no step can keep: ask for another form, or store it");
  }
  return { response: typeof result?.response === "string" ? result.response : null, result };
}

/** Workers AI has codes for what is final: 5006 and 5007 for an input or a model that is wrong. */
async function ask(run: () => Promise<any>): Promise<any> {
  try {
    return await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw /\b(5004|5006|5007|5018)\b/.test(message) ? new NonRetryableError(message) : error;
  }
}
