export default async (ctx) => {
  ctx.config.list.push(ctx.attempt);
  return { ...ctx.config, workflow: { ...ctx.workflow, instanceId: typeof ctx.workflow.instanceId }, inputs: ctx.inputs };
};
