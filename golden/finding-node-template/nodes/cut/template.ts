export default async function (ctx) {
  const { name } = ctx.config;
  return { name: name.toUpperCase( };
}
