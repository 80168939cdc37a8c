/** Node's own HTTP, not by an import: that would look at all it has, and so load its WebSocket and `fetch`, which nobody needs here. */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}
