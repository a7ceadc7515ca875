async function runGraph(env, event) {
  const first = await race("EXPORT_first", [
    async () => {
      await scheduler.wait(200);
      return "a";
    },
    async () => {
      return "b";
    },
  ]);
  return { first };
}

/** Starts all arms and goes on with the first that succeeds. */
async function race(name, arms) {
  const running = arms.map((arm) => arm());
  const first = await Promise.any(running.map((arm, index) => arm.then(() => index))).catch((failed) => {
    throw new Error(`${name}: every arm failed: ${failed.errors.map(messageOf).join("; ")}`);
  });
  return running[first];
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
