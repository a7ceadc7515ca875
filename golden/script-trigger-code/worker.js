async function runGraph(env, event) {
  const double = await (async () => {
    return event.payload * 2;
  })();
  return { double };
}

export default {
  async fetch(request, env, ctx) {
    const n = Number(new URL(request.url).searchParams.get("n"));
    return Response.json(await runGraph(env, { payload: n }));
  },
};
//# sourceMappingURL=worker.js.map
