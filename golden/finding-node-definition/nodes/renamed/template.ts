export default async (ctx) => 1;
