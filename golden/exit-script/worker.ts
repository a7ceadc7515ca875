interface Env {}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const Each_results: any[] = [];
  for (const item of event.payload) {
    if (item > 2) {
      Each_results.push(undefined);
      break;
    }
    const Work = await (async () => {
      return item;
    })();
    Each_results.push(Work);
  }
  const Each = { results: Each_results };
  const count = await (async () => {
    return Each.results.length;
  })();
  if (count > 1) {
    return { count };
  }
  const more = await (async () => {
    return true;
  })();
  return { count, more };
}

function messageOf(error: any): string {
  return error?.message ?? String(error);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      if (request.method !== "POST") return new Response();
      const payload: any = await request.json().catch(() => undefined);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
