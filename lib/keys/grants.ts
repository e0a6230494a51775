import { GetCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk, queryKey } from '../registry/key-items.ts';
import { type Owner, ownerCheck, requireOwned } from '../registry/owner.ts';
import { type Action, type Registry, readItem, unlessRefused, writeTogether } from '../registry/table.ts';
import { dataVersion, versioned } from '../versions.ts';
import { reservationKey } from './reservations.ts';

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

export const grantPrefix = 'GRANT#';

const grantKey = (keyArn: string, roleArn: string) => ({ pk: keyPk(keyArn), sk: `${grantPrefix}${roleArn}` });

/**
 * Asks for a role's access to a key. A grant of the same role that is there already stays as it is; of a role made anew under
 * the same name, and after an offboarding that has not come to its end, it is asked for again. The place that the execution has reserved for
 * it becomes the grant's.
 * @throws ExecutionSuperseded when the subscriber is another execution's
 */
export async function requestGrant(
  registry: Registry,
  keyArn: string,
  role: Pick<Grant, 'roleArn' | 'roleId' | 'userName'>,
  executionArn: string,
): Promise<Grant> {
  const { tableName } = registry;
  const known = await readGrant(registry, keyArn, role.roleArn);
  if (known?.roleId === role.roleId && isWanted(known)) return known;
  const wanted: Grant = { ...role, state: 'pending', refused: false };
  const put: Action = {
    Put: {
      TableName: tableName,
      Item: versioned({ ...grantKey(keyArn, role.roleArn), ...wanted }),
      ConditionExpression: 'attribute_not_exists(#roleId) OR #roleId <> :roleId OR #state IN (:orphaned, :withdrawn)',
      ExpressionAttributeNames: { '#roleId': 'roleId', '#state': 'state' },
      ExpressionAttributeValues: { ':roleId': role.roleId, ':orphaned': 'orphaned', ':withdrawn': 'withdrawn' },
    },
  };
  const release: Action = { Delete: { TableName: tableName, Key: reservationKey(keyArn, role.userName) } };
  const { userName } = role;
  const isWritten = await writeAsOwner(registry, { userName, executionArn }, [put, release]);
  // Another attempt, or this one before its answer was lost, has asked for it meanwhile: it may be applied by now.
  return isWritten ? wanted : ((await readGrant(registry, keyArn, role.roleArn)) ?? wanted);
}

/**
 * Writes all of these while the subscriber's record belongs to the execution.
 * @returns false when the condition of one of them does not hold
 * @throws ExecutionSuperseded when the record belongs to another execution
 */
async function writeAsOwner(registry: Registry, owner: Owner, actions: readonly Action[]): Promise<boolean> {
  const refused = await writeTogether(registry, [...actions, ownerCheck(registry, owner)]);
  requireOwned(refused, actions.length, owner.userName);
  return refused.size === 0;
}

async function readGrant({ documents, tableName }: Registry, keyArn: string, roleArn: string) {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: grantKey(keyArn, roleArn), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : readItem(grantSchema, Item);
}

/** All grants of a key, read consistently. */
export async function readGrants({ documents, tableName }: Registry, keyArn: string): Promise<Grant[]> {
  const items = await queryKey({ documents, tableName }, keyArn, grantPrefix);
  return items.map((item) => readItem(grantSchema, item));
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
        // The grant was read a while ago.
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

/**
 * Takes a grant back, whatever its state: from then on every change of the key's policy takes the role out of it.
 * @throws ExecutionSuperseded when the subscriber is another execution's, which may have asked for the grant again
 */
export async function withdrawGrant(
  registry: Registry,
  keyArn: string,
  { roleArn, roleId, userName }: Pick<Grant, 'roleArn' | 'roleId' | 'userName'>,
  executionArn: string,
): Promise<void> {
  const update: Action = {
    Update: {
      TableName: registry.tableName,
      Key: grantKey(keyArn, roleArn),
      // A role that the registry does not know, and the policy does, gets an item, too: unknown roles stay in policies.
      UpdateExpression:
        'SET schemaVersion = :dataVersion, #state = :withdrawn, #refused = :no, #roleArn = :roleArn, #userName = :userName, #roleId = if_not_exists(#roleId, :roleId) REMOVE #expiresAt',
      ExpressionAttributeNames: {
        '#state': 'state',
        '#refused': 'refused',
        '#roleArn': 'roleArn',
        '#userName': 'userName',
        '#roleId': 'roleId',
        '#expiresAt': 'expiresAt',
      },
      ExpressionAttributeValues: {
        ':dataVersion': dataVersion,
        ':withdrawn': 'withdrawn',
        ':no': false,
        ':roleArn': roleArn,
        ':userName': userName,
        ':roleId': roleId,
      },
    },
  };
  await writeAsOwner(registry, { userName, executionArn }, [update]);
}

/**
 * For how long a grant that was withdrawn is remembered, in seconds. Roles that the registry does not know stay in policies: for as
 * long as KMS may return an older policy, it must know this one.
 */
const rememberedSeconds = 60 * 60;

/**
 * Lets a grant that was withdrawn be forgotten, when the policy reads back without the role; nothing when it has been asked for
 * again meanwhile.
 * @param now milliseconds since the epoch
 * @throws ExecutionSuperseded when the subscriber is another execution's
 */
export async function forgetGrant(
  registry: Registry,
  keyArn: string,
  { roleArn, ...owner }: Pick<Grant, 'roleArn'> & Owner,
  now: number,
): Promise<void> {
  const update: Action = {
    Update: {
      TableName: registry.tableName,
      Key: grantKey(keyArn, roleArn),
      UpdateExpression: 'SET #expiresAt = :expiresAt',
      ConditionExpression: '#state = :withdrawn',
      ExpressionAttributeNames: { '#state': 'state', '#expiresAt': 'expiresAt' },
      ExpressionAttributeValues: {
        ':withdrawn': 'withdrawn',
        ':expiresAt': Math.ceil(now / 1000) + rememberedSeconds,
      },
    },
  };
  await writeAsOwner(registry, owner, [update]);
}

/** The grants of a subscriber on these keys, but for those that were withdrawn for good. */
export async function grantsOn(
  registry: Registry,
  subscriber: string,
  keyArns: readonly string[],
): Promise<{ keyArn: string; roleArn: string }[]> {
  const found = keyArns.map(async (keyArn) => {
    const grants = await readGrants(registry, keyArn);
    return grants
      .filter(
        ({ userName, expiresAt }) => expiresAt === undefined && userName.toLowerCase() === subscriber.toLowerCase(),
      )
      .map(({ roleArn }) => ({ keyArn, roleArn }));
  });
  return (await Promise.all(found)).flat();
}

/** The same on all keys, where nobody knows which of them have some. A scan, as of the registry's other rare readers. */
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
