// R2 on this machine. workerd's own R2 binding turns what a Worker calls into requests of R2's internal protocol and
// sends them here: a request is JSON, either in the header `cf-r2-request`, or at the head of the body, of the size
// `cf-r2-metadata-size`, with the value behind it. An answer has the same shape; a fault is JSON in `cf-r2-error`.
//
// A value is a file whose name is never used again; one Durable Object a bucket, the index, says which file is
// whose. A write makes its file first, then the row in the index, then answers, and removes the file that nothing
// means any more at last. So a kill at any moment leaves every object whole, the old one or the new one, and what
// was answered stays. It may leave files that nothing means: they go when the next process first opens the bucket.
import { DurableObject } from "cloudflare:workers";

const MIB = 2 ** 20;
const MAX_VALUE = 5 * 1024 * MIB - 5 * MIB;
const MIN_PART = 5 * MIB;
const MAX_KEY = 1024;
const MAX_METADATA = 8192;
const MAX_KEYS = 1000; // of a page of a list, and of one delete
const MAX_PAGE = 0.9 * MIB; // the binding takes no more than 1 MiB of JSON
const MAX_UPLOAD_AGE = 7 * 24 * 3600 * 1000;
const CHUNK = 256 * 1024;
const STORAGE_CLASSES = ["Standard", "InfrequentAccess"];

// Their names in a request, for digests here, and in an answer. The binding has seen to it that they are well formed.
const CHECKSUMS = [
  ["md5", "MD5", "0"],
  ["sha1", "SHA-1", "1"],
  ["sha256", "SHA-256", "2"],
  ["sha384", "SHA-384", "3"],
  ["sha512", "SHA-512", "4"],
];

// The codes are R2's. It documents none for some of what it refuses: that is 10001 here, with words of its own.
const FAULTS = {
  InternalError: [500, 10001, "We encountered an internal error. Please try again."],
  AccessDenied: [403, 10003, "The key of this object's encryption is another one."],
  NoSuchKey: [404, 10007, "The specified key does not exist."],
  EntityTooSmall: [400, 10011, "Your proposed upload is smaller than the minimum allowed object size."],
  MetadataTooLarge: [400, 10012, "Your metadata headers exceed the maximum allowed metadata size."],
  InvalidObjectName: [400, 10020, "The specified object name is not valid."],
  InvalidMaxKeys: [400, 10022, "MaxKeys params must be positive integer <= 1000."],
  NoSuchUpload: [404, 10024, "The specified multipart upload does not exist."],
  InvalidPart: [400, 10025, "One or more of the specified parts could not be found."],
  PreconditionFailed: [412, 10031, "At least one of the pre-conditions you specified did not hold."],
  BadDigest: [400, 10037, "The checksum you specified did not match what we received."],
  InvalidRange: [416, 10039, "The requested range is not satisfiable."],
  UnequalParts: [400, 10048, "All non-trailing parts must have the same length."],
  InvalidStorageClass: [400, 10001, "The storage class is neither Standard nor InfrequentAccess."],
  InvalidCursor: [400, 10001, "The cursor is not one that a list gave."],
  TooManyKeys: [400, 10001, "At most 1000 keys can be deleted at once."],
  EntityTooLarge: [400, 100100, "Your proposed upload exceeds the maximum allowed object size."],
};

