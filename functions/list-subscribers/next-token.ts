import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { InvalidRequest } from '../../lib/errors.ts';
import { json } from '../../lib/json.ts';
import { isSubscriberPk } from '../../lib/registry/status-index.ts';
import type { Filters } from './query.ts';

// A token is no secret, and opens nothing that its holder could not list without it: it is checked so that a wrong one is refused, rather than
// answered with the wrong page.

const version = 1;
const validMs = 24 * 60 * 60_000;
/** What the clocks of two processes may differ by. */
const skewMs = 5 * 60_000;

const tokenSchema = json(
  v.strictTuple([
    v.literal(version),
    v.pipe(v.number(), v.integer()),
    v.pipe(v.string(), v.check(isSubscriberPk)),
    v.string(),
  ]),
);

/** The list that a token goes on with. */
export interface List {
  /** The registry's table: each deployment has one. */
  tableName: string;
  filters: Filters;
}

function digest({ tableName, filters }: List, at: number, after: string): string {
  const { status, account, key, updatedBefore, updatedAfter } = filters;
  const parts = [version, tableName, status, account, key, updatedBefore, updatedAfter, at, after];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

/** @param after the partition key of the record that was looked at last */
export function tokenFor(list: List, after: string, now: Date): string {
  const at = now.getTime();
  return Buffer.from(JSON.stringify([version, at, after, digest(list, at, after)])).toString('base64url');
}

/**
 * Where the list goes on.
 * @throws InvalidRequest for a token of another list, another deployment, another version or an earlier day
 */
export function readToken(list: List, token: string, now: Date): string {
  const refused = new InvalidRequest(
    'nextToken',
    'must be that of an answer to the same filters, at most a day old; begin again without it',
  );
  // Buffer passes over what is not of its alphabet.
  const text = /^[\w-]{1,512}$/.test(token) ? Buffer.from(token, 'base64url').toString('utf8') : '';
  const parsed = v.safeParse(tokenSchema, text);
  if (!parsed.success) throw refused;
  const [, at, after, made] = parsed.output;
  const age = now.getTime() - at;
  if (made !== digest(list, at, after) || age > validMs || age < -skewMs) throw refused;
  return after;
}
