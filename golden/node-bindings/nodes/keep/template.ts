export default async function (ctx) {
  const store = ctx.config.namespace;
  await store.put(ctx.config.key, ctx.config.value);
  const values = await Promise.all(["a", "b"].map((key) => ctx.env.KV_OTHER.get(key)));
  return { stored: await store.get(ctx.config.key), values };
}
