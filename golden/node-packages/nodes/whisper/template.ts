import { quiet } from "tiny";

export default async function (ctx): Promise<{ text: string }> {
  return { text: quiet(ctx.config.text) };
}
