curl -X POST https://app.awaitstep.dev/api/workflows/wf_abc123/trigger \
  -H "Authorization: Bearer ask_yourkey" \
  -H "Content-Type: application/json" \
  -d '{
    "connectionId": "conn_xyz789",
    "params": {
      "orderId": "ord_001",
      "userId": "usr_42",
      "amount": 4999
    }
  }'
