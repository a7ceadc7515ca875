export default async function (ctx) {
  return { key: ctx.idempotencyKey.length, item: ctx.config.item };
}
