// In the place of the binding: Workers AI has no counterpart on a machine of one's own.
import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async run(model, input, options) {
    if (model === "@cf/none") throw new Error(`5007: No such model ${model} or task`);
    if (model === "@cf/busy") throw new Error("3040: Capacity temporarily exceeded, please try again.");
    if (input.text) return { shape: [2, 3], data: input.text.map(() => [0.1, 0.2, 0.3]), gateway: options.gateway.id };
    const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
    return { response: `You asked ${model}: ${input.prompt}`, usage };
  }
}
