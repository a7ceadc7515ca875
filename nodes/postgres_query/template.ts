import { NonRetryableError } from "cloudflare:workflows";
import postgres from "postgres";

/** Classes of SQLSTATE that pass: connections, resources, an operator's shutdown, serialization and deadlocks. */
const PASSING = /^(08|40|53|57|58)/;

export default async function (ctx) {
  const { database, sql, params } = ctx.config;
  // Hyperdrive keeps the connections, so one is enough here, and looking up the database's types costs a round trip.
  const client = postgres(database.connectionString, { max: 1, fetch_types: false, connect_timeout: 10 });
  try {
    const rows = await client.unsafe(sql, (params ?? []).map(bound));
    return { rows: [...rows], count: rows.count ?? rows.length };
  } catch (error: any) {
    const message = `Postgres: ${error.message}${error.code ? ` (${error.code})` : ""}`;
    // A code of five characters is the database's answer; what has another one did not get that far.
    const final = /^[0-9A-Z]{5}$/.test(error.code ?? "") && !PASSING.test(error.code);
    throw final ? new NonRetryableError(message) : new Error(message);
  } finally {
    await client.end({ timeout: 5 });
  }
}

/** A value as Postgres takes it: what is missing as NULL, objects as JSON. */
function bound(value: any): any {
  if (value === undefined || value === null) return null;
  return typeof value === "object" ? JSON.stringify(value) : value;
}
