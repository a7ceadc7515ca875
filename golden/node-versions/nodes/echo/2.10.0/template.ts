const version = 2;

export default async function (ctx) {
  return { version, text: ctx.config.text };
}
