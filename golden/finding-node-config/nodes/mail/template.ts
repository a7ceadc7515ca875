export default async (ctx) => ctx.config;
