async function runGraph(env, event) {
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

function messageOf(error) {
  return error?.message ?? String(error);
}

export default {
  async fetch(request, env) {
    try {
      if (request.method !== "POST") return new Response();
      const payload = await request.json().catch(() => undefined);
      return Response.json(await runGraph(env, { payload }));
    } catch (error) {
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  },
};
//# sourceMappingURL=worker.js.map
