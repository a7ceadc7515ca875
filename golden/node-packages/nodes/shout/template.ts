import { loud } from "tiny";

export default async function (ctx) {
  return { text: loud(ctx.config.text) };
}
