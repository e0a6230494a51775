// Stands in for `node:http` in the bundles. The interop code around a required built-in module reads all its properties, and
// two of node:http's are getters that load the whole of undici; taken this way they stay untouched (20 ms of a cold start).
const http = process.getBuiltinModule('node:http');

export const { Agent, STATUS_CODES, request } = http;
// biome-ignore lint/style/noDefaultExport: the module that it stands in for has one
export default http;
