interface Env {}

async function runGraph(env: Env, event: { payload: any }): Promise<any> {
  const Load = await (async (ctx) => {
    const load = { name: event.payload.name, attempt: ctx.attempt };
    return load;
  })({ attempt: 1, step: { name: "Load", count: 1 } });
  const greeting = await (async () => {
    return `Hello ${Load.name}`;
  })();
  const count = await (async () => {
    const EXPORT_count = greeting.length;
    const count = EXPORT_count + Load.attempt;
    return count;
  })();
  return { greeting, count };
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