class Fault extends Error {
  constructor(name) {
    super(name);
    this.name = name;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encode = (text) => encoder.encode(text);
const decode = (bytes) => decoder.decode(bytes);

// Requests and answers

export default {
  async fetch(request, env, ctx) {
    const { asked, value } = await understand(request);
    const id = env.BUCKETS.idFromName(ctx.props.bucket);
    const bucket = { index: env.BUCKETS.get(id), files: new Files(env.FILES, id) };
    try {
      return await methods[asked.method](bucket, asked, value);
    } catch (error) {
      if (value) await drain(value.reader);
      return error instanceof Fault ? refusal(error.name) : refusal("InternalError", error);
    }
  },
};

async function understand(request) {
  const size = Number(request.headers.get("cf-r2-metadata-size"));
  if (size === 0) return { asked: JSON.parse(request.headers.get("cf-r2-request")) };
  const reader = request.body.getReader({ mode: "byob" });
  const { value: head } = await reader.readAtLeast(size, new Uint8Array(size));
  const length = Number(request.headers.get("content-length")) - size;
  return { asked: JSON.parse(decode(head)), value: { reader, chunks: chunks(reader), length } };
}

// Large ones: by itself, a stream hands out a few KiB at a time.
async function* chunks(reader) {
  for (;;) {
    const { value, done } = await reader.readAtLeast(CHUNK, new Uint8Array(CHUNK));
    if (value?.length > 0) yield value;
    if (done) return;
  }
}

// The binding would take an answer before the end of the value for a lost connection.
async function drain(reader) {
  try {
    for await (const _ of chunks(reader));
  } catch {
    // Then there is nobody to answer.
  }
}

function answer(told, value) {
  const head = encode(JSON.stringify(told));
  const headers = { "cf-r2-metadata-size": String(head.length) };
  if (value === undefined) return new Response(head, { headers });
  const { readable, writable } = new FixedLengthStream(head.length + value.length);
  send(head, value.body, writable).catch(() => {}); // whoever reads the answer hears of it
  return new Response(readable, { headers });
}

async function send(head, body, writable) {
  const writer = writable.getWriter();
  await writer.write(head);
  writer.releaseLock();
  await body.pipeTo(writable);
}

// `told` is the object that a condition did not hold for.
function refusal(name, error, told) {
  const [status, v4code, words] = FAULTS[name];
  const message = error === undefined ? words : `${words} ${error.message}`;
  const head = told === undefined ? new Uint8Array() : encode(JSON.stringify(told));
  const headers = {
    "cf-r2-error": JSON.stringify({ version: 1, v4code, message: message.replaceAll(/[^ -~]/g, "?") }),
    "cf-r2-metadata-size": String(head.length),
  };
  return new Response(head, { status, headers });
}

// The methods

const methods = {
  async head({ index }, { object }) {
    const found = await index.find(named(object));
    if (!found) throw new Fault("NoSuchKey");
    return answer({ name: object, ...found.record });
  },

  async get({ index, files }, { object, range, rangeHeader, onlyIf, ssec }) {
    for (let gone; ; ) {
      const found = await index.find(named(object), onlyIf);
      if (!found) throw new Fault("NoSuchKey");
      const told = { name: object, ...found.record };
      if (!found.holds) return refusal("PreconditionFailed", undefined, told);
      if ((await fingerprint(ssec)) !== found.record.ssec?.keyMd5) throw new Fault("AccessDenied");
      const asked = rangeHeader === undefined ? range : parseRange(rangeHeader);
      told.range = resolveRange(asked, found.record.size);
      if (told.range.length === 0) return answer(told);
      const body = await files.open(found.file, told.range);
      if (body) return answer(told, { body, length: told.range.length });
      // Somebody has put or deleted the object since it was found: its file is another one now.
      if (found.file === gone) throw new Error(`The file ${gone} is lost.`);
      gone = found.file;
    }
  },

  async put({ index, files }, asked, value) {
    const { checksum, ...properties } = await propertiesOf(asked);
    if (value.length > MAX_VALUE) throw new Fault("EntityTooLarge");
    await index.open();
    const digests = checksum ? new Set(["MD5", checksum.algorithm]) : ["MD5"];
    const { file, found } = await files.write(value, [...digests]);
    if (checksum && found[checksum.algorithm] !== checksum.hex) {
      await files.remove([file]);
      throw new Fault("BadDigest");
    }
    const checksums = { 0: found.MD5, ...(checksum && { [checksum.field]: checksum.hex }) };
    const record = { ...properties, version: unique(), size: value.length, etag: found.MD5, checksums };
    const done = await index.put(asked.object, file, record, asked.onlyIf);
    return answer({ name: asked.object, ...(await settle(files, done, file)).record });
  },

  async delete({ index, files }, { object, objects = [object] }) {
    if (objects.length > MAX_KEYS) throw new Fault("TooManyKeys");
    await settle(files, await index.remove(objects.map(named)));
    return answer({});
  },

  async list({ index }, asked) {
    const listed = await index.list(asked);
    if (listed.fault) throw new Fault(listed.fault);
    return answer(listed);
  },

  async createMultipartUpload({ index }, asked) {
    const uploadId = unique() + unique();
    await index.createUpload(asked.object, uploadId, await propertiesOf(asked));
    return answer({ uploadId });
  },

  async uploadPart({ index, files }, { object, uploadId, partNumber, ssec }, value) {
    if (value.length > MAX_VALUE) throw new Fault("EntityTooLarge");
    const upload = await index.findUpload(object, uploadId);
    if (!upload) throw new Fault("NoSuchUpload");
    if ((await fingerprint(ssec)) !== upload.ssec?.keyMd5) throw new Fault("AccessDenied");
    const { file, found } = await files.write(value, ["MD5"]);
    const part = { number: partNumber, etag: found.MD5, size: value.length, file };
    await settle(files, await index.putPart(object, uploadId, part), file);
    return answer({ etag: found.MD5 });
  },

  // The parts become one file: reads need not know of them.
  async completeMultipartUpload({ index, files }, { object, uploadId, parts }) {
    const { parts: chosen } = await settle(files, await index.chooseParts(object, uploadId, parts));
    const length = chosen.reduce((sum, { size }) => sum + size, 0);
    if (length > 1024 * MAX_VALUE) throw new Fault("EntityTooLarge");
    const { file } = await files.write({ chunks: files.join(chosen), length }, []);
    const etags = Uint8Array.fromHex(chosen.map(({ etag }) => etag).join(""));
    const etag = `${await digest("MD5", etags)}-${chosen.length}`;
    const record = { version: unique(), size: length, etag, checksums: {} };
    const done = await index.completeUpload(object, uploadId, parts, file, record);
    return answer({ name: object, ...(await settle(files, done, file)).record });
  },

  async abortMultipartUpload({ index, files }, { object, uploadId }) {
    await settle(files, await index.abortUpload(object, uploadId));
    return answer({});
  },
};

// What the index said to a change. `file` is the one that was written for it: without the change it is for nothing.
// (When the index fails to say anything, the change may have happened, and the file stays.)
async function settle(files, done, file) {
  if (done.fault) {
    if (file !== undefined) await files.remove([file]);
    throw new Fault(done.fault);
  }
  await files.remove(done.freed ?? []);
  return done;
}

function named(key) {
  if (key === "" || encode(key).length > MAX_KEY) throw new Fault("InvalidObjectName");
  return key;
}

// What a put and a multipart upload say of the object to come, beside its value.
async function propertiesOf({ object, httpFields = {}, customFields = [], storageClass = "Standard", ...rest }) {
  named(object);
  const size = customFields.reduce((sum, { k, v }) => sum + encode(k).length + encode(v).length, 0);
  if (size > MAX_METADATA) throw new Fault("MetadataTooLarge");
  if (!STORAGE_CLASSES.includes(storageClass)) throw new Fault("InvalidStorageClass");
  const keyMd5 = await fingerprint(rest.ssec);
  const ssec = keyMd5 && { algorithm: "AES256", keyMd5 };
  return { httpFields, customFields, storageClass, checksum: checksumOf(rest), ...(ssec && { ssec }) };
}

function checksumOf(asked) {
  const given = CHECKSUMS.find(([name]) => asked[name] !== undefined);
  if (given === undefined) return undefined;
  const [name, algorithm, field] = given;
  return { algorithm, field, hex: name === "md5" ? Uint8Array.fromBase64(asked.md5).toHex() : asked[name] };
}

// Of the customer's key for an object. It is asked for as R2 does; the file itself is not encrypted here.
const fingerprint = async (ssec) => ssec && digest("MD5", Uint8Array.fromHex(ssec.key));

const digest = async (algorithm, bytes) => new Uint8Array(await crypto.subtle.digest(algorithm, bytes)).toHex();

const unique = () => crypto.randomUUID().replaceAll("-", "");

// Ranges

// As HTTP has it, a header that makes no sense, or asks for several ranges, asks for everything.
function parseRange(header) {
  const [, first, last] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header) ?? [];
  if (!first) return last ? { suffix: last } : undefined;
  if (!last) return { offset: first };
  return Number(last) < Number(first) ? undefined : { offset: first, length: Number(last) - Number(first) + 1 };
}

function resolveRange({ offset, length, suffix } = {}, size) {
  if (suffix !== undefined) {
    if (Number(suffix) === 0) throw new Fault("InvalidRange");
    const taken = Math.min(Number(suffix), size);
    return { offset: size - taken, length: taken };
  }
  const start = Number(offset ?? 0);
  if (Number(length ?? 1) === 0 || start > size || (start > 0 && start === size)) throw new Fault("InvalidRange");
  return { offset: start, length: Math.min(Number(length ?? size), size - start) };
}

// Conditions

// Of `object`, a record or undefined. As in RFC 7232, a date does not count where an etag of its kind is asked for.
function holds({ etagMatches, etagDoesNotMatch, uploadedBefore, uploadedAfter, secondsGranularity } = {}, object) {
  if (etagMatches && !etagMatches.some((etag) => same(etag, object, "strong"))) return false;
  if (etagDoesNotMatch?.some((etag) => same(etag, object, etag.type))) return false;
  // Dates of headers are whole seconds, and "unmodified since" means that very second too.
  const uploaded = secondsGranularity ? 1000 * Math.floor(object?.uploaded / 1000) : object?.uploaded;
  const late = Number(uploadedBefore) + (secondsGranularity ? 1 : 0);
  if (object && uploadedBefore !== undefined && !etagMatches && uploaded >= late) return false;
  if (uploadedAfter !== undefined && !etagDoesNotMatch) return uploaded > Number(uploadedAfter);
  return true;
}

// Whether an etag of a condition means the object; `type` is the comparison's.
const same = (etag, object, type) =>
  object !== undefined && (etag.type === "wildcard" || (etag.type === type && etag.value === object.etag));

// Files

class Files {
  #disk;
  #folder;

