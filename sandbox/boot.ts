import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { account, fixtures, operator } from './account.ts';
import { type Clock, createClock } from './clock.ts';
import { roleProvider } from './cloudformation/resource-types.ts';
import { deployPackage } from './deploy-package.ts';
import { createFaults, type Fault, type FaultRule, type Faults, faultEvents } from './faults.ts';
import { type AccessLog, createAccessLog } from './http/access-log.ts';
import { createInjector } from './http/inject-fault.ts';
import { openServer } from './http/server.ts';
import { createInfinStor, type InfinStor } from './infinstor/infinstor.ts';
import { createLambdaPool } from './lambda/pool.ts';
import { type CloudFormation, createCloudFormation } from './services/cloudformation.ts';
import { createCognito } from './services/cognito.ts';
import { createDynamoDb, type DynamoDb } from './services/dynamodb.ts';
import { createEvents, type Events } from './services/events.ts';
import { createIam } from './services/iam.ts';
import { createKms, type Kms } from './services/kms.ts';
import { createSecretsManager, type SecretsManager } from './services/secrets-manager.ts';
import { createSts } from './services/sts.ts';
import { createStates, type States } from './states/states.ts';

export interface SandboxOptions {
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** The port on loopback; default: a free one. */
  port?: number;
  /** Skips the time in which nothing but timers is pending: waits and timeouts then cost nothing. */
  skipIdle?: boolean;
  /** How long CloudFormation takes for each resource of a stack. */
  resourceDelayMs?: number;
  /** What is to go wrong from the beginning. */
  faults?: readonly FaultRule[];
}

/** A running sandbox: where it is, and what its services hold. */
export interface Sandbox {
  endpoint: string;
  stateMachineArn: string;
  /** The name of the registry's table. */
  registryTable: string;
  /** A log per function, and `denials.log`. */
  logFolder: string;
  clock: Clock;
  faults: Faults;
  kms: Kms;
  states: States;
  events: Events;
  dynamoDb: DynamoDb;
  secretsManager: SecretsManager;
  cloudFormation: CloudFormation;
  infinstor: InfinStor;
  denials: AccessLog['denials'];
  close(): Promise<void>;
}

/**
 * Boots a sandbox from a packaged template, with the account's fixtures: the operator, the superadmin
 * and three keys.
 * @throws Error when there is no package, or it has something that the sandbox does not
 */
export async function bootSandbox({
  packageFolder,
  port = 0,
  skipIdle = false,
  resourceDelayMs = 150,
  faults: initialFaults = [],
}: SandboxOptions): Promise<Sandbox> {
  const workFolder = await mkdtemp(join(tmpdir(), 'infinstor-onboarding-sandbox-'));
  const logFolder = join(workFolder, 'logs');
  await mkdir(logFolder);

  const clock = createClock({ skipIdle });
  const accessLog = createAccessLog(join(logFolder, 'denials.log'));
  const faults = createFaults(initialFaults);
  const iam = createIam(clock);
  const kms = createKms({ clock, iam });
  const lambdas = createLambdaPool({ clock, logFolder });
  const secretsManager = createSecretsManager({ clock });
  const cognito = createCognito({ clock });
  const dynamoDb = createDynamoDb();
  const logEventError = (name: string, error: unknown) =>
    appendFileSync(join(logFolder, 'events.log'), `${name}: ${error}\n`);
  const events = createEvents({
    clock,
    invoke: (targetArn, event) =>
      deliver(eventFault(faults, event['detail-type']), {
        clock,
        onError: (error) => logEventError(event['detail-type'], error),
        invoke: () => lambdas.invoke(targetArn, event),
      }),
    onError: logEventError,
  });
  const states = createStates({
    clock,
    publish: events.publish,
    invokeLambda: (functionArn, event, roleArn) => {
      const machine = iam.serviceCaller(roleArn, 'states.amazonaws.com');
      accessLog.check(machine, { action: 'lambda:InvokeFunction', resource: functionArn });
      return lambdas.invoke(functionArn, event);
    },
  });
  const cloudFormation = createCloudFormation({
    clock,
    iam,
    kms,
    templates: publishedTemplates(),
    customResource: async (_type, properties) => {
      const { CustomToken, ...registration } = v.parse(registrationSchema, properties);
      infinstor.redeem(CustomToken, {
        roleArn: registration.RoleArn,
        bucketName: registration.BucketName,
        tableName: registration.TableName,
      });
      return { physicalId: registration.RoleArn, attributes: {} };
    },
    publish: events.publish,
    onAccess: accessLog.check,
    resourceDelayMs,
  });
  const server = await openServer(port, {
    clock,
    iam,
    services: [
      iam.service,
      createSts().service,
      kms.service,
      secretsManager.service,
      cognito.service,
      events.service,
      states.service,
      cloudFormation.service,
    ],
    dynamoDb,
    infinstor: () => infinstor,
    accessLog,
    injector: createInjector({
      clock,
      faults,
      spared: ({ principalArn }) => principalArn === operatorArn,
      // The name of a function's session is the function's.
      killFunction: (caller) => lambdas.kill(caller?.arn.split('/').at(-1)),
    }),
  });
  const infinstor = createInfinStor({
    clock,
    cognito,
    baseUrl: () => server.infinstorUrl,
    region: account.region,
    superadmin: fixtures.superadmin,
  });

  async function deploy() {
    const operatorUser = iam.createUser({
      userName: operatorName,
      policies: [{ name: 'everything', document: allowEverything }],
      accessKey: operator,
    });
    const deployer = iam.caller(operator.accessKeyId);
    if (deployer === undefined) throw new Error(`${operatorUser.arn} has no credentials`);
    makeFixtures({ kms, cognito, secretsManager });
    return deployPackage({
      packageFolder,
      workFolder: join(workFolder, 'functions'),
      endpoint: server.endpoint,
      parameters: { InfinStorMlflowUrl: server.infinstorUrl },
      deployer,
      roleProvider: roleProvider({ iam, onAccess: accessLog.check }),
      lambdas,
      iam,
      states,
      events,
      secretsManager,
      dynamoDb,
    });
  }

  async function close(): Promise<void> {
    states.close();
    clock.stop();
    await lambdas.close();
    await server.close();
    await rm(join(workFolder, 'functions'), { recursive: true, force: true });
  }

  // A sandbox that does not come up must not keep the process alive.
  const resources = await deploy().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const physicalId = (logicalId: string) => resources.get(logicalId)?.physicalId ?? missing(logicalId);

  return {
    endpoint: server.endpoint,
    stateMachineArn: physicalId('OnboardSubscriber'),
    registryTable: physicalId('Registry'),
    logFolder,
    clock,
    faults,
    kms,
    states,
    events,
    dynamoDb,
    secretsManager,
    cloudFormation,
    infinstor,
    denials: accessLog.denials,
    close,
  };
}

