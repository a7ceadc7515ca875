// A workflow of another Worker that is not part of the run: a mock answers with its output.
import { WorkflowEntrypoint } from "cloudflare:workers";

export class Mocked extends WorkflowEntrypoint {
  async run(event) {
    const answer = await fetch(this.env.URL, { method: "POST", body: JSON.stringify(event.payload ?? null) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }
}

export default {};
