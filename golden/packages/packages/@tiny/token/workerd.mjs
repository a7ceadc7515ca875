import { createHash } from "node:crypto";

export const platform = "workerd";

export function token(text) {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
