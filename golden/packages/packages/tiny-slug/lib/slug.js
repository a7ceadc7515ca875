"use strict";
const { EventEmitter } = require("events");
const util = require("node:util");

const told = new EventEmitter();
let count = 0;
told.on("slug", () => count++);

module.exports = function slug(text) {
  told.emit("slug");
  if (!util.types.isProxy({}) && count > 0) return text.toLowerCase().replace(/[^a-z]+/g, "-");
  return "";
};
