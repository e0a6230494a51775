import type { AccountRegion } from './core/account.ts';
import type { Clock } from './core/clock.ts';
import type { Faults } from './core/faults.ts';
import type { Service } from './core/operation.ts';
import type { CustomResource, OnAccess } from './core/resource-provider.ts';
import type { DeploymentParts } from './services/cloudformation/resource-types.ts';
import { type CloudFormation, createCloudFormation } from './services/cloudformation/service.ts';
import { type CloudWatch, createCloudWatch } from './services/cloudwatch/service.ts';
import { createDynamoDb, type DynamoDb } from './services/dynamodb/service.ts';
import type { Table } from './services/dynamodb/table-store.ts';
import { createThroughput } from './services/dynamodb/throughput.ts';
import { createEcr } from './services/ecr/service.ts';
import type { Deliverer, Event } from './services/events/bus-store.ts';
import { createEvents, type Events } from './services/events/service.ts';
import type { Accounts } from './services/iam/accounts.ts';
import { createKms, type Kms } from './services/kms/service.ts';
import type { NewLines } from './services/lambda/log-reader.ts';
import { createLogs, type Logs } from './services/logs/service.ts';
import type { BucketStore } from './services/s3/bucket-resource.ts';
import type { ObjectStore } from './services/s3/object-store.ts';
import { createSecretsManager, type SecretsManager } from './services/secretsmanager/service.ts';
import { createServiceQuotas } from './services/servicequotas/service.ts';
import { createSns, type Sns } from './services/sns/service.ts';
import { createSqs, type Sqs } from './services/sqs/service.ts';
import type { Invoker } from './services/states/execution-store.ts';
import { createStates, type States } from './services/states/service.ts';
import { createSts } from './services/sts/service.ts';

/** The services of one account in one Region. Nothing that is made in one of them is seen in another. */
export interface AccountRegionServices {
  services: readonly Service[];
  kms: Kms;
  logs: Logs;
  secretsManager: SecretsManager;
  sqs: Sqs;
  sns: Sns;
  cloudWatch: CloudWatch;
  events: Events;
  states: States;
  cloudFormation: CloudFormation;
  dynamoDb: DynamoDb;
}

interface Parts extends DeploymentParts {
  /** Of all accounts and Regions, as names of buckets are unique among them. */
  buckets: BucketStore;
  objects: ObjectStore;
  clock: Clock;
  accounts: Accounts;
  faults: Faults;
  deliver: (targetArn: string, event: Event, as: Deliverer) => unknown;
  invokeLambda: (functionArn: string, event: unknown, machine: Invoker) => Promise<unknown>;
  thaw: (functionArn: string) => Promise<void>;
  customResource: CustomResource;
  onAccess: OnAccess;
  /** What a function of the deployment has logged so far. */
  logOf: (functionName: string) => string;
  /** What functions of an account in a Region have logged since this was called last. */
  newLines: (home: AccountRegion) => readonly NewLines[];
  resourceDelayMs: number;
  schedules: boolean;
  /** Whether alarms are evaluated each minute. */
  alarms: boolean;
  /** Whether tables take only what their partitions take a second. */
  rates: boolean;
}

/** The worlds of the sandbox, each made when it is first asked for. */
export function createServices(parts: Parts): (home: AccountRegion) => AccountRegionServices {
  const worlds = new Map<string, AccountRegionServices>();
  const worldAt = ({ accountId, region }: AccountRegion): AccountRegionServices => {
    const name = `${accountId} ${region}`;
    const world = worlds.get(name) ?? createServicesOf({ accountId, region }, parts, (home) => worldAt(home).events);
    worlds.set(name, world);
    return world;
  };
  return worldAt;
}

function createServicesOf(
  home: AccountRegion,
  { buckets, ...parts }: Parts,
  elsewhere: (home: AccountRegion) => Events,
): AccountRegionServices {
  const { clock, accounts, faults, endpoint, deliver, invokeLambda, thaw, schedules } = parts;
  const { quotas } = accounts;
  const iam = accounts.iam(home.accountId);
  const cloudWatch = createCloudWatch({
    ...{ clock, home, evaluates: parts.alarms },
    newLines: () => parts.newLines(home),
    sample: (meter) => sqs.sample(meter),
    publish: (event) => events.publish(event),
    notify: (topicArn, content, by) => sns.publish(topicArn, content, by),
  });
  const { meter } = cloudWatch;
  const events = createEvents({ clock, faults, deliver, schedules, home, elsewhere, meter });
  const kms = createKms({ clock, iam: accounts, publish: events.publish, home });
  const secretsManager = createSecretsManager({ clock, kms, home });
  const sqs = createSqs({ clock, endpoint, home, meter, kms });
  const states = createStates({
    ...{ clock, publish: events.publish, invokeLambda, thaw, home, meter, kms },
    callerOf: ({ roleArn, stateMachineArn }) =>
      iam.serviceCaller(roleArn, 'states.amazonaws.com', home.region, stateMachineArn),
  });
  const logs = createLogs({ clock, home, logOf: parts.logOf });
  const tables = new Map<string, Table>();
  const dynamoDb = createDynamoDb(home, tables, clock.now, kms, parts.rates ? createThroughput(clock.now) : undefined);
  const sns = createSns({ clock, home, keyPolicy: (keyId) => kms.findPolicy(keyId) });
  const stores = { buckets, tables };
  const own = { iam, kms, events, logs, secretsManager, sqs, sns, cloudWatch, states, dynamoDb };
  const cloudFormation = createCloudFormation({
    ...{ ...parts, ...own, ...stores, home, quotas },
    publish: events.publish,
    templates: parts.objects.textAt,
  });
  const sts = createSts({ accounts, now: clock.now });
  const ecr = createEcr(home);
  const serviceQuotas = createServiceQuotas({ quotas, home });
  const services = [
    iam,
    sts,
    ecr,
    kms,
    secretsManager,
    events,
    logs,
    sqs,
    sns,
    cloudWatch,
    states,
    cloudFormation,
    serviceQuotas,
  ].map(({ service }) => service);
  return { services, kms, logs, secretsManager, sqs, sns, cloudWatch, events, states, cloudFormation, dynamoDb };
}
