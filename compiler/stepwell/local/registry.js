// The list of a workflow's instances, which the engine does not keep: one object for each workflow.
//
// A row is there before its instance is. What the row says of an instance is as of the last look; of one that has
// ended it stays true until somebody restarts it.
import { DurableObject } from "cloudflare:workers";

const ENDED = "('complete', 'errored', 'terminated')";

export class Registry extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(`CREATE TABLE IF NOT EXISTS instances (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, version TEXT,
      created REAL NOT NULL, status TEXT NOT NULL, started REAL, modified REAL, ended REAL)`);
    this.sql.exec("CREATE INDEX IF NOT EXISTS by_status ON instances (status, seq)");
  }

  add(id, { source, version }) {
    this.sql.exec(
      "INSERT OR IGNORE INTO instances (id, source, version, created, status) VALUES (?, ?, ?, ?, 'queued')",
      ...[id, source, version, Date.now()],
    );
  }

  remove(ids) {
    for (const id of ids) this.sql.exec("DELETE FROM instances WHERE id = ?", id);
  }

  // Takes what a look at instances gave; one that is not there is forgotten.
  note(ids, summaries) {
    summaries.forEach((seen, i) => {
      if (seen === null) return this.remove([ids[i]]);
      const { status, started, modified, ended } = seen;
      this.sql.exec(
        "UPDATE instances SET status = ?, started = ?, modified = ?, ended = ? WHERE id = ?",
        ...[status, started, modified, ended, ids[i]],
      );
    });
  }

  // The instances whose row may be out of date.
  open() {
    return this.#column(`SELECT id FROM instances WHERE status NOT IN ${ENDED} ORDER BY seq`);
  }

  ids({ status }) {
    const where = status === null ? "" : "WHERE status = ?";
    return this.#column(`SELECT id FROM instances ${where} ORDER BY seq`, ...(status === null ? [] : [status]));
  }

  counts() {
    const rows = this.sql.exec("SELECT status, COUNT(*) AS n, MAX(created) AS latest FROM instances GROUP BY status");
    return rows.toArray();
  }

  // A page of rows, the newest first unless `ascending`, after the row `cursor` (exclusive) or `offset` rows.
  page({ status, from, to, ascending, cursor, offset, limit }) {
    const conditions = [];
    const values = [];
    const add = (condition, value) => {
      if (value === null || value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    add("status = ?", status);
    add("created >= ?", from);
    add("created <= ?", to);
    const where = (list) => (list.length === 0 ? "" : `WHERE ${list.join(" AND ")}`);
    const [{ total }] = this.sql.exec(`SELECT COUNT(*) AS total FROM instances ${where(conditions)}`, ...values);
    add(ascending ? "seq > ?" : "seq < ?", cursor);
    const order = ascending ? "ASC" : "DESC";
    const query = `SELECT * FROM instances ${where(conditions)} ORDER BY seq ${order} LIMIT ? OFFSET ?`;
    return { total, rows: this.sql.exec(query, ...values, limit, offset).toArray() };
  }

  #column(query, ...values) {
    return this.sql.exec(query, ...values).toArray().map(({ id }) => id);
  }
}

export default {};
