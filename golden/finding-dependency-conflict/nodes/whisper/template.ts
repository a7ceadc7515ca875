import { quiet } from "tagged";

export default async function (ctx) {
  return { text: quiet(ctx.config.text) };
}
