import * as v from 'valibot';
import { account, type Home } from '../account.ts';
import type { Clock } from '../clock.ts';
import { decide } from '../policy.ts';
import { type Access, AwsError, type Caller, operation, type PolicyDocument, type Service } from '../service.ts';
import type { Iam } from './iam.ts';
import { type KeyPolicy, malformed, mapAwsPrincipals, parseKeyPolicy, renderKeyPolicy } from './kms-policy.ts';

export interface KeyDefinition {
  arn: string;
  tags: Readonly<Record<string, string>>;
  /** Default: what the console writes, which leaves the key to the account's identity policies. */
  policy?: PolicyDocument;
  state?: 'Enabled' | 'Disabled' | 'PendingDeletion';
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
   * when a table is created: grants are then for an AWS resource. `context` may name that service in `kms:ViaService`.
   * @throws Error when the key cannot be used by anybody
   */
  useAccess(caller: Caller, keyArn: string, actions: readonly string[], context?: Access['context']): readonly Access[];
}

interface Key extends Required<Omit<KeyDefinition, 'policy'>> {
  keyId: string;
  creationDate: Date;
  /** Roles and users stand in it by their unique ids: a role made again under the same name is another principal. */
  policy: KeyPolicy;
  /** The ARN that each unique id in the policy had when it was written. */
  arns: ReadonlyMap<string, string>;
  reads: number;
}

const keyIdPattern = /^(mrk-)?[0-9a-f-]{32,36}$/;
interface Options {
  clock: Clock;
  iam: Principals;
  /** Default: where the onboarding is deployed. */
  home?: Home;
}

/** What KMS knows of IAM. */
export type Principals = Pick<Iam, 'principalExists' | 'principalId'>;

export function createKms({ clock, iam, home = account }: Options): Kms {
  const arnPrefix = `arn:aws:kms:${home.region}:${home.accountId}:`;
  const keys = new Map<string, Key>();

  /** Finds a key as KMS operations do that take a key id or key ARN, but no alias. */
  function find(keyId: string): Key {
    const arn = keyId.startsWith('arn:') ? keyId : `${arnPrefix}key/${keyId}`;
    const name = arn.slice(arnPrefix.length);
    const [, , , region, accountId] = arn.split(':');
    if (region !== home.region) throw notFound(`Invalid arn ${region ?? ''}`);
    // A key of another account is used by its policy alone, which is another world here.
    if (accountId !== home.accountId) throw foreignKey(arn);
    if (keyId.startsWith('alias/') || name.startsWith('alias/')) throw notFound(`Invalid keyId ${keyId}`);
    const key = keys.get(arn);
    if (key !== undefined) return key;
    const isKeyId = name.startsWith('key/') && keyIdPattern.test(name.slice('key/'.length));
    throw notFound(isKeyId ? `Key '${arn}' does not exist` : `Invalid keyId '${keyId}'`);
  }

  function bind(policy: KeyPolicy): Pick<Key, 'policy' | 'arns'> {
    const arns = new Map<string, string>();
    const bound = mapAwsPrincipals(policy, (principal) => {
      const id = iam.principalId(principal);
      if (id !== undefined) arns.set(id, principal);
      // KMS shows an account that was written as a bare id by its root ARN.
      return id ?? (/^\d{12}$/.test(principal) ? rootArn(principal) : principal);
    });
    return { policy: bound, arns };
  }

  /** The policy as it holds now: who still exists by ARN, the others by their bare ids. */
  function inForce({ policy, arns }: Pick<Key, 'policy' | 'arns'>): KeyPolicy {
    return mapAwsPrincipals(policy, (principal) => {
      const arn = arns.get(principal);
      return arn !== undefined && iam.principalId(arn) === principal ? arn : principal;
    });
  }

  function accessTo(key: Key, action: string, caller: Caller, context: Access['context'] = {}): Access {
    const tags = Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]);
    return {
      action,
      resource: key.arn,
      context: { ...Object.fromEntries(tags), 'kms:CallerAccount': caller.accountId, ...context },
      resourceAccountId: home.accountId,
      resourcePolicy: inForce(key),
      identityPolicySuffices: false,
    };
  }

  const access =
    (action: string) =>
    ({ KeyId }: { KeyId: string }, caller: Caller) => [accessTo(find(KeyId), action, caller)];

  const KeyId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048));
  // KMS knows no other name.
  const PolicyName = v.optional(v.literal('default'));
  const Policy = v.pipe(v.string(), v.regex(/^[\t\n\r\u0020-\u00FF]+$/));

  const operations = {
    DescribeKey: operation(v.strictObject({ KeyId }), {
      access: access('kms:DescribeKey'),
      run: (input) => ({ KeyMetadata: keyMetadata(find(input.KeyId)) }),
    }),

    GetKeyPolicy: operation(v.strictObject({ KeyId, PolicyName }), {
      access: access('kms:GetKeyPolicy'),
      run(input) {
        const key = find(input.KeyId);
        key.reads += 1;
        return { Policy: renderKeyPolicy(inForce(key), key.reads), PolicyName: 'default' };
      },
    }),

    // The lockout check cannot be bypassed: nothing here may ask for that.
    PutKeyPolicy: operation(v.strictObject({ KeyId, PolicyName, Policy }), {
      access: access('kms:PutKeyPolicy'),
      run(input, caller) {
        const key = find(input.KeyId);
        const changed = { ...key, ...bind(parseKeyPolicy(input.Policy, iam)) };
        if (!decide(caller, accessTo(changed, 'kms:PutKeyPolicy', caller)).allowed) {
          throw malformed('The new key policy will not allow you to update the key policy in the future.');
        }
        keys.set(key.arn, changed);
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

    createKey({
      arn,
      tags,
      policy,
      state = 'Enabled',
      keySpec = 'SYMMETRIC_DEFAULT',
      keyUsage = 'ENCRYPT_DECRYPT',
      keyManager = 'CUSTOMER',
    }) {
      if (keys.has(arn)) throw new AwsError('AlreadyExistsException', `Key '${arn}' already exists`);
      const keyId = arn.slice(`${arnPrefix}key/`.length);
      const creationDate = new Date(clock.now());
      const stored = bind(parseKeyPolicy(JSON.stringify(policy ?? consolePolicy(home.accountId)), iam));
      keys.set(arn, { arn, keyId, tags, state, keySpec, keyUsage, keyManager, creationDate, reads: 0, ...stored });
    },

    keyPolicy: (keyArn) => inForce(find(keyArn)),
    tags: (keyArn) => find(keyArn).tags,

    useAccess(caller, keyArn, actions, context) {
      const key = keys.get(keyArn);
      if (key === undefined) throw new Error(`Key '${keyArn}' does not exist`);
      if (key.state !== 'Enabled') {
        throw new Error(`${keyArn} is ${key.state === 'Disabled' ? 'disabled' : 'pending deletion'}.`);
      }
      const forResource = { 'kms:GrantIsForAWSResource': 'true', ...context };
      return actions.map((action) => accessTo(key, action, caller, forResource));
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

function keyMetadata({ arn, keyId, creationDate, state, keySpec, keyUsage, keyManager }: Key) {
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: keyId,
    Arn: arn,
    CreationDate: creationDate,
    Enabled: state === 'Enabled',
    Description: '',
    KeyUsage: keyUsage,
    KeyState: state,
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
