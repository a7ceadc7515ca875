import native from "./native.node";

export default native;
