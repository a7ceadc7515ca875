const version = 1;

export default async function (ctx) {
  return { version, text: ctx.config.text };
}
