import { hash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../build/temporary-folder.ts';
import { type AccountRegionServices, createServices } from './account-region-services.ts';
import { type AccountRegion, account, fixtures, operator, otherAccount } from './core/account.ts';
import { type Clock, createClock } from './core/clock.ts';
import { createFaults, type FaultRule, type Faults } from './core/faults.ts';
import { LambdaError } from './core/lambda-error.ts';
import { AwsError, type Caller } from './core/operation.ts';
import type { OnAccess } from './core/resource-provider.ts';
import { deployPackage } from './deploy-package.ts';
import { type Authorizer, createAuthorizer } from './http/authorizer.ts';
import { createInjector, type Injector } from './http/inject-fault.ts';
import { createRates } from './http/rates.ts';
import { openServer } from './http/server.ts';
import { createCustomResources } from './infinstor/custom-resources.ts';
import { createInfinStor, type InfinStor } from './infinstor/infinstor.ts';
import { createTemplates, type Templates } from './infinstor/templates.ts';
import type { InfinStorVariant } from './infinstor/variant.ts';
import type { CloudFormation } from './services/cloudformation/service.ts';
import type { CloudWatch } from './services/cloudwatch/service.ts';
import { type Cognito, createCognito } from './services/cognito-idp/service.ts';
import type { DynamoDb } from './services/dynamodb/service.ts';
import { createForwarding } from './services/events/forwarding.ts';
import type { Events } from './services/events/service.ts';
import { createHttpApi } from './services/http-api/service.ts';
import { type Accounts, createAccounts } from './services/iam/accounts.ts';
import type { Iam } from './services/iam/service.ts';
import type { Kms } from './services/kms/service.ts';
import { createAsynchronousInvocations } from './services/lambda/asynchronous.ts';
import { createFreezes, type Freezes } from './services/lambda/freezes.ts';
import { createLambdaPool } from './services/lambda/pool.ts';
import { createLambda } from './services/lambda/service.ts';
import type { BucketStore } from './services/s3/bucket-resource.ts';
import { createObjectStore, type ObjectStore } from './services/s3/object-store.ts';
import { createS3 } from './services/s3/service.ts';
import type { SecretsManager } from './services/secretsmanager/service.ts';
import type { Sns } from './services/sns/service.ts';
import type { Sqs } from './services/sqs/service.ts';
import type { States } from './services/states/service.ts';

export interface EmptySandboxOptions {
  /** The port on loopback; default: a free one. */
  port?: number;
  /** Skips the time in which nothing but timers is pending: waits and timeouts then cost nothing. */
  skipIdle?: boolean;
  /** Whether rules with a schedule run their targets; default: yes. */
  schedules?: boolean;
  /** Whether alarms are evaluated each minute of the clock; default: yes. */
  alarms?: boolean;
  /** How long CloudFormation takes for each resource of a stack. */
  resourceDelayMs?: number;
  /** What is to go wrong from the beginning. */
  faults?: readonly FaultRule[];
  /** Whether operations may be called only as often as AWS lets them be called; default: as often as anybody likes. */
  rates?: boolean;
  /** How the InfinStor service differs from the usual one. */
  infinstor?: Partial<InfinStorVariant>;
}

export interface SandboxOptions extends EmptySandboxOptions {
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Values for environment variables of the deployment's functions, in place of the template's. */
  environment?: Readonly<Record<string, string>>;
  /** Makes in the account what must be there before the deployment, such as its key. */
  prepare?: (account: EmptySandbox) => void;
  /** Changes the packaged template before it is deployed. */
  editTemplate?: (template: string) => string;
}

/** A running sandbox that has a deployment of its own. */
export interface Sandbox extends EmptySandbox {
  /** Of the deployment's HTTP API. */
  apiEndpoint: string;
  /** Of the machine that onboards subscribers. */
  stateMachineArn: string;
  /** The name of the registry's table. */
  registryTable: string;
  /** The physical id of a resource of the deployment. @throws Error when its template has no such resource */
  physicalId: (logicalId: string) => string;
}

/** A running sandbox: where it is, and what its services hold. */
export interface EmptySandbox {
  endpoint: string;
  /** Of the InfinStor service. */
  infinstorUrl: string;
  /** The params that a stage needs here, where its defaults are for no service: InfinStor's URLs, and the hash of the vendor's template. */
  stageParams: Readonly<Record<'infinstorMlflowUrl' | 'infinstorApiUrl' | 'builds', string>>;
  /** Who may create subscribers in InfinStor: what the secret of a stage's superadmin holds. */
  superadmin: Readonly<Superadmin>;
  /** A log per function, and `denials.log`. */
  logFolder: string;
  clock: Clock;
  faults: Faults;
  /** The services of another account or Region. */
  world: (home: AccountRegion) => AccountRegionServices;
  accounts: Accounts;
  iam: Iam;
  kms: Kms;
  cognito: Cognito;
  states: States;
  events: Events;
  sqs: Sqs;
  sns: Sns;
  cloudWatch: CloudWatch;
  dynamoDb: DynamoDb;
  secretsManager: SecretsManager;
  cloudFormation: CloudFormation;
  infinstor: InfinStor;
  templates: Templates;
  /** The objects of buckets. */
  objects: ObjectStore;
  denials: Authorizer['denials'];
  /** What IAM has allowed. */
  grants: Authorizer['grants'];
  /** The calls of services that were made so far. */
  calls: Injector['calls'];
  /** The freezes of functions so far. */
  freezes: Freezes['happened'];
  /** Lets the log folder stay when the sandbox is closed or the process ends. */
  keepLogs(): void;
  /** Ends what runs, and removes the sandbox's files. */
  close(): Promise<void>;
}

interface Superadmin {
  userName: string;
  password: string;
}

/**
 * Boots a sandbox from a packaged template, with the account's fixtures: the operator, the superadmin with a secret, and three keys.
 * @throws Error when there is no package, or it has something that the sandbox does not
 */
export async function bootSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { sandbox, iam, apiEndpoint } = await boot(options);
  const { secretsManager, cloudFormation, infinstorUrl, superadmin } = sandbox;
  secretsManager.createSecret(fixtures.superadmin.secretId, JSON.stringify(superadmin));
  secretsManager.createSecret(fixtures.newPasswordSecretId, JSON.stringify({ password: newPassword() }));
  options.prepare?.(sandbox);
  const deployer = iam.caller(operator.accessKeyId);
  if (deployer === undefined) throw new Error(`${operatorArn} has no credentials`);
  const resources = await deployPackage(cloudFormation, {
    packageFolder: options.packageFolder,
    editTemplate: options.editTemplate ?? ((template) => template),
    // The sandbox has InfinStor's hosts at one place.
    parameters: { InfinStorMlflowUrl: infinstorUrl, InfinStorApiUrl: infinstorUrl },
    deployer,
  }).catch(async (error: unknown) => {
    // A sandbox that does not come up must not keep the process alive.
    await sandbox.close();
    throw error;
  });
  const physicalId = (logicalId: string) => resources.get(logicalId)?.physicalId ?? missing(logicalId);
  return {
    ...sandbox,
    apiEndpoint,
    stateMachineArn: physicalId('OnboardSubscriber'),
    registryTable: physicalId('Registry'),
    physicalId,
  };
}

