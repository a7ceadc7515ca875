import { createRequire as $require } from "node:module"; const require = $require("file:///worker.js");
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __name = (target, value) => __defProp(target, "name", { value, configurable: true });
var __require = /* @__PURE__ */ ((x) => typeof require !== "undefined" ? require : typeof Proxy !== "undefined" ? new Proxy(x, {
  get: (a, b) => (typeof require !== "undefined" ? require : a)[b]
}) : x)(function(x) {
  if (typeof require !== "undefined") return require.apply(this, arguments);
  throw Error('Dynamic require of "' + x + '" is not supported');
});
var __commonJS = (cb, mod) => function __require2() {
  try {
    return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
  } catch (e) {
    throw mod = 0, e;
  }
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));

// node_modules/tiny-money/node_modules/tiny-slug/index.js
var require_tiny_slug = __commonJS({
  "node_modules/tiny-money/node_modules/tiny-slug/index.js"(exports, module) {
    module.exports = (text) => text.toLowerCase();
  }
});

// node_modules/tiny-slug/lib/slug.js
var require_slug = __commonJS({
  "node_modules/tiny-slug/lib/slug.js"(exports, module) {
    "use strict";
    var { EventEmitter } = __require("events");
    var util = __require("node:util");
    var told = new EventEmitter();
    var count = 0;
    told.on("slug", () => count++);
    module.exports = /* @__PURE__ */ __name(function slug3(text) {
      told.emit("slug");
      if (!util.types.isProxy({}) && count > 0) return text.toLowerCase().replace(/[^a-z]+/g, "-");
      return "";
    }, "slug");
  }
});

// worker.js
import { WorkflowEntrypoint } from "cloudflare:workers";

// node_modules/tiny-money/index.js
var import_tiny_slug = __toESM(require_tiny_slug(), 1);
var CURRENCY = (0, import_tiny_slug.default)("EUR");
function format(cents) {
  return `${(cents / 100).toFixed(2)} ${CURRENCY}`;
}
__name(format, "format");

// worker.js
var import_tiny_slug2 = __toESM(require_slug(), 1);

// node_modules/@tiny/token/workerd.mjs
import { createHash } from "node:crypto";
var platform = "workerd";
function token(text) {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
__name(token, "token");

// worker.js
var DEFAULTS = {
  retries: { limit: 5, delay: "10 seconds", backoff: "exponential" },
  timeout: "10 minutes"
};
var Packages = class extends WorkflowEntrypoint {
  static {
    __name(this, "Packages");
  }
  async run(event, step) {
    const Price = await step.do("Price", DEFAULTS, async () => {
      const text = format(event.payload.cents);
      return { text, slug: (0, import_tiny_slug2.default)(event.payload.title) };
    });
    const token_2 = await step.do("token", DEFAULTS, async () => {
      return { token: token(Price.text), platform };
    });
    let Check;
    if (Price.slug.length < 20) {
      Check = await step.do("Late", DEFAULTS, async () => {
        const { default: slug22 } = await Promise.resolve().then(() => __toESM(require_slug(), 1));
        return slug22(token_2.platform + " !");
      });
    }
    return Check;
  }
};
async function authorized(request, token2) {
  const given = /^bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (!given) return false;
  const digest = /* @__PURE__ */ __name((text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)), "digest");
  return crypto.subtle.timingSafeEqual(await digest(given), await digest(token2));
}
__name(authorized, "authorized");
function messageOf(error) {
  return error?.message ?? String(error);
}
__name(messageOf, "messageOf");
var worker_default = {
  async fetch(request, env) {
    try {
      if (env.TRIGGER_TOKEN !== void 0 && !await authorized(request, env.TRIGGER_TOKEN)) {
        return Response.json({ message: "A bearer token is needed" }, { status: 401 });
      }
      const url = new URL(request.url);
      if (request.method === "POST") {
        const body = await request.json().catch(() => void 0);
        if (typeof body?.instanceId === "string" && typeof body.eventType === "string") {
          const instance2 = await env.WORKFLOW.get(body.instanceId);
          await instance2.sendEvent({ type: body.eventType, payload: body.payload });
          return Response.json({ instanceId: instance2.id, delivered: true });
        }
        const instance = await env.WORKFLOW.create({ params: body });
        return Response.json({ instanceId: instance.id });
      }
      const id = url.searchParams.get("instanceId");
      if (request.method === "GET" && id) {
        const instance = await env.WORKFLOW.get(id);
        return Response.json(await instance.status());
      }
      return new Response();
    } catch (error) {
      if (/\binstance\.not_found\b/.test(messageOf(error))) {
        return Response.json({ message: "Instance not found" }, { status: 404 });
      }
      return Response.json({ message: messageOf(error) }, { status: 500 });
    }
  }
};
export {
  Packages,
  worker_default as default
};
//# sourceMappingURL=worker.js.map
