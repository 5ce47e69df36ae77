/**
 * The admin endpoint: what the consumers of a process do, over HTTP, with one page to look at it. Loads Hono.
 *
 * @module
 */
export { type AdminApp, type AdminAppOptions, createAdminApp, type LogLevelHolder } from "./app.ts";
export { type AdminServer, serveAdmin, type ServeAdminOptions } from "./serve.ts";