/** Boots a sandbox without a deployment, and without secrets: with the operator, the superadmin and three keys. */
export async function bootEmptySandbox(options: EmptySandboxOptions): Promise<EmptySandbox> {
  const { sandbox } = await boot({ ...options, packageFolder: '' });
  return sandbox;
}

async function boot({
  packageFolder,
  port = 0,
  skipIdle = false,
  schedules = true,
  alarms = true,
  resourceDelayMs = 150,
  faults: initialFaults = [],
  rates = false,
  environment = {},
  infinstor: variant = {},
}: Omit<SandboxOptions, 'editTemplate' | 'prepare'>) {
  const workFolder = makeTemporaryFolder(join(tmpdir(), 'infinstor-onboarding-sandbox-'));
  const logFolder = join(workFolder.path, 'logs');
  mkdirSync(logFolder);

  const clock = createClock({ skipIdle });
  const authorizer = createAuthorizer(join(logFolder, 'denials.log'));
  const faults = createFaults(initialFaults);
  const accounts = createAccounts(clock);
  const iam = accounts.iam(account.accountId);
  const meterOf = (arn: string) => {
    const [, , , region = '', accountId = ''] = arn.split(':');
    return worlds({ accountId, region }).cloudWatch.meter;
  };
  const lambdas = createLambdaPool({ clock, logFolder, meterOf });
  const freezes = createFreezes({ clock, faults, pool: lambdas, drop: (ports) => server.drop(ports) });
  const thawAndInvoke = async (functionArn: string, event: unknown) => {
    await freezes.thaw(functionArn);
    return lambdas.invoke(functionArn, event);
  };
  const cognito = createCognito({ clock });
  const invocations = createAsynchronousInvocations({
    clock,
    invoke: thawAndInvoke,
    send(queueArn, functionArn, record) {
      const caller = iam.serviceCaller(lambdas.roleOf(functionArn), 'lambda.amazonaws.com');
      authorizer.authorize(caller, { action: 'sqs:SendMessage', resource: queueArn });
      own.sqs.send(queueArn, record, caller);
    },
    meterOf,
    onError: (functionArn, error) => appendFileSync(join(logFolder, 'events.log'), `${functionArn}: ${error}\n`),
  });
  const templates = createTemplates();
  const buckets: BucketStore = new Map();
  const objects = createObjectStore(buckets, templates.at);
  const httpApi = createHttpApi({
    clock,
    authorize: authorizer.authorize,
    invoke: thawAndInvoke,
    meter: (home) => worlds(home).cloudWatch.meter,
  });
  const worlds = createServices({
    clock,
    accounts,
    faults,
    endpoint: () => server.endpoint,
    deliver(targetArn, event, as) {
      if (targetArn.includes(':event-bus/')) return forward(targetArn, event, as);
      void invocations.invoke(targetArn, event);
      return true;
    },
    async invokeLambda(functionArn, event, { roleArn, stateMachineArn }) {
      const machine = iam.serviceCaller(roleArn, 'states.amazonaws.com', account.region, stateMachineArn);
      authorizeInvocation(authorizer, machine, functionArn);
      const fault = faults.take('lambda', 'Invoke', functionArn.split(':').at(-1));
      if (fault?.kind === 'error' && fault.name === 'Lambda.TooManyRequestsException') {
        meterOf(functionArn)('AWS/Lambda', { FunctionName: functionArn.split(':')[6] ?? '' }, { Throttles: 1 });
      }
      if (fault?.kind === 'error') throw new LambdaError(fault.name, fault.message ?? 'A fault was asked for');
      return lambdas.invoke(functionArn, event);
    },
    thaw: freezes.thaw,
    objects,
    buckets,
    customResource: createCustomResources({ faults, infinstor: () => infinstor }),
    onAccess: resourceAccess(authorizer),
    logOf: lambdas.logOf,
    // The functions are all where the onboarding is deployed.
    newLines: (home) => (worlds(home) === own ? lambdas.newLines() : []),
    alarms,
    resourceDelayMs,
    schedules,
    rates,
    ...{ lambdas, invocations, httpApi, packageFolder, environment },
  });
  const forward = createForwarding({
    accounts,
    authorize: authorizer.authorize,
    events: (home) => worlds(home).events,
  });
  const own = worlds(account);
  const { kms, secretsManager, sqs, sns, cloudWatch, events, states, cloudFormation, dynamoDb } = own;
  const injector = createInjector({
    // Who waits for a slow answer waits on the sandbox's clock.
    delay: skipIdle
      ? async (milliseconds) => {
          clock.advance(milliseconds);
          await lambdas.catchUp();
        }
      : (milliseconds) => clock.sleep(milliseconds),
    onHold: clock.progressed,
    faults,
    rates: rates ? createRates(clock) : undefined,
    spared: ({ principalArn }) => principalArn === operatorArn,
    // The name of a function's session is the function's.
    functionOf: (caller) => caller?.arn.split('/').at(-1),
    invocationOf: lambdas.running,
    kill: lambdas.kill,
  });
  const server = await openServer(port, {
    clock,
    accounts,
    world: worlds,
    unsigned: [cognito.service],
    infinstor: () => infinstor,
    httpApi,
    lambda: createLambda({ pool: { ...lambdas, invoke: thawAndInvoke }, invocations, authorize: authorizer.authorize }),
    s3: createS3({ objects, now: clock.now, authorize: authorizer.authorize }),
    authorizer,
    injector,
    faults,
  });
  const infinstor = createInfinStor({
    clock,
    cognito,
    baseUrl: () => server.infinstorUrl,
    region: account.region,
    superadmin: fixtures.superadmin,
    variant,
  });

  for (const [accountId, accessKey] of [
    [account.accountId, operator],
    [otherAccount.accountId, otherAccount.operator],
  ] as const) {
    const policies = [{ name: 'everything', document: allowEverything }];
    accounts.iam(accountId).createUser({ userName: operatorName, policies, accessKey });
  }
  const superadmin = makeFixtures({ kms, cognito });
  if (variant.externalAuth === 'superadmin elsewhere') {
    cognito.setStatus(superadmin.userName, 'EXTERNAL_PROVIDER');
  }

  async function close(): Promise<void> {
    states.close();
    clock.stop();
    await lambdas.close();
    await server.close();
    workFolder.remove();
  }

  const sandbox: EmptySandbox = {
    endpoint: server.endpoint,
    infinstorUrl: server.infinstorUrl,
    stageParams: {
      infinstorMlflowUrl: server.infinstorUrl,
      infinstorApiUrl: server.infinstorUrl,
      builds: JSON.stringify({ [fixtures.build]: hash('sha256', templates.at(templateUrl) ?? '') }),
    },
    superadmin,
    logFolder,
    clock,
    faults,
    world: worlds,
    accounts,
    iam,
    kms,
    cognito,
    states,
    events,
    sqs,
    sns,
    cloudWatch,
    dynamoDb,
    secretsManager,
    cloudFormation,
    infinstor,
    templates,
    objects,
    denials: authorizer.denials,
    grants: authorizer.grants,
    calls: injector.calls,
    freezes: freezes.happened,
    keepLogs: () => workFolder.keep('logs'),
    close,
  };
  return { sandbox, iam, apiEndpoint: server.apiEndpoint };
}

