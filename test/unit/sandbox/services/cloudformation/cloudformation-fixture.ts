import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { fixtures } from '../../../../../sandbox/core/account.ts';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createFaults, parseFault } from '../../../../../sandbox/core/faults.ts';
import type { Access, Caller } from '../../../../../sandbox/core/operation.ts';
import { createCloudFormation } from '../../../../../sandbox/services/cloudformation/service.ts';
import type { StackStatusChange } from '../../../../../sandbox/services/cloudformation/stack.ts';
import { createCloudWatch } from '../../../../../sandbox/services/cloudwatch/service.ts';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import type { Table } from '../../../../../sandbox/services/dynamodb/table-store.ts';
import { createEvents } from '../../../../../sandbox/services/events/service.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';
import { createKms } from '../../../../../sandbox/services/kms/service.ts';
import type { BucketStore } from '../../../../../sandbox/services/s3/bucket-resource.ts';
import { createObjectStore } from '../../../../../sandbox/services/s3/object-store.ts';
import { createSecretsManager } from '../../../../../sandbox/services/secretsmanager/service.ts';
import { createSns } from '../../../../../sandbox/services/sns/service.ts';
import { createSqs } from '../../../../../sandbox/services/sqs/service.ts';
import { createStates } from '../../../../../sandbox/services/states/service.ts';

const customerTemplate = readFileSync(
  new URL('../../../../../sandbox/infinstor/infinstor-setup-customer.yaml', import.meta.url),
  'utf8',
);

export const templateUrl = (name: string) => `https://s3.amazonaws.com/infinstorcft/${name}.yaml`;

const allow = (Action: string) => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action, Resource: '*' },
});

interface Options {
  /** Templates by name, beside `customer`. */
  templates?: Record<string, string>;
  onAccess?: (caller: Caller, access: Access) => void;
  /** Called by custom resources. */
  customResource?: () => void;
  /** Called when custom resources are deleted. */
  removeCustomResource?: () => void;
  /** What the service role may do with KMS. */
  keyActions?: string;
  /** Of the fixture keys. */
  keyTags?: Readonly<Record<string, string>>;
  /** The folder of the deployment's package. */
  packageFolder?: string;
  /** As texts. */
  faults?: readonly string[];
}

/** CloudFormation in an account with a service role and the fixture keys; time in which nothing happens is skipped. */
export function setUp({
  templates = {},
  onAccess,
  customResource,
  removeCustomResource,
  keyActions = 'kms:*',
  keyTags = {},
  packageFolder = '',
  faults = [],
}: Options = {}) {
  const clock = createClock({ skipIdle: true });
  const iam = createIam(clock);
  const kms = createKms({ clock, iam });
  for (const arn of [fixtures.artifactsKeyArn, fixtures.trackingKeyArn]) kms.createKey({ arn, tags: keyTags });
  const bodies = new Map(
    Object.entries({ customer: customerTemplate, ...templates }).map(([name, body]) => [templateUrl(name), body]),
  );
  const published: StackStatusChange[] = [];
  const accesses: { caller: Caller; access: Access }[] = [];
  const tables = new Map<string, Table>();
  const dynamoDb = createDynamoDb(undefined, tables);
  const deliver = vi.fn();
  const events = createEvents({ clock, faults: createFaults([]), deliver });
  const endpoint = () => 'http://sandbox.example:4566';
  const lambdas = { add: vi.fn(), remove: vi.fn() };
  const sqs = createSqs({ clock, endpoint });
  const states = createStates({ clock, invokeLambda: vi.fn(), publish: events.publish });
  const logs = { createLogGroup: vi.fn(), deleteLogGroup: vi.fn(), queryDefinitions: new Map() };
  const sns = createSns({ clock });
  const cloudWatch = createCloudWatch({ clock });
  const invocations = { configure: vi.fn(), forget: vi.fn() };
  const httpApi = {
    createApi: () => 'api',
    setIntegration: vi.fn(),
    setRoute: vi.fn(),
    ...{ deleteApi: vi.fn(), deleteIntegration: vi.fn(), deleteRoute: vi.fn() },
  };
  const buckets: BucketStore = new Map();
  const objects = createObjectStore(buckets, () => undefined);
  const calls: { type: string; properties: Readonly<Record<string, unknown>> }[] = [];

  const cloudFormation = createCloudFormation({
    clock,
    iam,
    kms,
    templates: (url) => bodies.get(url),
    async customResource(type, properties) {
      calls.push({ type, properties });
      customResource?.();
      return {
        physicalId: 'registration',
        attributes: {},
        ...(removeCustomResource !== undefined && { delete: removeCustomResource }),
      };
    },
    publish: (event) => published.push(event),
    events,
    logs,
    secretsManager: createSecretsManager({ clock }),
    ...{ sqs, sns, cloudWatch, states },
    ...{ dynamoDb, tables },
    ...{ buckets, objects },
    ...{ lambdas, invocations, httpApi, endpoint, packageFolder },
    environment: { REGISTRY_MODE: 'strict', UNUSED: 'x' },
    onAccess(caller, access) {
      accesses.push({ caller, access });
      onAccess?.(caller, access);
    },
    resourceDelayMs: 2000,
    faults: createFaults(faults.map(parseFault)),
  });

  const serviceRole = iam.createRole({
    roleName: 'stack-service-role',
    assumeRolePolicyDocument: trusting('cloudformation.amazonaws.com'),
    policies: [{ name: 'keys', document: allow(keyActions) }],
  });
  iam.createRole({ roleName: 'lambda-role', assumeRolePolicyDocument: trusting('lambda.amazonaws.com') });
  const caller = iam.serviceCaller(serviceRole.arn, 'cloudformation.amazonaws.com');

  function operationNamed(name: string) {
    const operation = cloudFormation.service.operations[name];
    if (operation === undefined) throw new Error(`No operation ${name}`);
    return operation;
  }

  /** As the server does it: parse, then run. */
  async function call(name: string, input: object) {
    const operation = operationNamed(name);
    return operation.run(operation.parse(input), caller);
  }

  return {
    clock,
    iam,
    ...{ events, logs, sqs, sns, cloudWatch, states, deliver, lambdas, invocations, httpApi, dynamoDb, objects },
    cloudFormation,
    caller,
    published,
    accesses,
    calls,
    serviceRole,
    call,
    access(name: string, input: object) {
      const operation = operationNamed(name);
      return operation.access(operation.parse(input), caller);
    },
    /** Waits until the operation on the stack is over. */
    async settled(nameOrId: string) {
      const stack = cloudFormation.stack(nameOrId);
      if (stack === undefined) throw new Error(`No stack ${nameOrId}`);
      await stack.work;
      return stack;
    },
  };
}

const trusting = (service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
});

/** The parameters for a table under the fixture key. */
export const trackingWithKey = {
  DynamoDbEncryptionOption: 'customer-managed-key',
  DynamoDbKmsKeyArn: fixtures.trackingKeyArn,
} as const;

/** What CreateStack needs for a subscriber's stack, in the strings of the Query protocol. */
export function createInput(parameters: Record<string, string> = {}, rest: Record<string, unknown> = {}) {
  const all = { SubscriberName: 'Acme', CustomToken: 'Custom secret', ...parameters };
  return {
    StackName: 'tenant-acme',
    TemplateURL: templateUrl('customer'),
    Capabilities: ['CAPABILITY_NAMED_IAM'],
    RoleARN: 'arn:aws:iam::111111111111:role/stack-service-role',
    Parameters: Object.entries(all).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
    ...rest,
  };
}
