import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { handlerPermissions, permissionsOf } from '../../core/handler-permissions.ts';
import type { Access, Caller } from '../../core/operation.ts';
import {
  flag,
  generatedName,
  type OnAccess,
  parseProperties,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Kms } from '../kms/service.ts';
import type { DynamoDb, TableDefinition, TableIndexes } from './service.ts';
import type { Table, TableStore } from './table-store.ts';

interface Parts {
  clock: Pick<Clock, 'busy'>;
  kms: Pick<Kms, 'useAccess'>;
  dynamoDb: Pick<DynamoDb, 'createTable' | 'indexes' | 'setIndexes' | 'hasTable' | 'deleteTable'>;
  tables: TableStore;
  onAccess: OnAccess;
}

const keySchema = v.array(v.strictObject({ AttributeName: v.string(), KeyType: v.picklist(['HASH', 'RANGE']) }));

const tableProperties = v.strictObject({
  TableName: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]{3,255}$/))),
  BillingMode: v.optional(v.picklist(['PAY_PER_REQUEST', 'PROVISIONED'])),
  AttributeDefinitions: v.array(
    v.strictObject({ AttributeName: v.string(), AttributeType: v.picklist(['S', 'N', 'B']) }),
  ),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.strictObject({
        IndexName: v.pipe(v.string(), v.regex(/^[\w.-]{3,255}$/)),
        KeySchema: keySchema,
        Projection: v.strictObject({
          ProjectionType: v.picklist(['ALL', 'KEYS_ONLY', 'INCLUDE']),
          NonKeyAttributes: v.optional(v.array(v.string())),
        }),
      }),
    ),
    [],
  ),
  SSESpecification: v.optional(
    v.strictObject({
      SSEEnabled: flag,
      SSEType: v.optional(v.literal('KMS')),
      KMSMasterKeyId: v.optional(v.pipe(v.string(), v.minLength(1))),
    }),
    { SSEEnabled: false },
  ),
  // Nothing is backed up here.
  TimeToLiveSpecification: v.optional(v.strictObject({ AttributeName: v.string(), Enabled: flag })),
  PointInTimeRecoverySpecification: v.optional(v.strictObject({ PointInTimeRecoveryEnabled: flag })),
});

/**
 * What DynamoDB does with a customer managed key on behalf of the table's creator:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
const keyOperations = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey'];
/** What the grant that it then makes for itself allows, after the same page. */
const grantOperations = [...keyOperations, 'RetireGrant'];

/** `AWS::DynamoDB::Table`. Fails on a name that is taken, and on a customer managed key that the caller may not use. */
export function tableProvider({ clock, kms, dynamoDb, tables, onAccess }: Parts): ResourceProvider {
  /** dynalite works on no clock of the sandbox's, so that no time may be skipped meanwhile. */
  async function working<T>(work: () => Promise<T>): Promise<T> {
    const endOfWork = clock.busy();
    return work().finally(endOfWork);
  }

  return async (context) => {
    const { caller, stackId } = context;
    const properties = parseProperties(tableProperties, context);
    const { TableName: name = generatedName(context), SSESpecification, AttributeDefinitions, KeySchema } = properties;
    const { TimeToLiveSpecification: expiry, GlobalSecondaryIndexes: indexes } = properties;
    const { accountId, region } = caller;
    const arn = `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
    const handlers = handlerPermissions['AWS::DynamoDB::Table'];
    const ask = (actions: readonly string[], by = caller) => {
      for (const action of actions) onAccess(by, { action, resource: arn });
    };
    const encryption = encryptionOf(SSESpecification);

    const isTagged = context.tags.length > 0;
    const isNew = context.previous === undefined;
    if (isNew) ask(permissionsOf(handlers.create, [...Object.keys(context.properties), ...(isTagged ? ['Tags'] : [])]));
    else ask(permissionsOf(handlers.update, Object.keys({ ...context.previous?.properties, ...context.properties })));
    if (isNew && (await working(() => dynamoDb.hasTable(name)))) throw new Error(`${name} already exists`);
    if (encryption.type === 'customer-managed') {
      for (const access of useOfKey(kms, caller, encryption.keyArn)) onAccess(caller, access);
    }
    // Without throughput, whatever the template's billing mode is: nothing is throttled here.
    const definition: TableDefinition = {
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions,
      KeySchema,
      ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    };
    if (context.previous === undefined) await working(() => dynamoDb.createTable(definition));
    else if (changesIndexes(indexes, await dynamoDb.indexes(name))) {
      await working(() => dynamoDb.setIndexes(definition));
    }
    tables.set(name, {
      ...{ name, arn, stackId, encryption },
      ...(expiry?.Enabled === true && { timeToLive: expiry.AttributeName }),
    });
    return {
      physicalId: name,
      attributes: { Arn: arn },
      async delete(by) {
        ask(permissionsOf(handlers.delete), by);
        if (tables.has(name)) await working(() => dynamoDb.deleteTable(name));
      },
    };
  };
}

/**
 * Whether a table gets or loses an index. The old ones are those that it has, as a failed update may not have changed them: "GlobalSecondaryIndexes" of AWS::DynamoDB::Table in the template reference.
 * @throws Error in CloudFormation's words when more than one comes or goes, or one is to be another
 */
function changesIndexes(wanted: TableIndexes, old: TableIndexes): boolean {
  const named = (list: TableIndexes, name: string) => list.find(({ IndexName }) => IndexName === name);
  const names = [...new Set([...wanted, ...old].map(({ IndexName }) => IndexName))];
  const changed = names.filter((name) => !isDeepStrictEqual(named(wanted, name), named(old, name)));
  if (changed.some((name) => named(wanted, name) !== undefined && named(old, name) !== undefined)) {
    throw new Error(
      "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights Specification. You can create a new GSI with a different name.",
    );
  }
  if (changed.length > 1) throw new Error('Cannot perform more than one GSI creation or deletion in a single update');
  return changed.length > 0;
}

function useOfKey(kms: Parts['kms'], caller: Caller, keyArn: string): readonly Access[] {
  const viaDynamoDb = { 'kms:ViaService': `dynamodb.${caller.region}.amazonaws.com` };
  const actions = keyOperations.map((name) => `kms:${name}`);
  try {
    return [
      ...kms.useAccess(caller, keyArn, actions, viaDynamoDb),
      ...kms.useAccess(caller, keyArn, ['kms:CreateGrant'], {
        ...viaDynamoDb,
        'kms:GrantOperations': grantOperations,
      }),
      // The handler itself: it looks an alias up, and takes a grant back.
      { action: 'kms:ListAliases', resource: '*' },
      ...kms.useAccess(caller, keyArn, ['kms:RevokeGrant']),
    ];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Resource handler returned message: "KMS key access denied error: ${message}" (HandlerErrorCode: AccessDenied)`,
    );
  }
}

type SseSpecification = v.InferOutput<typeof tableProperties>['SSESpecification'];

function encryptionOf({ SSEEnabled, SSEType, KMSMasterKeyId: keyArn }: SseSpecification): Table['encryption'] {
  if (!SSEEnabled) {
    if (SSEType === undefined && keyArn === undefined) return { type: 'aws-owned' };
    throw new Error('One or more parameter values were invalid: SSEType and KMSMasterKeyId need SSEEnabled to be true');
  }
  return keyArn === undefined ? { type: 'aws-managed' } : { type: 'customer-managed', keyArn };
}
