const version = 3;

export default async function (ctx) {
  return { version, text: ctx.config.text };
}
