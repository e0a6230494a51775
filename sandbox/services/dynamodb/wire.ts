import type { Use } from './throughput.ts';

/** An answer as it goes over the wire. */
export interface DynamoDbResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** What had nothing left for the call, or for some of a batch. */
  throttled?: readonly Use[];
}

/** An item in the wire's form, such as `{ pk: { S: 'a' } }`. */
export type WireItem = Record<string, Record<string, unknown>>;