/** Of the build that requests use by default. */
const templateUrl = `https://s3.amazonaws.com/infinstorcft/${fixtures.build}/infinstor-setup-customer.yaml`;

const operatorName = 'operator';
const operatorArn = `arn:aws:iam::${account.accountId}:user/${operatorName}`;
const allowEverything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

/** What the machine sees of a function that its role may not invoke: Step Functions gives it Lambda's error. */
function authorizeInvocation(authorizer: Authorizer, machine: Caller, functionArn: string): void {
  try {
    authorizer.authorize(machine, { action: 'lambda:InvokeFunction', resource: functionArn });
  } catch (error) {
    throw error instanceof AwsError
      ? new LambdaError('Lambda.AWSLambdaException', `${error.message} (Service: Lambda, Status Code: 403)`)
      : error;
  }
}

/** CloudFormation's calls for a resource: what IAM denies becomes the reason of the resource's failure. */
function resourceAccess(authorizer: Authorizer): OnAccess {
  return (caller, access) => {
    try {
      authorizer.authorize(caller, access);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new Error(`Resource handler returned message: "${error.message}" (HandlerErrorCode: AccessDenied)`);
    }
  };
}

function missing(what: unknown): never {
  throw new Error(`The package has no ${String(what)}`);
}

function makeFixtures({ kms, cognito }: { kms: Kms; cognito: Cognito }): Superadmin {
  const tags = { 'infinstor-onboarding': 'allowed' };
  kms.createKey({ arn: fixtures.artifactsKeyArn, tags });
  kms.createKey({ arn: fixtures.trackingKeyArn, tags });
  kms.createKey({ arn: fixtures.disabledKeyArn, tags, state: 'Disabled' });
  const { userName } = fixtures.superadmin;
  const password = newPassword();
  cognito.createUser({ userName, password, email: 'superadmin@infinstor.example' });
  return { userName, password };
}

/** New at every boot, so that no password stands in the source. */
const newPassword = () => `Aa1!${randomBytes(18).toString('base64url')}`;
