import { randomUUID } from 'node:crypto';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { LoginInProgress, LoginsPaused } from '../errors.ts';
import { notNewer, notNewerValues, versioned } from '../versions.ts';
import { pauseReasons } from './pause-reasons.ts';
import { type Registry, readItem, unlessRefused } from './table.ts';

// The breaker of the logins of one user, which all executions share. Cognito locks a user after five wrong passwords, and each login
// stores a version of a secret, of which a day has about a hundred.

const minute = 60_000;

/**
 * How long it is quiet after refusals. Cognito forgets a lockout after 15 minutes without a login (developer guide, "Lockout behavior for
 * failed sign-in attempts"); a minute more allows for what clocks differ by.
 */
const quietMs = 16 * minute;
/** How long a login has its turn: the client gives a call up sooner. */
const leaseMs = minute;
/** How many logins, or tokens, may be refused before it is quiet. */
const maxRefusals = 3;
/** How many of these logins may be by the same password: the last one is left for a corrected password, which need not wait. */
const maxOfSamePassword = 2;
/** How often one password may be refused at all: the fifth time would lock the user. */
const maxOfPassword = 4;
/** How many logins a day may replace refused tokens sooner than `renewAfterMs` after the login before. */
const promptRenewals = 2;
const renewAfterMs = 2 * 60 * minute;
const day = 24 * 60 * minute;

const loginSchema = v.object({
  id: v.string(),
  at: v.string(),
  passwordVersionId: v.string(),
  /** Cognito has locked the user, and looks at no password. */
  isLocked: v.optional(v.boolean()),
});

const breakerSchema = v.object({
  /** Changes with every write; absent while there is no item. */
  revision: v.optional(v.string()),
  /** The logins that are not known to have succeeded, since it was quiet. */
  logins: v.optional(v.array(loginSchema), []),
  /** How often in a row Cognito has refused the password that was tried last. */
  refusedPassword: v.optional(v.object({ versionId: v.string(), times: v.number() })),
  /** The tokens that InfinStor has refused since it was quiet, by their versions. */
  refusedTokens: v.optional(v.array(v.object({ versionId: v.string(), at: v.string() })), []),
  /** The logins of the last day that replaced a refused token. */
  renewals: v.optional(v.array(v.object({ id: v.string(), at: v.string() })), []),
  /** Until when the refused token is not tried again. */
  tokensPausedUntil: v.optional(v.string()),
  /** The login whose turn it is. */
  lease: v.optional(v.object({ id: v.string(), until: v.string() })),
});
export type Breaker = v.InferOutput<typeof breakerSchema>;

/** When logins, or the use of tokens, go on, and why they rest. Without a time: when the password has been stored anew. */
export interface Pause {
  until?: string;
  reason: string;
}

const keyOf = (userName: string) => ({ pk: `LOGIN#${userName.toLowerCase()}`, sk: 'BREAKER' });

export async function readBreaker({ documents, tableName }: Registry, userName: string): Promise<Breaker> {
  const { Item = {} } = await documents.send(
    new GetCommand({ TableName: tableName, Key: keyOf(userName), ConsistentRead: true }),
  );
  return readItem(breakerSchema, Item);
}

/**
 * Puts a breaker in the place of the one that was read.
 * @returns it as it stands then; undefined when somebody has changed it since
 */
async function replace(
  { documents, tableName }: Registry,
  userName: string,
  { revision: read, ...breaker }: Breaker,
): Promise<Breaker | undefined> {
  const revision = randomUUID();
  const written = await unlessRefused(
    documents.send(
      new PutCommand({
        TableName: tableName,
        Item: versioned({ ...keyOf(userName), userName, ...breaker, revision }),
        ConditionExpression: read === undefined ? 'attribute_not_exists(pk)' : 'revision = :read',
        ...(read !== undefined && { ExpressionAttributeValues: { ':read': read } }),
      }),
    ),
  );
  if (written !== undefined) return { ...breaker, revision };
  // The client may have repeated a write whose answer was lost.
  const now = await readBreaker({ documents, tableName }, userName);
  return now.revision === revision ? now : undefined;
}

/** @throws LoginInProgress when somebody has changed the breaker since it was read: what follows from it may be different now */
async function replaceRead(registry: Registry, userName: string, breaker: Breaker): Promise<Breaker> {
  const replaced = await replace(registry, userName, breaker);
  if (replaced === undefined) throw new LoginInProgress(userName);
  return replaced;
}

