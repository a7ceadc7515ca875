"""The artifact: what a document says. Knows neither JavaScript text nor Cloudflare."""
