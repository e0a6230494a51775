/** An answer as it goes over the wire. */
export interface DynamoDbResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An item in the wire's form, such as `{ pk: { S: 'a' } }`. */
export type WireItem = Record<string, Record<string, unknown>>;
