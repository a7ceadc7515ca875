// Classes of workflows that tell the engine where in their code an error arose: an error that goes over to the engine
// leaves its stack behind.

// What is awaited before the error goes on, so that it is known before the attempt ends.
async function told(step, error, ...where) {
  if (error instanceof Error && !error.remote) {
    try {
      await step.stack(String(error.stack), error.message, ...where);
    } catch {
      // An engine that does not listen.
    }
  }
  return error;
}

function traced(step, callback) {
  return async (ctx, ...more) => {
    try {
      return await callback(ctx, ...more);
    } catch (error) {
      throw await told(step, error, ctx.step.name, ctx.step.count, ctx.attempt);
    }
  };
}

function steps(step) {
  return new Proxy(step, {
    get(_, name) {
      if (name === "then" || typeof name === "symbol") return undefined;
      if (name !== "do") return (...args) => step[name](...args);
      return (...args) => step.do(...args.map((arg) => (typeof arg === "function" ? traced(step, arg) : arg)));
    },
  });
}

export const tracing = (Base) =>
  class extends Base {
    async run(event, step) {
      try {
        return await super.run(event, steps(step));
      } catch (error) {
        throw await told(step, error);
      }
    }
  };
