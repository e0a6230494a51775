import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, paginateQuery, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Registry } from '../subscribers/record.ts';

/** What the registry wants of a key's policy: that a role may use the key. */
const grantSchema = v.object({
  roleArn: v.string(),
  /** A role that was made again under the same name has another id, and KMS does not know it by the ARN. */
  roleId: v.string(),
  userName: v.string(),
  /**
   * `applied`: read back in the policy; `orphaned`: there is no such role any more; `withdrawn`: its subscriber is being or has
   * been offboarded.
   */
  state: v.picklist(['pending', 'applied', 'orphaned', 'withdrawn']),
  /** Whether KMS refused the role when it was last written: it could not see it then. */
  refused: v.optional(v.boolean(), false),
  /** Of one that was withdrawn, when the policy reads back without the role: when DynamoDB may remove it, in seconds since the epoch. */
  expiresAt: v.optional(v.number()),
});
export type Grant = v.InferOutput<typeof grantSchema>;

/** Whether the role is to have the key. */
export const isWanted = ({ state }: Grant) => state !== 'orphaned' && state !== 'withdrawn';

/** What is known of the last policy that was written, so that a read that is older is found out. */
const writtenSchema = v.object({
  /** The hash of our statements in it. */
  statementsHash: v.string(),
  /** Milliseconds since the epoch. */
  writtenAt: v.number(),
});
export type Written = v.InferOutput<typeof writtenSchema>;

/** What the items of a key have in common. */
export const keyPk = (keyArn: string) => `KEY#${keyArn}`;
const leaseKey = (keyArn: string) => ({ pk: keyPk(keyArn), sk: 'LEASE' });
const grantPrefix = 'GRANT#';
const grantKey = (keyArn: string, roleArn: string) => ({ pk: keyPk(keyArn), sk: `${grantPrefix}${roleArn}` });
/**
 * Asks for a role's access to a key. A grant of the same role that is there already stays as it is; of a role made anew under
 * the same name, and after an offboarding that has not come to its end, it is asked for again.
 */
export async function requestGrant(
  registry: Registry,
  keyArn: string,
  role: Pick<Grant, 'roleArn' | 'roleId' | 'userName'>,
): Promise<Grant> {
  const { documents, tableName } = registry;
  const known = await readGrant(registry, keyArn, role.roleArn);
  if (known?.roleId === role.roleId && isWanted(known)) return known;
  const wanted: Grant = { ...role, state: 'pending', refused: false };
  const isWritten = await unlessRefused(
    documents.send(
      new PutCommand({
        TableName: tableName,
        Item: { ...grantKey(keyArn, role.roleArn), ...wanted },
        ConditionExpression: 'attribute_not_exists(#roleId) OR #roleId <> :roleId OR #state IN (:orphaned, :withdrawn)',
        ExpressionAttributeNames: { '#roleId': 'roleId', '#state': 'state' },
        ExpressionAttributeValues: { ':roleId': role.roleId, ':orphaned': 'orphaned', ':withdrawn': 'withdrawn' },
      }),
    ),
  );
  // Another attempt, or this one before its answer was lost, has asked for it meanwhile: it may be applied by now.
  return isWritten === undefined ? ((await readGrant(registry, keyArn, role.roleArn)) ?? wanted) : wanted;
}

async function readGrant({ documents, tableName }: Registry, keyArn: string, roleArn: string) {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: grantKey(keyArn, roleArn), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : v.parse(grantSchema, Item);
}

/** All grants of a key, read consistently. */
export async function readGrants({ documents, tableName }: Registry, keyArn: string): Promise<Grant[]> {
  const items = await queryKey({ documents, tableName }, keyArn, grantPrefix);
  return items.map((item) => v.parse(grantSchema, item));
}

/**
 * Writes what became of a grant; nothing when it has meanwhile been taken away, is being withdrawn, or was asked for again for
 * another role.
 */
