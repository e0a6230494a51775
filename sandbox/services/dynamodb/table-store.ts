/** What a stack has made of a table, beside the table itself. */
export interface Table {
  name: string;
  arn: string;
  stackId: string;
  /** The attribute that says when an item expires. */
  timeToLive?: string;
  encryption: { type: 'aws-owned' } | { type: 'aws-managed' } | { type: 'customer-managed'; keyArn: string };
}

/** By name. */
export type TableStore = Map<string, Table>;
