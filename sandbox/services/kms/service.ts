import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import { type Clock, isoSeconds } from '../../core/clock.ts';
import { apiCallEvent } from '../../core/cloudtrail.ts';
import {
  type Access,
  AwsError,
  type Caller,
  operation,
  type PolicyDocument,
  type Service,
} from '../../core/operation.ts';
import { decide } from '../../core/policies/policy.ts';
import type { Events, NewEvent } from '../events/service.ts';
import {
  type KeyPolicy,
  malformed,
  mapAwsPrincipals,
  type Principals,
  parseKeyPolicy,
  renderKeyPolicy,
} from './key-policy.ts';

export interface KeyDefinition {
  arn: string;
  tags: Readonly<Record<string, string>>;
  /** Default: what the console writes, which leaves the key to the account's identity policies. */
  policy?: PolicyDocument;
  state?: 'Enabled' | 'Disabled' | 'PendingDeletion';
  description?: string;
  keySpec?: string;
  keyUsage?: string;
  keyManager?: 'CUSTOMER' | 'AWS';
}

export interface Kms {
  service: Service;
  /** @throws AwsError as PutKeyPolicy for a policy that KMS refuses; AlreadyExistsException for a second key of this ARN */
  createKey(key: KeyDefinition): void;
  /** The key policy in force, in the order in which it was written. @throws AwsError NotFoundException */
  keyPolicy(keyArn: string): PolicyDocument;
  /** @throws AwsError NotFoundException */
  tags(keyArn: string): Readonly<Record<string, string>>;
  /**
   * What IAM is asked when the caller does all of this with the key through a service that integrates with KMS, such as DynamoDB
   * when a table is created: grants are then for an AWS resource. `context` may name that service in `kms:ViaService`, and what a
   * grant is to allow in `kms:GrantOperations`.
   * @throws Error when the key cannot be used by anybody
   */
  useAccess(caller: Caller, keyArn: string, actions: readonly string[], context?: Access['context']): readonly Access[];
  /**
   * From now on, GetKeyPolicy answers any policy that was in force during the last so many milliseconds, as AWS may for a while
   * after a change; 0 switches that off. `random` chooses, as a number from 0 (the oldest) to 1 (the one in force).
   */
  delayReads(milliseconds: number, random?: () => number): void;
  /**
   * From now on, PutKeyPolicy is refused when it was called as often as this within the last second, for whatever keys; AWS's
   * quota is 15, https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html. By default there is no limit
   * (`Number.POSITIVE_INFINITY`), since a clock that skips idle time may stand still while many calls are made.
   */
  limitPuts(perSecond: number): void;
  /** How many PutKeyPolicy calls took effect on the key so far. @throws AwsError NotFoundException */
  policyWrites(keyArn: string): number;
}

interface Key extends Required<Omit<KeyDefinition, 'policy'>> {
  keyId: string;
  creationDate: Date;
  policy: BoundPolicy;
  /** What was in force before, oldest first, with the times when it was replaced. */
  replaced: readonly { policy: BoundPolicy; at: number }[];
  reads: number;
  /** Of a scheduled deletion, in milliseconds since the epoch. */
  deletionDate?: number;
}

interface BoundPolicy {
  /** Roles and users stand in it by their unique ids: a role made again under the same name is another principal. */
  document: KeyPolicy;
  /** The ARN that each unique id in the document had when it was written. */
  arns: ReadonlyMap<string, string>;
}

const day = 24 * 60 * 60 * 1000;
const grantActions: readonly string[] = ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'];
/** Below AWS's page of 100: a client that does not follow NextMarker is found out. */
const pageSize = 10;
const keyIdPattern = /^(mrk-)?[0-9a-f-]{32,36}$/;
interface Options {
  clock: Clock;
  iam: Principals;
  /** Takes what CloudTrail tells of the calls; default: nobody hears of them. */
  publish?: Events['publish'];
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}

