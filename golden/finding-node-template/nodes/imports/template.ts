import { shared } from "./shared.ts";
import ms from "ms";
import { connect } from "cloudflare:sockets";

export default async function (ctx) {
  return shared(ms(ctx.config.x), connect, Object.keys(ctx.env));
}
