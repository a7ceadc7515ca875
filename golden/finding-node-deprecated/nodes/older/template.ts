export default async (ctx) => 2;