export function createKms({ clock, iam, publish, home = account }: Options): Kms {
  const arnPrefix = `arn:aws:kms:${home.region}:${home.accountId}:`;
  const keys = new Map<string, Key>();
  let readDelay: { milliseconds: number; random: () => number } = { milliseconds: 0, random: Math.random };
  let putsPerSecond = Number.POSITIVE_INFINITY;
  /** The times of the PutKeyPolicy calls of the last second. */
  let puts: readonly number[] = [];

  /** A key that is not there any more when its deletion has come due. */
  function present(arn: string): Key | undefined {
    const key = keys.get(arn);
    if (key?.deletionDate !== undefined && key.deletionDate <= clock.now()) keys.delete(arn);
    return keys.get(arn);
  }

  function usable(keyId: string): Key {
    const key = find(keyId);
    if (key.state !== 'PendingDeletion') return key;
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
  }

  /** Finds a key as KMS operations do that take a key id or key ARN, but no alias. */
  function find(keyId: string): Key {
    const arn = keyId.startsWith('arn:') ? keyId : `${arnPrefix}key/${keyId}`;
    const name = arn.slice(arnPrefix.length);
    const [, , , region, accountId] = arn.split(':');
    if (region !== home.region) throw notFound(`Invalid arn ${region ?? ''}`);
    // A key of another account is used by its policy alone, which is another world here.
    if (accountId !== home.accountId) throw foreignKey(arn);
    if (keyId.startsWith('alias/') || name.startsWith('alias/')) throw notFound(`Invalid keyId ${keyId}`);
    const key = present(arn);
    if (key !== undefined) return key;
    const isKeyId = name.startsWith('key/') && keyIdPattern.test(name.slice('key/'.length));
    throw notFound(isKeyId ? `Key '${arn}' does not exist` : `Invalid keyId '${keyId}'`);
  }

  function bind(policy: KeyPolicy): BoundPolicy {
    const arns = new Map<string, string>();
    const document = mapAwsPrincipals(policy, (principal) => {
      const id = iam.principalId(principal);
      if (id !== undefined) arns.set(id, principal);
      // KMS shows an account that was written as a bare id by its root ARN.
      return id ?? (/^\d{12}$/.test(principal) ? rootArn(principal) : principal);
    });
    return { document, arns };
  }

  /** The policy as it is told and holds now: who still exists by ARN, the others by their bare ids. */
  function unbind({ document, arns }: BoundPolicy): KeyPolicy {
    return mapAwsPrincipals(document, (principal) => {
      const arn = arns.get(principal);
      return arn !== undefined && iam.principalId(arn) === principal ? arn : principal;
    });
  }

  /** The policy that a reader gets: the one in force, or one that was lately. */
  function readPolicy({ policy, replaced }: Key): BoundPolicy {
    const since = clock.now() - readDelay.milliseconds;
    const readable = [...replaced.filter(({ at }) => at > since).map((earlier) => earlier.policy), policy];
    return readable[Math.floor(readDelay.random() * readable.length)] ?? policy;
  }

  function countPut(): void {
    const now = clock.now();
    puts = puts.filter((time) => time > now - 1000);
    if (puts.length >= putsPerSecond) throw new AwsError('ThrottlingException', 'Rate exceeded');
    puts = [...puts, now];
  }

  function accessTo(key: Key, action: string, caller: Caller, context: Access['context'] = {}): Access {
    const tags = Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]);
    const time = {
      'aws:CurrentTime': isoSeconds(clock.now()),
      'aws:EpochTime': String(Math.floor(clock.now() / 1000)),
    };
    return {
      action,
      resource: key.arn,
      context: { ...Object.fromEntries(tags), ...time, 'kms:CallerAccount': caller.accountId, ...context },
      resourceAccountId: home.accountId,
      resourcePolicy: unbind(key.policy),
      identityPolicySuffices: false,
    };
  }

  /** A key with what `definition` leaves out. @throws AwsError as PutKeyPolicy does */
  function newKey(definition: Omit<KeyDefinition, 'policy'>, policy: string): Key {
    return {
      state: 'Enabled',
      description: '',
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyManager: 'CUSTOMER',
      ...definition,
      keyId: definition.arn.slice(`${arnPrefix}key/`.length),
      creationDate: new Date(clock.now()),
      reads: 0,
      policy: bind(parseKeyPolicy(policy, iam)),
      replaced: [],
    };
  }

  function requireNoLockout(key: Key, caller: Caller): void {
    if (decide(caller, accessTo(key, 'kms:PutKeyPolicy', caller)).allowed) return;
    throw malformed('The new key policy will not allow you to update the key policy in the future.');
  }

  /** https://docs.aws.amazon.com/kms/latest/developerguide/ct-put-key-policy.html */
  function putKeyPolicyEvent(input: { KeyId: string; Policy: string }, { arn }: Key, caller: Caller): NewEvent {
    return apiCallEvent({
      service: 'kms',
      operation: 'PutKeyPolicy',
      caller,
      requestParameters: {
        keyId: input.KeyId,
        policyName: 'default',
        policy: input.Policy,
        bypassPolicyLockoutSafetyCheck: false,
      },
      resources: [{ type: 'AWS::KMS::Key', arn }],
      home,
      time: clock.now(),
    });
  }

  const access =
    (action: string) =>
    ({ KeyId }: { KeyId: string }, caller: Caller) => [accessTo(find(KeyId), action, caller)];

  const KeyId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048));
  // KMS knows no other name.
  const PolicyName = v.optional(v.literal('default'));
  const Policy = v.pipe(v.string(), v.regex(/^[\t\n\r\u0020-\u00FF]+$/));

  function setState(name: string, state: 'Enabled' | 'Disabled') {
    return operation(v.strictObject({ KeyId }), {
      access: access(`kms:${name}`),
      run(input) {
        usable(input.KeyId).state = state;
        return {};
      },
    });
  }

  const operations = {
    CreateKey: operation(
      v.strictObject({
        Policy: v.optional(Policy),
        Description: v.optional(v.pipe(v.string(), v.maxLength(8192)), ''),
        KeyUsage: v.optional(v.literal('ENCRYPT_DECRYPT')),
        KeySpec: v.optional(v.literal('SYMMETRIC_DEFAULT')),
        Tags: v.optional(v.array(v.strictObject({ TagKey: v.string(), TagValue: v.string() })), []),
      }),
      {
        access({ Tags }) {
          const tags = Tags.map(({ TagKey, TagValue }) => [`aws:RequestTag/${TagKey}`, TagValue]);
          const context = { ...Object.fromEntries(tags), 'kms:CallerAccount': home.accountId };
          const actions = ['kms:CreateKey', ...(Tags.length > 0 ? ['kms:TagResource'] : [])];
          return actions.map((action) => ({ action, resource: '*', context }));
        },
        run({ Policy: policy, Description: description, Tags }, caller) {
          const arn = `${arnPrefix}key/${randomUUID()}`;
          const tags = Object.fromEntries(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
          const created = newKey({ arn, tags, description }, policy ?? JSON.stringify(consolePolicy(home.accountId)));
          requireNoLockout(created, caller);
          keys.set(arn, created);
          return { KeyMetadata: keyMetadata(created) };
        },
      },
    ),

    ListKeys: operation(
      v.strictObject({
        Limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), pageSize),
        Marker: v.optional(v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number)), '0'),
      }),
      {
        access: () => [{ action: 'kms:ListKeys', resource: '*' }],
        run({ Limit, Marker }) {
          const all = [...keys.keys()].flatMap((arn) => present(arn) ?? []);
          const end = Marker + Limit;
          return {
            Keys: all.slice(Marker, end).map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })),
            Truncated: end < all.length,
            ...(end < all.length && { NextMarker: String(end) }),
          };
        },
      },
    ),

    EnableKey: setState('EnableKey', 'Enabled'),
    DisableKey: setState('DisableKey', 'Disabled'),

    ScheduleKeyDeletion: operation(
      v.strictObject({
        KeyId,
        PendingWindowInDays: v.optional(v.pipe(v.number(), v.integer(), v.minValue(7), v.maxValue(30)), 30),
      }),
      {
        access: access('kms:ScheduleKeyDeletion'),
        run({ KeyId: keyId, PendingWindowInDays }) {
          const key = usable(keyId);
          key.state = 'PendingDeletion';
          key.deletionDate = clock.now() + PendingWindowInDays * day;
          const DeletionDate = new Date(key.deletionDate);
          return { KeyId: key.arn, DeletionDate, KeyState: key.state, PendingWindowInDays };
        },
      },
    ),

    DescribeKey: operation(v.strictObject({ KeyId }), {
      access: access('kms:DescribeKey'),
      run: (input) => ({ KeyMetadata: keyMetadata(find(input.KeyId)) }),
    }),

    GetKeyPolicy: operation(v.strictObject({ KeyId, PolicyName }), {
      access: access('kms:GetKeyPolicy'),
      run(input) {
        const key = find(input.KeyId);
        key.reads += 1;
        return { Policy: renderKeyPolicy(unbind(readPolicy(key)), key.reads), PolicyName: 'default' };
      },
    }),

    // The lockout check cannot be bypassed: nothing here may ask for that.
    PutKeyPolicy: operation(v.strictObject({ KeyId, PolicyName, Policy }), {
      access: access('kms:PutKeyPolicy'),
      run(input, caller) {
        countPut();
        const key = find(input.KeyId);
        const replaced = [...key.replaced, { policy: key.policy, at: clock.now() }];
        const changed = { ...key, policy: bind(parseKeyPolicy(input.Policy, iam)), replaced };
        requireNoLockout(changed, caller);
        keys.set(key.arn, changed);
        publish?.(putKeyPolicyEvent(input, key, caller));
        return {};
      },
    }),

    ListResourceTags: operation(v.strictObject({ KeyId }), {
      access: access('kms:ListResourceTags'),
      run(input) {
        const tags = Object.entries(find(input.KeyId).tags);
        return { Tags: tags.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), Truncated: false };
      },
    }),
  };

  return {
    service: { name: 'kms', protocol: 'json', operations },

    createKey({ policy = consolePolicy(home.accountId), ...definition }) {
      const { arn } = definition;
      if (keys.has(arn)) throw new AwsError('AlreadyExistsException', `Key '${arn}' already exists`);
      keys.set(arn, newKey(definition, JSON.stringify(policy)));
    },

    keyPolicy: (keyArn) => unbind(find(keyArn).policy),
    policyWrites: (keyArn) => find(keyArn).replaced.length,
    tags: (keyArn) => find(keyArn).tags,

    useAccess(caller, keyArn, actions, context) {
      const key = present(keyArn);
      if (key === undefined) throw new Error(`Key '${keyArn}' does not exist`);
      if (key.state !== 'Enabled') {
        throw new Error(`${keyArn} is ${key.state === 'Disabled' ? 'disabled' : 'pending deletion'}.`);
      }
      return actions.map((action) =>
        accessTo(key, action, caller, {
          // Calls that are not about grants do not have this condition key.
          ...(grantActions.includes(action) && { 'kms:GrantIsForAWSResource': 'true' }),
          ...context,
        }),
      );
    },

    delayReads(milliseconds, random = Math.random) {
      readDelay = { milliseconds, random };
    },

    limitPuts(perSecond) {
      putsPerSecond = perSecond;
      puts = [];
    },
  };
}

/** The policy that the console gives a new key when no administrators and users are chosen. */
const consolePolicy = (accountId: string): PolicyDocument => ({
  Version: '2012-10-17',
  Id: 'key-consolepolicy-3',
  Statement: [
    {
      Sid: 'Enable IAM User Permissions',
      Effect: 'Allow',
      Principal: { AWS: rootArn(accountId) },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
});

function keyMetadata(key: Key) {
  const { arn, keyId, creationDate, deletionDate, description, state, keySpec, keyUsage, keyManager } = key;
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: keyId,
    Arn: arn,
    CreationDate: creationDate,
    Enabled: state === 'Enabled',
    Description: description,
    KeyUsage: keyUsage,
    KeyState: state,
    ...(deletionDate !== undefined && { DeletionDate: new Date(deletionDate) }),
    Origin: 'AWS_KMS',
    KeyManager: keyManager,
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    ...(keySpec === 'SYMMETRIC_DEFAULT' && { EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }),
    MultiRegion: keyId.startsWith('mrk-'),
  };
}

function rootArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:root`;
}

const notFound = (message: string) => new AwsError('NotFoundException', message);

const foreignKey = (arn: string) =>
  new AwsError(
    'AccessDeniedException',
    `The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access: ${arn}`,
  );
