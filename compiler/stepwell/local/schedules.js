// Starts an instance of a workflow at each time of one of its schedules. A time is one id, so that one that is called
// twice starts one instance.
import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async scheduled({ cron, scheduledTime }) {
    const { binding, crons } = this.ctx.props;
    const at = Number(scheduledTime);
    const id = `cron-${Math.max(crons.indexOf(cron), 0)}-${at}`;
    try {
      await this.env[binding].create({ id, params: {}, origin: { schedule: { cron, scheduledTime: at } } });
    } catch (error) {
      if (!String(error?.message).includes("instance.already_exists")) throw error;
    }
  }
}