export async function settleGrant(
  { documents, tableName }: Registry,
  keyArn: string,
  { roleArn, roleId, state, refused }: Grant,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: grantKey(keyArn, roleArn),
        UpdateExpression: 'SET #state = :state, #refused = :refused',
        // Whoever settles has read the grant a while ago.
        ConditionExpression: '#roleId = :roleId AND #state <> :withdrawn',
        ExpressionAttributeNames: { '#roleId': 'roleId', '#state': 'state', '#refused': 'refused' },
        ExpressionAttributeValues: {
          ':roleId': roleId,
          ':state': state,
          ':refused': refused,
          ':withdrawn': 'withdrawn',
        },
      }),
    ),
  );
}

/** Takes a grant back, whatever its state: from then on whoever changes the key's policy takes the role out of it. */
export async function withdrawGrant(
  { documents, tableName }: Registry,
  keyArn: string,
  { roleArn, roleId, userName }: Pick<Grant, 'roleArn' | 'roleId' | 'userName'>,
): Promise<void> {
  await documents.send(
    new UpdateCommand({
      TableName: tableName,
      Key: grantKey(keyArn, roleArn),
      // A role that the registry does not know, and the policy does, gets an item, too: unknown roles stay in policies.
      UpdateExpression:
        'SET #state = :withdrawn, #refused = :no, #roleArn = :roleArn, #userName = :userName, #roleId = if_not_exists(#roleId, :roleId) REMOVE #expiresAt',
      ExpressionAttributeNames: {
        '#state': 'state',
        '#refused': 'refused',
        '#roleArn': 'roleArn',
        '#userName': 'userName',
        '#roleId': 'roleId',
        '#expiresAt': 'expiresAt',
      },
      ExpressionAttributeValues: {
        ':withdrawn': 'withdrawn',
        ':no': false,
        ':roleArn': roleArn,
        ':userName': userName,
        ':roleId': roleId,
      },
    }),
  );
}

/**
 * For how long a grant that was withdrawn is remembered, in seconds. Roles that the registry does not know stay in policies: for as
 * long as KMS may tell a policy from before, it must know this one.
 */
const rememberedSeconds = 60 * 60;

/**
 * Lets a grant that was withdrawn be forgotten, when the policy reads back without the role; nothing when it has been asked for
 * again meanwhile.
 * @param now milliseconds since the epoch
 */
export async function forgetGrant(
  { documents, tableName }: Registry,
  keyArn: string,
  { roleArn }: Pick<Grant, 'roleArn'>,
  now: number,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: grantKey(keyArn, roleArn),
        UpdateExpression: 'SET #expiresAt = :expiresAt',
        ConditionExpression: '#state = :withdrawn',
        ExpressionAttributeNames: { '#state': 'state', '#expiresAt': 'expiresAt' },
        ExpressionAttributeValues: {
          ':withdrawn': 'withdrawn',
          ':expiresAt': Math.ceil(now / 1000) + rememberedSeconds,
        },
      }),
    ),
  );
}

/** The grants of a subscriber on all keys, but for those that were withdrawn for good. A scan, as of the registry's other rare readers. */
export async function grantsOf(
  { documents, tableName }: Registry,
  subscriber: string,
): Promise<{ keyArn: string; roleArn: string }[]> {
  const pages = paginateScan(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      FilterExpression: 'begins_with(#sk, :grant) AND attribute_not_exists(#expiresAt)',
      ProjectionExpression: '#pk, roleArn, userName',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt' },
      ExpressionAttributeValues: { ':grant': grantPrefix },
    },
  );
  const found: { keyArn: string; roleArn: string }[] = [];
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      const { pk, roleArn, userName } = v.parse(ownedSchema, item);
      // Names are unique ignoring case.
      if (userName.toLowerCase() === subscriber.toLowerCase())
        found.push({ keyArn: pk.slice(keyPk('').length), roleArn });
    }
  }
  return found;
}

const ownedSchema = v.object({ pk: v.string(), roleArn: v.string(), userName: v.string() });

/** The time that a lease is good for, in milliseconds since the epoch. */
export interface Lease {
  /** Unique for each invocation: a repeated one is another owner. */
  owner: string;
  until: number;
}

/**
 * Takes the key's lease. What is known of the last policy written goes with it, until `releaseLease` brings it back: whoever
 * dies in between may have written another.
 * @param now milliseconds since the epoch
 * @returns what was known; undefined when somebody else has the lease
 */