  constructor(disk, id) {
    this.#disk = disk;
    this.#folder = `http://files/${id}`;
  }

  // The name of a new file of the value, and its digests in hex. The disk would take a value that breaks off for a
  // short one; the FixedLengthStream does not.
  async write({ chunks, length }, algorithms) {
    const file = unique();
    const { readable, writable } = new FixedLengthStream(length);
    const digests = algorithms.map((algorithm) => new crypto.DigestStream(algorithm));
    const sinks = [writable, ...digests].map((sink) => sink.getWriter());
    const written = this.#disk.fetch(`${this.#folder}/${file}`, { method: "PUT", body: readable });
    const results = Promise.all([written, ...digests.map(({ digest }) => digest)]);
    results.catch(() => {}); // a sink that fails is also heard of when it is written to
    try {
      for await (const chunk of chunks) await Promise.all(sinks.map((sink) => sink.write(chunk)));
      await Promise.all(sinks.map((sink) => sink.close()));
      const [{ ok, status }, ...found] = await results;
      if (!ok) throw new Error(`The disk answered ${status}.`);
      const named = found.map((bytes, i) => [algorithms[i], new Uint8Array(bytes).toHex()]);
      return { file, found: Object.fromEntries(named) };
    } catch (error) {
      await Promise.allSettled([...sinks.map((sink) => sink.abort(error)), written]);
      await this.remove([file]);
      throw error;
    }
  }