const operatorName = 'operator';
const operatorArn = `arn:aws:iam::${account.accountId}:user/${operatorName}`;
const allowEverything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

const registrationSchema = v.looseObject({
  CustomToken: v.string(),
  RoleArn: v.string(),
  BucketName: v.string(),
  TableName: v.string(),
});

function missing(what: unknown): never {
  throw new Error(`The package has no ${String(what)}`);
}

/** How late a late event is: later than any of a stack's other events. */
const lateMs = 120_000;

function eventFault(faults: Faults, detailType: string): Fault | undefined {
  const name = Object.keys(faultEvents).find((candidate) => faultEvents[candidate] === detailType);
  return name === undefined ? undefined : faults.take('events', name);
}

/** Delivers an event, or what a fault makes of its delivery. */
async function deliver(
  fault: Fault | undefined,
  { clock, onError, invoke }: { clock: Clock; onError: (error: unknown) => void; invoke: () => Promise<unknown> },
): Promise<void> {
  if (fault?.kind === 'lose') return;
  if (fault?.kind === 'late') {
    clock.after(lateMs, () => void invoke().catch(onError));
    return;
  }
  await invoke();
  if (fault?.kind === 'repeat') await invoke();
}

/** The vendor's bucket: our stand-in for its template, under the build that the fixtures name. */
function publishedTemplates(): (url: string) => string | undefined {
  const body = readFileSync(join(import.meta.dirname, 'infinstor', 'infinstor-setup-customer.yaml'), 'utf8');
  const published = `https://s3.amazonaws.com/infinstorcft/${fixtures.build}/infinstor-setup-customer.yaml`;
  return (url) => (url === published ? body : undefined);
}

function makeFixtures({
  kms,
  cognito,
  secretsManager,
}: {
  kms: Kms;
  cognito: ReturnType<typeof createCognito>;
  secretsManager: SecretsManager;
}): void {
  const tags = { 'infinstor-onboarding': 'allowed' };
  kms.createKey({ arn: fixtures.artifactsKeyArn, tags });
  kms.createKey({ arn: fixtures.trackingKeyArn, tags });
  kms.createKey({ arn: fixtures.disabledKeyArn, tags, enabled: false });
  const { userName, secretId } = fixtures.superadmin;
  // New at every boot, so that no password stands in the source.
  const password = `Aa1!${randomBytes(18).toString('base64url')}`;
  cognito.createUser({ userName, password, email: 'superadmin@infinstor.example' });
  secretsManager.createSecret(secretId, JSON.stringify({ userName, password }));
}
