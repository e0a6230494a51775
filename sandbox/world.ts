import type { Home } from './account.ts';
import type { Clock } from './clock.ts';
import type { OnAccess } from './cloudformation/resource-provider.ts';
import type { CustomResource } from './cloudformation/resource-types.ts';
import type { BucketStore } from './cloudformation/s3-bucket.ts';
import type { Faults } from './faults.ts';
import type { Service } from './service.ts';
import type { Accounts } from './services/accounts.ts';
import { type CloudFormation, createCloudFormation } from './services/cloudformation.ts';
import { createDynamoDb, type DynamoDb } from './services/dynamodb.ts';
import { createEvents, type Event, type Events } from './services/events.ts';
import { createKms, type Kms } from './services/kms.ts';
import { createSecretsManager, type SecretsManager } from './services/secrets-manager.ts';
import { createSqs, type Sqs } from './services/sqs.ts';
import { createSts } from './services/sts.ts';
import { createStates, type States } from './states/states.ts';

/** The services of one account in one Region. Nothing that is made in one of them is seen in another. */
export interface World {
  services: readonly Service[];
  kms: Kms;
  secretsManager: SecretsManager;
  sqs: Sqs;
  events: Events;
  states: States;
  cloudFormation: CloudFormation;
  dynamoDb: DynamoDb;
}

interface Parts {
  clock: Clock;
  accounts: Accounts;
  faults: Faults;
  endpoint: () => string;
  deliver: (targetArn: string, event: Event, roleArn?: string) => void;
  invokeLambda: (functionArn: string, event: unknown, roleArn: string) => Promise<unknown>;
  templates: (url: string) => string | undefined;
  customResource: CustomResource;
  onAccess: OnAccess;
  resourceDelayMs: number;
  schedules: boolean;
}

/** The worlds of the sandbox, each made when it is first asked for. */
export function createWorlds(parts: Parts): (home: Home) => World {
  const worlds = new Map<string, World>();
  // Bucket names are unique among all accounts and Regions.
  const buckets: BucketStore = new Map();
  return ({ accountId, region }) => {
    const name = `${accountId} ${region}`;
    const world = worlds.get(name) ?? createWorld({ accountId, region }, { ...parts, buckets });
    worlds.set(name, world);
    return world;
  };
}

function createWorld(home: Home, { buckets, ...parts }: Parts & { buckets: BucketStore }): World {
  const { clock, accounts, faults, endpoint, deliver, invokeLambda, schedules } = parts;
  const iam = accounts.iam(home.accountId);
  const events = createEvents({ clock, faults, deliver, schedules, home });
  const kms = createKms({ clock, iam: accounts, publish: events.publish, home });
  const secretsManager = createSecretsManager({ clock, home });
  const sqs = createSqs({ clock, endpoint, home });
  const states = createStates({ clock, publish: events.publish, invokeLambda, home });
  const cloudFormation = createCloudFormation({ ...parts, iam, kms, events, publish: events.publish, buckets, home });
  const dynamoDb = createDynamoDb(home, (name) => {
    const isThere = cloudFormation.tables().some((table) => table.name === name);
    if (isThere) cloudFormation.deleteByHand(name);
    return isThere;
  });
  const sts = createSts({ accounts, now: clock.now });
  const services = [iam, sts, kms, secretsManager, events, sqs, states, cloudFormation].map(({ service }) => service);
  return { services, kms, secretsManager, sqs, events, states, cloudFormation, dynamoDb };
}