  // A stream of a part of a file, or undefined when there is no such file.
  async open(file, { offset, length }) {
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    const { ok, body } = await this.#disk.fetch(`${this.#folder}/${file}`, { headers });
    if (ok) return body;
    await body?.cancel();
    return undefined;
  }

  async *join(parts) {
    for (const { file, size } of parts) {
      if (size === 0) continue;
      const body = await this.open(file, { offset: 0, length: size });
      if (!body) throw new Fault("NoSuchUpload"); // it was aborted meanwhile
      yield* chunks(body.getReader({ mode: "byob" }));
    }
  }

  async remove(files) {
    for (const file of files) {
      const { body } = await this.#disk.fetch(`${this.#folder}/${file}`, { method: "DELETE" });
      await body?.cancel();
    }
  }

  // All that lie there, also those that a killed process left half written: their names begin with a dot.
  async all() {
    const response = await this.#disk.fetch(`${this.#folder}/`);
    if (response.ok) return (await response.json()).map(({ name }) => name);
    await response.body?.cancel();
    return [];
  }
}

// The index

const opened = new Set(); // the buckets whose left files this process has removed

// Nothing in here waits for anything but the opening: each call is one transaction, and is answered when it is on
// disk. Keys are kept as bytes, whose order is the one that R2 lists in. Calls give the files that they `freed`.
export class Bucket extends DurableObject {
  #sql;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS object (key BLOB PRIMARY KEY, file TEXT, record TEXT) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS upload (id TEXT PRIMARY KEY, key BLOB, record TEXT, created INTEGER);
      CREATE TABLE IF NOT EXISTS part (
        upload TEXT, number INTEGER, etag TEXT, size INTEGER, file TEXT, PRIMARY KEY (upload, number)
      ) WITHOUT ROWID;`);
    const id = ctx.id.toString();
    if (!opened.has(id)) ctx.blockConcurrencyWhile(() => this.#clean(id));
  }

  // Before the first file of this process is written, so that all files there are known or left.
  async #clean(id) {
    for (const [upload] of this.#rows("SELECT id FROM upload WHERE created < ?", Date.now() - MAX_UPLOAD_AGE)) {
      this.#drop(upload);
    }
    const known = new Set(this.#rows("SELECT file FROM object UNION ALL SELECT file FROM part").map(([file]) => file));
    const files = new Files(this.env.FILES, id);
    await files.remove((await files.all()).filter((file) => !known.has(file)));
    opened.add(id);
  }

  // To be called before a file is written.
  open() {}

  find(key, onlyIf) {
    const found = this.#object(key);
    return found && { ...found, holds: holds(onlyIf, found.record) };
  }

  put(key, file, record, onlyIf) {
    if (!holds(onlyIf, this.#object(key)?.record)) return { fault: "PreconditionFailed" };
    return this.#put(key, file, record);
  }

  remove(keys) {
    const bytes = keys.map(encode);
    return { freed: bytes.flatMap((key) => this.#rows("DELETE FROM object WHERE key = ? RETURNING file", key).flat()) };
  }

  list({ prefix = "", delimiter, startAfter, cursor, limit = MAX_KEYS, include = [] }) {
    if (limit < 1 || limit > MAX_KEYS) return { fault: "InvalidMaxKeys" };
    const starts = [encode(prefix)];
    if (startAfter !== undefined) starts.push(next(encode(startAfter)));
    try {
      if (cursor !== undefined) starts.push(Uint8Array.fromBase64(cursor));
    } catch {
      return { fault: "InvalidCursor" };
    }
    const page = { objects: [], delimitedPrefixes: [], room: MAX_PAGE, limit };
    const start = starts.reduce((a, b) => (compare(a, b) < 0 ? b : a));
    const cut = this.#fill(page, start, { prefix, delimiter, include });
    const { objects, delimitedPrefixes } = page;
    return { objects, delimitedPrefixes, truncated: cut !== undefined, ...(cut && { cursor: cut.toBase64() }) };
  }

  createUpload(key, id, record) {
    const row = [id, encode(key), JSON.stringify(record), Date.now()];
    this.#sql.exec("INSERT INTO upload VALUES (?, ?, ?, ?)", ...row);
  }

  findUpload(key, id) {
    const [row] = this.#rows("SELECT record FROM upload WHERE id = ? AND key = ?", id, encode(key));
    return row && JSON.parse(row[0]);
  }

  putPart(key, id, { number, etag, size, file }) {
    if (!this.findUpload(key, id)) return { fault: "NoSuchUpload" };
    const freed = this.#rows("SELECT file FROM part WHERE upload = ? AND number = ?", id, number).flat();
    this.#sql.exec("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", id, number, etag, size, file);
    return { freed };
  }

  // Those of `parts`, in the order of their numbers.
  chooseParts(key, id, parts) {
    if (!this.findUpload(key, id)) return { fault: "NoSuchUpload" };
    const numbers = new Set(parts.map(({ part }) => part));
    if (parts.length === 0 || numbers.size < parts.length) return { fault: "InvalidPart" };
    const chosen = parts.toSorted((a, b) => a.part - b.part).map(({ part, etag }) => this.#part(id, part, etag));
    if (chosen.includes(undefined)) return { fault: "InvalidPart" };
    const sizes = chosen.map(({ size }) => size);
    const last = sizes.pop();
    if (sizes.some((size) => size < MIN_PART)) return { fault: "EntityTooSmall" };
    if (sizes.some((size) => size !== sizes[0] || size < last)) return { fault: "UnequalParts" };
    return { parts: chosen };
  }

  completeUpload(key, id, parts, file, record) {
    const chosen = this.chooseParts(key, id, parts);
    if (chosen.fault) return chosen;
    const upload = this.findUpload(key, id);
    const left = this.#drop(id);
    const { freed, ...done } = this.#put(key, file, { ...upload, ...record });
    return { ...done, freed: [...freed, ...left] };
  }

  abortUpload(key, id) {
    return this.findUpload(key, id) ? { freed: this.#drop(id) } : { fault: "NoSuchUpload" };
  }

  #rows(query, ...values) {
    return [...this.#sql.exec(query, ...values).raw()];
  }

  #object(key) {
    const [row] = this.#rows("SELECT file, record FROM object WHERE key = ?", encode(key));
    return row && { file: row[0], record: JSON.parse(row[1]) };
  }

  #put(key, file, told) {
    const old = this.#object(key);
    const record = { ...told, uploaded: Date.now() };
    const row = [encode(key), file, JSON.stringify(record)];
    this.#sql.exec("INSERT OR REPLACE INTO object VALUES (?, ?, ?)", ...row);
    return { record, freed: old ? [old.file] : [] };
  }

  #part(upload, number, etag) {
    const query = "SELECT etag, size, file FROM part WHERE upload = ? AND number = ? AND etag = ?";
    return [...this.#sql.exec(query, upload, number, etag)][0];
  }

  #drop(upload) {
    this.#sql.exec("DELETE FROM upload WHERE id = ?", upload);
    return this.#rows("DELETE FROM part WHERE upload = ? RETURNING file", upload).flat();
  }

  // Fills the page with what comes from `start` on. When there is more, gives where that begins.
  #fill(page, start, { prefix, delimiter, include }) {
    const query = "SELECT key, record FROM object WHERE key >= ? AND key < ? ORDER BY key";
    const end = behind(encode(prefix));
    for (let from = start, skipped = true; skipped; ) {
      skipped = false;
      for (const [key, record] of this.#sql.exec(query, from, end).raw()) {
        if (page.limit-- === 0 || page.room < 0) return from;
        const name = decode(key);
        const group = groupOf(name, prefix, delimiter);
        if (group !== undefined) {
          page.delimitedPrefixes.push(group);
          page.room -= spoken(group);
          from = behind(encode(group)); // none of its other keys is looked at
          skipped = true;
          break;
        }
        const object = listed(name, JSON.parse(record), include);
        page.objects.push(object);
        page.room -= spoken(object);
        from = next(new Uint8Array(key));
      }
    }
    return undefined;
  }
}

const spoken = (value) => encode(JSON.stringify(value)).length;

function listed(name, { httpFields, customFields, ...rest }, include) {
  return { name, ...rest, ...(include.includes(0) && { httpFields }), ...(include.includes(1) && { customFields }) };
}

// What a key is listed as when a delimiter follows the prefix somewhere.
function groupOf(name, prefix, delimiter) {
  if (!delimiter) return undefined;
  const at = name.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : name.slice(0, at + delimiter.length);
}

// The first bytes that follow `key` in order.
const next = (key) => new Uint8Array([...key, 0]);

// The first bytes that follow all that begin with `prefix`: UTF-8 has no byte 255.
const behind = (prefix) => (prefix.length === 0 ? new Uint8Array([255]) : prefix.with(-1, prefix.at(-1) + 1));

function compare(a, b) {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at === -1 ? a.length - b.length : a[at] - (b[at] ?? -1);
}
