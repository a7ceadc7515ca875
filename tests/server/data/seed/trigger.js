const response = await fetch('https://app.awaitstep.dev/api/workflows/wf_abc123/trigger', {
  method: 'POST',
  headers: {
    Authorization: 'Bearer ask_yourkey',
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({
    connectionId: 'conn_xyz789',
    params: { orderId: 'ord_001' },
  }),
})

const { instanceId } = await response.json()
console.log('Run started:', instanceId)