export async function takeLease(
  { documents, tableName }: Registry,
  keyArn: string,
  { owner, until }: Lease,
  now: number,
): Promise<{ written: Written | undefined } | undefined> {
  const taken = await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression: 'SET #owner = :owner, #until = :until REMOVE #written',
        ConditionExpression: 'attribute_not_exists(#owner) OR #owner = :owner OR #until < :now',
        // Not `expiresAt`, by which DynamoDB deletes items.
        ExpressionAttributeNames: { '#owner': 'owner', '#until': 'leasedUntil', '#written': 'written' },
        ExpressionAttributeValues: { ':owner': owner, ':until': until, ':now': now },
        ReturnValues: 'ALL_OLD',
      }),
    ),
  );
  if (taken === undefined) return undefined;
  const { written } = v.parse(v.object({ written: v.optional(writtenSchema) }), taken.Attributes ?? {});
  return { written };
}

/** Gives the lease back, with what is known of the last policy written; nothing when somebody else has it meanwhile. */
export async function releaseLease(
  { documents, tableName }: Registry,
  keyArn: string,
  { owner }: Pick<Lease, 'owner'>,
  written: Written | undefined,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression: `${written === undefined ? '' : 'SET #written = :written '}REMOVE #owner, #until`,
        ConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: {
          '#owner': 'owner',
          '#until': 'leasedUntil',
          ...(written !== undefined && { '#written': 'written' }),
        },
        ExpressionAttributeValues: { ':owner': owner, ...(written !== undefined && { ':written': written }) },
      }),
    ),
  );
}

/**
 * What the key's lease says: until when somebody has it, in milliseconds since the epoch, and what is known of the last policy
 * written, which is nothing while somebody has it or has died with it.
 * @returns undefined for a key whose policy was never written, nor was to be
 */
export async function readLease(
  { documents, tableName }: Registry,
  keyArn: string,
): Promise<{ leasedUntil: number | undefined; written: Written | undefined } | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: leaseKey(keyArn), ConsistentRead: true }),
  );
  if (Item === undefined) return undefined;
  const { leasedUntil, written } = v.parse(
    v.object({ leasedUntil: v.optional(v.number()), written: v.optional(writtenSchema) }),
    Item,
  );
  return { leasedUntil, written };
}

/**
 * Whether the registry wants anything of a key, or its policy was ever written. Either is enough: a key whose lease was deleted
 * stays known by its grants, as a role that has the key already takes no lease.
 */
export async function isKnownKey(registry: Registry, keyArn: string): Promise<boolean> {
  return (await readLease(registry, keyArn)) !== undefined || (await readGrants(registry, keyArn)).length > 0;
}

/** The keys that the registry knows, each once. A scan, as of the registry's other rare readers. */
export async function* knownKeys({ documents, tableName }: Registry): AsyncGenerator<string> {
  const pages = paginateScan(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      FilterExpression: '#sk = :lease OR begins_with(#sk, :grant)',
      ProjectionExpression: '#pk',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':lease': 'LEASE', ':grant': grantPrefix },
    },
  );
  const known = new Set<string>();
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      const keyArn = v.parse(v.object({ pk: v.string() }), item).pk.slice(keyPk('').length);
      if (!known.has(keyArn)) yield keyArn;
      known.add(keyArn);
    }
  }
}

/** The items of a key whose sort keys begin with a prefix, in their order, and from a place on. */
export async function queryKey(
  { documents, tableName }: Registry,
  keyArn: string,
  prefix: string,
  from = '',
): Promise<unknown[]> {
  const pages = paginateQuery(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      // What follows a prefix begins with a letter or a digit, all of which come before the tilde.
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': keyPk(keyArn), ':from': `${prefix}${from}`, ':to': `${prefix}~` },
    },
  );
  const items: unknown[] = [];
  for await (const { Items = [] } of pages) items.push(...Items);
  return items;
}

/** What a conditional write answers; undefined when its condition does not hold. */
export async function unlessRefused<Answer>(write: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
