import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';

const price = v.strictObject({
  price: v.pipe(v.number(), v.gtValue(0)),
  unit: v.pipe(v.string(), v.nonEmpty()),
  source: v.pipe(v.string(), v.startsWith('https://aws.amazon.com/')),
  /** `others`: AWS's own page was not seen with the price on it. */
  by: v.picklist(['aws', 'others']),
  read: v.pipe(v.string(), v.regex(/^[A-Z][a-z]+ \d{4}$/)),
});

const names = [
  ...(['stateTransition', 'lambdaRequest', 'lambdaGbSecond'] as const),
  ...(['dynamoDbRead', 'dynamoDbWrite', 'dynamoDbStorage', 'dynamoDbBackup'] as const),
  ...(['secret', 'secretCall', 'key', 'kmsCall', 'event', 'apiRequest', 'queueRequest', 'email', 'trace'] as const),
  ...(['logsIngested', 'logsStored', 'logsQueried'] as const),
  ...(['alarmMetric', 'compositeAlarm', 'customMetric', 'dashboard'] as const),
] as const;
export type PriceName = (typeof names)[number];

/** What things cost in us-east-1, with where each price comes from. @throws ValiError when the file is not what it is to be */
export const prices = v.parse(
  v.strictObject(v.entriesFromList(names, price)),
  parse(readFileSync(join(import.meta.dirname, 'prices.yml'), 'utf8')),
);

/** What so many of something cost. */
export const costOf = (name: PriceName, amount: number): number => prices[name].price * amount;
