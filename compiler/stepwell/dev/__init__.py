"""`stepwell dev`: Cloudflare's REST API on this machine, with a runtime that runs what is uploaded."""