const timeOf = (iso: string) => Date.parse(iso);
const after = (at: string, milliseconds: number) => new Date(timeOf(at) + milliseconds).toISOString();

/** What has happened since it was last quiet. */
function recent<Entry extends { at: string }>(entries: readonly Entry[], now: Date): readonly Entry[] {
  const last = entries.at(-1);
  return last !== undefined && timeOf(last.at) + quietMs > now.getTime() ? entries : [];
}

/** Whether InfinStor has refused this token, and it is not yet to be tried again. */
export const isTokenRefused = ({ refusedTokens }: Breaker, versionId: string, now: Date): boolean =>
  recent(refusedTokens, now).some((refused) => refused.versionId === versionId);

/**
 * Counts a token that InfinStor has refused, once, however many executions have used it.
 * @throws LoginInProgress when the breaker has changed since it was read
 */
export async function countRefusedToken(
  registry: Registry,
  { userName, versionId, now }: { userName: string; versionId: string; now: Date },
  breaker: Breaker,
): Promise<Breaker> {
  if (isTokenRefused(breaker, versionId, now)) return breaker;
  const refusedTokens = [...recent(breaker.refusedTokens, now), { versionId, at: now.toISOString() }];
  return replaceRead(registry, userName, { ...breaker, refusedTokens });
}

/**
 * Whether a login may replace a refused token. At first a few times, since a session may have been ended; then only every two hours: while
 * InfinStor refuses every token, the same session shows just as well when that is over, and costs no version of a secret.
 * @param loggedInAt when the session of the refused token began
 */
export function mayRenew({ refusedTokens, renewals }: Breaker, loggedInAt: string, now: Date): boolean {
  if (now.getTime() - timeOf(loggedInAt) >= renewAfterMs) return true;
  const ofDay = renewals.filter(({ at }) => timeOf(at) > now.getTime() - day);
  return ofDay.length < promptRenewals && recent(refusedTokens, now).length < maxRefusals;
}

/**
 * Lets the use of the refused token rest.
 * @returns until when
 * @throws LoginInProgress when the breaker has changed since it was read
 */
export async function pauseTokens(
  registry: Registry,
  { userName, now }: { userName: string; now: Date },
  breaker: Breaker,
): Promise<Pause> {
  const tokensPausedUntil = after(breaker.refusedTokens.at(-1)?.at ?? now.toISOString(), quietMs);
  const paused = { ...breaker, tokensPausedUntil };
  if (breaker.tokensPausedUntil !== tokensPausedUntil) await replaceRead(registry, userName, paused);
  return { until: tokensPausedUntil, reason: pauseReasons.tokensRefused };
}

function pauseOfPassword({ logins, refusedPassword }: Breaker, versionId: string, now: Date): Pause | undefined {
  const refusals = refusedPassword?.versionId === versionId ? refusedPassword.times : 0;
  if (refusals >= maxOfPassword) return { reason: `${pauseReasons.passwordRefused} ${refusals} times` };
  const tried = recent(logins, now);
  const last = tried.at(-1);
  // Another password would not be looked at either, and each login lets the lock begin anew.
  if (last?.isLocked === true) return { until: after(last.at, quietMs), reason: pauseReasons.locked };
  if (last === undefined) return undefined;
  const until = after(last.at, quietMs);
  if (tried.length >= maxRefusals) return { until, reason: pauseReasons.tooManyLogins };
  const ofPassword = tried.filter(({ passwordVersionId }) => passwordVersionId === versionId);
  if (ofPassword.length < maxOfSamePassword) return undefined;
  return { until, reason: refusals > 0 ? pauseReasons.passwordRefused : pauseReasons.loginsFailed };
}

/** Whether, and until when, the logins of a user or the use of its tokens rest, as far as the breaker knows. */
export function pauseOf(breaker: Breaker, now: Date): Pause | undefined {
  const { tokensPausedUntil, logins, refusedPassword } = breaker;
  if (tokensPausedUntil !== undefined && timeOf(tokensPausedUntil) > now.getTime()) {
    return { until: tokensPausedUntil, reason: pauseReasons.tokensRefused };
  }
  const versionId = logins.at(-1)?.passwordVersionId ?? refusedPassword?.versionId;
  return versionId === undefined ? undefined : pauseOfPassword(breaker, versionId, now);
}

