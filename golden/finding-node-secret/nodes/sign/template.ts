export default async (ctx) => ctx.env.SIGN_KEY;
