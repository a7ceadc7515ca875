import { NonRetryableError } from "cloudflare:workflows";

/** What SQLite says of a statement that is wrong, and of data that does not fit: another attempt fails as well. */
const FINAL = /syntax error|no such (table|column|function)|constraint failed|has no column|datatype mismatch|SQLITE_(ERROR|CONSTRAINT|MISMATCH|RANGE)/i;

export default async function (ctx) {
  const { sql } = ctx.config;
  const params: unknown[] = ctx.config.params ?? [];
  try {
    const { results, meta } = await ctx.config.database.prepare(sql).bind(...params.map(bound)).all();
    return { rows: results, changes: meta.changes ?? 0, lastRowId: meta.last_row_id || null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw FINAL.test(message) ? new NonRetryableError(message) : error;
  }
}

/** A value as SQLite takes it: what is missing as NULL, true as 1, objects as JSON. */
function bound(value: unknown): string | number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value);
}
