// Stands between the Workers and the world: every request leaves through here, to be answered by stepwell.
import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const headers = new Headers(request.headers);
    headers.set("x-stepwell-worker", this.ctx.props.worker);
    if (this.ctx.props.service) headers.set("x-stepwell-service", this.ctx.props.service);
    const answer = await this.env.WORLD.fetch(new Request(request, { headers, redirect: "manual" }));
    const refused = answer.headers.get("x-stepwell-refused");
    // Thrown, so that the step fails whatever its code would make of a response; an error of this name is not
    // retried by the engine.
    if (refused !== null) throw Object.assign(new Error(await answer.text()), { name: refused });
    return answer;
  }
}
