export async function run(ctx) {
  return ctx.config;
}
