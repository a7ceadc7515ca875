interface Env {}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const double = await (async () => {
    return event.payload * 2;
  })();
  return { double };
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext) {
    const n = Number(new URL(request.url).searchParams.get("n"));
    return Response.json(await runGraph(env, { payload: n }));
  },
};
