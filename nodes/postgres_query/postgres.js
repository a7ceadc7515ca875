// In the place of the world, where Hyperdrive would be: as much of Postgres's protocol (version 3) as a query takes.
import { WorkerEntrypoint } from "cloudflare:workers";

const USERS = [
  ["2", "Grace"],
  ["3", "Edith"],
];

export default class extends WorkerEntrypoint {
  async connect(socket) {
    const writer = socket.writable.getWriter();
    const answer = (...messages) => writer.write(joined(messages));
    let sql = "";
    for await (const { type, body } of messagesOf(socket.readable)) {
      if (type === "startup") await answer(message("R", int32(0)), ready());
      else if (type === "P") sql = text(body, body.indexOf(0) + 1);
      if (type === "P") await answer(message("1"));
      else if (type === "D") await answer(message("t", int16(1), int32(25)), described(sql));
      else if (type === "B") await answer(message("2"));
      else if (type === "E") await answer(...executed(sql));
      else if (type === "Q") await answer(described(text(body, 0)), ...executed(text(body, 0)), ready());
      else if (type === "S") await answer(ready());
      else if (type === "X") break;
    }
    await writer.close();
  }
}

function described(sql) {
  if (!sql.startsWith("SELECT id")) return message("n");
  const column = (name, type) => joined([cstring(name), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)]);
  return message("T", int16(2), column("id", 23), column("name", 25));
}

function executed(sql) {
  if (sql.startsWith("INSERT")) return [error("23505", 'duplicate key value violates unique constraint "users_pkey"')];
  if (sql.includes("shutdown")) return [error("57P01", "terminating connection due to administrator command")];
  if (sql.startsWith("UPDATE")) return [message("C", cstring("UPDATE 3"))];
  const rows = USERS.map((row) => message("D", int16(row.length), ...row.map((value) => sized(bytes(value)))));
  return [...rows, message("C", cstring(`SELECT ${rows.length}`))];
}

// Messages

const bytes = (value) => new TextEncoder().encode(value);
const cstring = (value) => bytes(`${value}\0`);
const sized = (value) => joined([int32(value.length), value]);
const ready = () => message("Z", bytes("I"));
const error = (code, told) => message("E", cstring("SERROR"), cstring(`C${code}`), cstring(`M${told}`), bytes("\0"));

function message(type, ...parts) {
  const body = joined(parts);
  return joined([bytes(type), int32(body.length + 4), body]);
}

function int32(value) {
  const made = new Uint8Array(4);
  new DataView(made.buffer).setInt32(0, value);
  return made;
}

function int16(value) {
  const made = new Uint8Array(2);
  new DataView(made.buffer).setInt16(0, value);
  return made;
}

function joined(parts) {
  const made = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (made.set(part, at), at + part.length), 0);
  return made;
}

function text(body, from) {
  return new TextDecoder().decode(body.subarray(from, body.indexOf(0, from)));
}

/** The client's messages; the first one has no type. */
async function* messagesOf(stream) {
  let left = new Uint8Array();
  let started = false;
  for await (const chunk of stream) {
    left = joined([left, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (left.length < head + 4) break;
      const size = head + new DataView(left.buffer, left.byteOffset).getInt32(head);
      if (left.length < size) break;
      yield { type: started ? String.fromCharCode(left[0]) : "startup", body: left.subarray(head + 4, size) };
      started = true;
      left = left.slice(size);
    }
  }
}
