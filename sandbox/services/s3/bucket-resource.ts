import * as v from 'valibot';
import { handlerPermissions, permissionsOf } from '../../core/handler-permissions.ts';
import type { PolicyDocument } from '../../core/operation.ts';
import {
  flag,
  generatedName,
  type OnAccess,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';

/** A bucket of a stack; its objects are elsewhere (object-store.ts). */
export interface Bucket {
  name: string;
  stackId: string;
  /** Without `keyArn`, `aws:kms` means the AWS managed key. */
  encryption: { algorithm: 'AES256' | 'aws:kms'; keyArn?: string; bucketKey: boolean };
  cors: readonly { allowedMethods: readonly string[]; allowedOrigins: readonly string[]; maxAge?: number }[];
  policy?: PolicyDocument;
}

export type BucketStore = Map<string, Bucket>;

interface Parts {
  buckets: BucketStore;
  /** Whether a bucket has no objects. */
  isEmpty: (bucket: string) => boolean;
  onAccess: OnAccess;
}

const encryptionRule = v.strictObject({
  ServerSideEncryptionByDefault: v.strictObject({
    SSEAlgorithm: v.picklist(['AES256', 'aws:kms']),
    KMSMasterKeyID: v.optional(v.pipe(v.string(), v.minLength(1))),
  }),
  BucketKeyEnabled: v.optional(flag, false),
});

const corsRule = v.strictObject({
  AllowedMethods: v.array(v.picklist(['GET', 'PUT', 'HEAD', 'POST', 'DELETE'])),
  AllowedOrigins: v.array(v.string()),
  AllowedHeaders: v.optional(v.array(v.string())),
  MaxAge: v.optional(v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.integer())),
});

const bucketProperties = v.strictObject({
  BucketName: v.optional(v.string()),
  BucketEncryption: v.optional(
    v.strictObject({ ServerSideEncryptionConfiguration: v.strictTuple([encryptionRule]) }),
    // What S3 does with every new bucket since January 2023.
    { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
  ),
  CorsConfiguration: v.optional(v.strictObject({ CorsRules: v.array(corsRule) }), { CorsRules: [] }),
  // Nothing is deleted by its age.
  LifecycleConfiguration: v.optional(
    v.strictObject({
      Rules: v.array(
        v.strictObject({
          Id: v.optional(v.string()),
          Status: v.picklist(['Enabled', 'Disabled']),
          ExpirationInDays: v.pipe(v.number(), v.integer(), v.minValue(1)),
        }),
      ),
    }),
  ),
  // Nothing here is public.
  PublicAccessBlockConfiguration: v.optional(
    v.strictObject({
      BlockPublicAcls: v.optional(flag),
      BlockPublicPolicy: v.optional(flag),
      IgnorePublicAcls: v.optional(flag),
      RestrictPublicBuckets: v.optional(flag),
    }),
  ),
});

/** `AWS::S3::Bucket`. Fails as S3 does on a name that is taken or not allowed, and on a key that the algorithm does not use. */
export function bucketProvider({ buckets, isEmpty, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { properties } = context;
    const parsed = parseProperties(bucketProperties, context);
    const name = parsed.BucketName ?? generatedName(context).toLowerCase();
    const [{ ServerSideEncryptionByDefault: byDefault, BucketKeyEnabled }] =
      parsed.BucketEncryption.ServerSideEncryptionConfiguration;
    const { SSEAlgorithm: algorithm, KMSMasterKeyID: keyArn } = byDefault;

    if (/[A-Z]/.test(name)) throw new Error('Bucket name should not contain uppercase characters');
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) throw new Error('The specified bucket is not valid.');
    const isNew = context.previous === undefined;
    if (isNew && buckets.has(name)) throw new Error(`${name} already exists`);
    if (keyArn !== undefined && algorithm !== 'aws:kms') {
      throw new Error('a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms');
    }

    const handlers = handlerPermissions['AWS::S3::Bucket'];
    const ask = (actions: readonly string[], by = context.caller) => {
      for (const action of actions) onAccess(by, { action, resource: `arn:aws:s3:::${name}` });
    };
    const isTagged = context.tags.length > 0;
    ask(
      context.previous === undefined
        ? permissionsOf(handlers.create, [...Object.keys(properties), ...(isTagged ? ['Tags'] : [])])
        : permissionsOf(handlers.update, Object.keys({ ...context.previous.properties, ...properties })),
    );
    const { policy } = buckets.get(name) ?? {};
    buckets.set(name, {
      name,
      stackId: context.stackId,
      ...(policy !== undefined && { policy }),
      encryption: { algorithm, bucketKey: BucketKeyEnabled, ...(keyArn !== undefined && { keyArn }) },
      cors: parsed.CorsConfiguration.CorsRules.map(({ AllowedMethods, AllowedOrigins, MaxAge }) => ({
        allowedMethods: AllowedMethods,
        allowedOrigins: AllowedOrigins,
        ...(MaxAge !== undefined && { maxAge: MaxAge }),
      })),
    });
    return {
      physicalId: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${context.caller.region}.amazonaws.com`,
      },
      delete(by) {
        ask(permissionsOf(handlers.delete), by);
        // serverless/serverless#4893, without the ids of the request.
        if (!isEmpty(name)) {
          throw new Error(
            'The bucket you tried to delete is not empty (Service: Amazon S3; Status Code: 409; Error Code: BucketNotEmpty)',
          );
        }
        buckets.delete(name);
      },
    };
  };
}

const bucketPolicyProperties = v.strictObject({ Bucket: v.string(), PolicyDocument: policyDocument });

/** `AWS::S3::BucketPolicy`. Fails when there is no such bucket. */
export function bucketPolicyProvider({ buckets, onAccess }: Omit<Parts, 'isEmpty'>): ResourceProvider {
  return async (context) => {
    const { Bucket: name, PolicyDocument } = parseProperties(bucketPolicyProperties, context);
    const bucket = buckets.get(name);
    if (bucket === undefined) throw new Error('The specified bucket does not exist');
    const handlers = handlerPermissions['AWS::S3::BucketPolicy'];
    const ask = (actions: readonly string[], by = context.caller) => {
      for (const action of actions) onAccess(by, { action, resource: `arn:aws:s3:::${name}` });
    };
    ask(permissionsOf(handlers.create));
    bucket.policy = PolicyDocument;
    return {
      physicalId: name,
      attributes: {},
      delete(by) {
        ask(permissionsOf(handlers.delete), by);
        delete bucket.policy;
      },
    };
  };
}
