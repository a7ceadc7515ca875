// A binding that the local runtime has no counterpart of: any use of it is an error that says so. An error of this
// name is not retried.
export default ({ message }) => {
  const refuse = () => {
    throw Object.assign(new Error(message), { name: "NonRetryableError" });
  };
  const get = (target, key) => (typeof key === "symbol" || key === "then" ? target[key] : refuse());
  return new Proxy(refuse, { get, apply: refuse });
};