/** A login that is about to be made. */
interface Login {
  userName: string;
  passwordVersionId: string;
  /** Whether it replaces a token that InfinStor has refused. */
  isRenewal: boolean;
  now: Date;
}

/**
 * Takes the turn to log in. The login counts as refused until `endLogin` says otherwise, so that one that dies is counted, too.
 * @param breaker as it was read, before the session that is to be replaced
 * @returns the id of the login
 * @throws LoginInProgress when another login has its turn, or had it since the breaker was read
 * @throws LoginsPaused after too many that were refused
 */
export async function beginLogin(registry: Registry, login: Login, breaker: Breaker): Promise<string> {
  const { userName, passwordVersionId, isRenewal, now } = login;
  if (breaker.lease !== undefined && timeOf(breaker.lease.until) > now.getTime()) throw new LoginInProgress(userName);
  const pause = pauseOfPassword(breaker, passwordVersionId, now);
  if (pause !== undefined) throw new LoginsPaused(userName, pause.reason, pause.until);
  const id = randomUUID();
  const at = now.toISOString();
  const renewals = breaker.renewals.filter((renewal) => timeOf(renewal.at) > now.getTime() - day);
  await replaceRead(registry, userName, {
    ...breaker,
    logins: [...recent(breaker.logins, now), { id, at, passwordVersionId }],
    renewals: isRenewal ? [...renewals, { id, at }] : renewals,
    lease: { id, until: after(at, leaseMs) },
  });
  return id;
}

/**
 * `refused`: the password was wrong. `locked`: Cognito looks at no password until some time has passed without a login. `challenged`: it lets
 * the user in no further, whatever the password is. `unanswered`: it may have been refused. `unmade`: Cognito did not look at the password, or
 * cannot lock the user for it.
 */
export type LoginEnd = 'succeeded' | 'refused' | 'locked' | 'challenged' | 'unanswered' | 'unmade';

/** Gives the turn back, and says how the login ended. */
export async function endLogin(
  registry: Registry,
  { userName, passwordVersionId, id }: { userName: string; passwordVersionId: string; id: string },
  end: LoginEnd,
): Promise<void> {
  while (true) {
    const breaker = await readBreaker(registry, userName);
    const given = breaker.lease?.id === id ? { ...breaker, lease: undefined } : breaker;
    if ((await replace(registry, userName, ended(given, { passwordVersionId, id }, end))) !== undefined) return;
  }
}

function ended(
  breaker: Breaker,
  { passwordVersionId, id }: { passwordVersionId: string; id: string },
  end: LoginEnd,
): Breaker {
  switch (end) {
    case 'succeeded':
      return { ...breaker, logins: [], refusedPassword: undefined, tokensPausedUntil: undefined };
    case 'refused': {
      const before = breaker.refusedPassword;
      const times = before?.versionId === passwordVersionId ? before.times + 1 : 1;
      return { ...breaker, refusedPassword: { versionId: passwordVersionId, times } };
    }
    case 'locked':
      return { ...breaker, logins: breaker.logins.map((login) => ({ ...login, isLocked: login.id === id })) };
    case 'challenged':
    case 'unanswered':
      return breaker;
    case 'unmade':
      return {
        ...breaker,
        logins: breaker.logins.filter((login) => login.id !== id),
        renewals: breaker.renewals.filter((renewal) => renewal.id !== id),
      };
  }
}

/**
 * Forgets the tokens that InfinStor has refused, as it has accepted one. Without a call when this execution has seen none refused.
 * @param token the one that InfinStor has accepted
 */
export async function forgetRefusedTokens(
  { documents, tableName }: Registry,
  { userName, rejections }: { userName?: string | undefined; rejections: number },
): Promise<void> {
  if (rejections === 0 || userName === undefined) return;
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(userName),
        UpdateExpression: 'SET revision = :revision REMOVE refusedTokens, tokensPausedUntil',
        ConditionExpression: `attribute_exists(refusedTokens) AND ${notNewer}`,
        ExpressionAttributeValues: { ':revision': randomUUID(), ...notNewerValues },
      }),
    ),
  );
}
