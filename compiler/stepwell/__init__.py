"""stepwell: compiles visual workflow graphs into Cloudflare Workers and runs them."""

__version__ = "0.1.0"
