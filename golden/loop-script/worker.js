async function runGraph(env, event) {
  const Each_results = [];
  for (const item of event.payload) {
    const Double = await (async () => {
      return item * 2;
    })();
    Each_results.push(Double);
  }
  const Each = { results: Each_results };
  const Times_results = [];
  for (let i = 0; i < 2; i++) {
    const T = await (async () => {
      return i;
    })();
    Times_results.push(T);
  }
  const Times = { results: Times_results };
  let While_output;
  for (let i = 0; (While_output ?? 0) < 2; i++) {
    const W_result = await (async () => {
      let _output = While_output;
      return {
        value: await (async () => {
          _output = (_output ?? 0) + 1;
        })(),
        output: _output,
      };
    })();
    While_output = W_result.output;
  }
  const While = { output: While_output };
  const Conc_results = await concurrently(2, event.payload, async (item, i) => {
    return i;
  });
  const Conc = { results: Conc_results };
  const all = await (async () => {
    return { each: Each.results, times: Times.results, while: While.output, conc: Conc.results };
  })();
  return { all };
}

/** Calls `turn` for each item, at most `limit` at once. After a failure no more start; the first one is thrown. */
async function concurrently(
  limit,
  items,
  turn,
) {
  const list = [...items];
  const results = [];
  const failures = new Map();
  let next = 0;
  const work = async () => {
    while (next < list.length && failures.size === 0) {
      const index = next++;
      try {
        results[index] = await turn(list[index], index);
      } catch (error) {
        failures.set(index, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, list.length) }, work));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  return results;
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
