import { NonRetryableError } from "cloudflare:workflows";

interface Issue {
  number: number;
  html_url: string;
  body: string | null;
}

const API = "https://api.github.com/repos";

export default async function (ctx) {
  const { repository, title, body = "", labels, assignees } = ctx.config;
  const headers = {
    Authorization: `Bearer ${ctx.env.GITHUB_TOKEN}`,
    Accept: "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "stepwell",
  };
  // GitHub has no idempotency keys: a mark in the text tells another attempt that the first one got through.
  const mark = `<!-- ${ctx.idempotencyKey.slice(0, 32)} -->`;
  const known = ctx.attempt > 1 ? await earlier(repository, mark, headers) : undefined;
  if (known !== undefined) return { number: known.number, url: known.html_url };
  const response = await fetch(`${API}/${repository}/issues`, {
    method: "POST",
    headers,
    body: JSON.stringify({ title, body: `${body}\n\n${mark}`.trim(), labels, assignees }),
  });
  if (!response.ok) throw failure(response, await response.text());
  const issue = await response.json<Issue>();
  return { number: issue.number, url: issue.html_url };
}

/** The issue that an earlier attempt opened, if it is among the newest. */
async function earlier(repository: string, mark: string, headers: Record<string, string>) {
  const response = await fetch(`${API}/${repository}/issues?state=all&sort=created&per_page=30`, { headers });
  if (!response.ok) throw failure(response, await response.text());
  const newest = await response.json<Issue[]>();
  return newest.find((issue) => issue.body?.includes(mark));
}

function failure(response: Response, text: string): Error {
  const message = `GitHub answered ${response.status}: ${text.slice(0, 200)}`;
  // Over the rate limit GitHub answers 403 or 429.
  const limited = response.headers.get("x-ratelimit-remaining") === "0" || response.headers.has("retry-after");
  return limited || response.status === 429 || response.status >= 500 ? new Error(message) : new NonRetryableError(message);
}
