/** What the sandbox uses of dynalite, which has no types. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  function dynalite(options: { createTableMs: number; deleteTableMs: number; updateTableMs: number }): Server;
  export = dynalite;
}

declare module 'dynalite/db/index.js' {
  /** The size of an item as it is on the wire, in bytes as DynamoDB counts them. */
  export function itemSize(item: object): number;
  /** Six hexadecimal digits, by which items are ordered. */
  export function hashPrefix(value: string, type: string): string;
}
