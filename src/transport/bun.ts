export { connect, listen } from "./node.ts";
