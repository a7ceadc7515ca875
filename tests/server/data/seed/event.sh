curl -X POST https://app.awaitstep.dev/api/workflows/wf_abc123/trigger \
  -H "Authorization: Bearer ask_yourkey" \
  -H "Content-Type: application/json" \
  -d '{
    "connectionId": "conn_xyz789",
    "params": {
      "instanceId": "9d3f1a2b-4c5e-6d7f-8a9b-0c1d2e3f4a5b",
      "eventType": "approval-decision",
      "payload": {
        "approved": true,
        "comments": "Looks good"
      }
    }
  }'
