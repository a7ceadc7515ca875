async function waitForCompletion(workflowId, runId, apiKey, maxAttempts = 60) {
  for (let i = 0; i < maxAttempts; i++) {
    const res = await fetch(`https://app.awaitstep.dev/api/workflows/${workflowId}/runs/${runId}`, {
      headers: { Authorization: `Bearer ${apiKey}` },
    })
    const run = await res.json()

    if (run.status === 'complete') return run
    if (run.status === 'errored') throw new Error(`Run failed: ${run.error}`)
    if (run.status === 'terminated') throw new Error('Run was terminated')

    // Wait 2 seconds before next poll
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
  throw new Error('Timed out waiting for run to complete')
}
