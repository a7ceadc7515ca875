// Says before each line that a Worker writes where in its code that was.
const MARK = "MARKED";
const WORKER = "NAMED";

for (const level of ["debug", "info", "log", "warn", "error"]) {
  const say = console[level];
  console[level] = (...args) => {
    const [, , at = ""] = (new Error().stack ?? "").split("\n");
    say.call(console, MARK + JSON.stringify({ worker: WORKER, at: at.trim() }));
    say.apply(console, args);
  };
}
