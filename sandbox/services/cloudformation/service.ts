import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Faults } from '../../core/faults.ts';
import type { Service } from '../../core/operation.ts';
import { createQuotas, type Quotas } from '../../core/quotas.ts';
import type { Table } from '../dynamodb/table-store.ts';
import type { Bucket } from '../s3/bucket-resource.ts';
import { createChangeSets } from './change-sets/change-sets.ts';
import { createStackCreation, type Deployment } from './create-stack.ts';
import type { Exports } from './exports.ts';
import { nestedStackProvider } from './nested-stack.ts';
import { stackOperations } from './operations.ts';
import { createProvisioner } from './provisioning/provision.ts';
import { type ProviderParts, resourceTypes } from './resource-types.ts';
import { createTransitions, type Stack, type StackStatus, type StackStatusChange } from './stack.ts';
import { createStackStore } from './stack-store.ts';
import { describeStack } from './stack-views.ts';
import { createTemplateSource } from './template-source.ts';

export interface CloudFormation {
  service: Service;
  /**
   * Creates the sandbox's own deployment as a stack that callers cannot delete, in no time of the clock. One that fails is deleted.
   * @returns the stack in CREATE_COMPLETE
   * @throws AwsError as CreateStack does for the template and its parameters
   * @throws Error naming the first resource that failed, and why
   */
  deploy(deployment: Deployment): Promise<Readonly<Stack>>;
  /** Deletes the sandbox's own deployment, as `osls remove` does; resources that are to be retained stay. */
  remove(stackName: string): Promise<void>;
  /** The stack of this id, or the one of this name that is not deleted; it changes as work goes on. */
  stack(nameOrId: string): Readonly<Stack> | undefined;
  /**
   * Every stack that was made, the deleted ones too, as DescribeStacks and DescribeStackEvents answer them, without the
   * ResourceProperties of events: there CloudFormation itself has the custom token, whatever a deployment does.
   */
  descriptions(): readonly object[];
  /** Puts a stack into a status that no operation of the sandbox leads to. */
  setStatus(nameOrId: string, status: StackStatus): void;
  /** The buckets that stacks have made. */
  buckets(): readonly Bucket[];
  /** The tables that stacks have made. */
  tables(): readonly Table[];
  /** Deletes a bucket or a table by its name, as a person would one that a stack has left. */
  deleteByHand(name: string): Promise<void>;
}

interface CloudFormationOptions extends Omit<ProviderParts, 'nestedStack'> {
  clock: Clock;
  /** The template that lies at a URL. */
  templates: (url: string) => string | undefined;
  /** Puts an event on the event bus. */
  publish: (event: StackStatusChange) => unknown;
  /** How long each resource takes. */
  resourceDelayMs: number;
  /** `cloudformation:Hook:error=<Name>` is a hook that refuses a resource. */
  faults: Pick<Faults, 'take'>;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
  /** Default: AWS's own. */
  quotas?: Pick<Quotas, 'limit'>;
}

/**
 * CloudFormation as far as the deployment and the stacks of subscribers need it, from CreateStack to DeleteStack.
 * Error codes and messages are AWS's: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
 */
export function createCloudFormation({
  home = account,
  quotas = createQuotas(),
  ...options
}: CloudFormationOptions): CloudFormation {
  const { clock, iam, resourceDelayMs, buckets, tables, dynamoDb } = options;
  const store = createStackStore();
  const exports: Exports = new Map();
  const source = createTemplateSource(options.templates, buckets);
  const transitions = createTransitions(clock, options.publish);
  const nestedStack = nestedStackProvider({
    stack: store.require,
    create: (parent, child) => creation.createNested(parent, child),
    update: (child, parent, given) => creation.updateNested(child, parent, given),
    delete(child, { roleArn }) {
      // The role that its parent is deleted with.
      if (roleArn !== undefined) child.roleArn = roleArn;
      provisioner.delete(child, []);
    },
    accessTo: source.accessTo,
    onAccess: options.onAccess,
  });
  const types = resourceTypes({ ...options, nestedStack });
  const provisioning = { clock, iam, providers: types.every, transitions, store, exports, resourceDelayMs };
  const provisioner = createProvisioner({ ...provisioning, faults: options.faults });
  const changeSets = createChangeSets({
    ...{ clock, home, store, provisioner },
    creation: () => creation,
    delayMs: resourceDelayMs,
  });
  const { outdate } = changeSets;
  const creation = createStackCreation({
    clock,
    iam,
    home,
    quotas,
    store,
    exports,
    source,
    types,
    provisioner,
    outdate,
  });

  return {
    service: {
      name: 'cloudformation',
      protocol: 'query',
      operations: stackOperations({ iam, home, quotas, store, source, creation, provisioner, types, changeSets }),
    },
    deploy: creation.deploy,
    async remove(stackName) {
      const stack = store.require(stackName);
      provisioner.delete(stack, []);
      await stack.work;
    },
    stack: store.find,
    descriptions: () =>
      store.all().map((stack) => ({
        ...describeStack(stack),
        events: stack.events.map(({ ResourceProperties: _, ...event }) => event),
      })),
    setStatus: (nameOrId, status) => transitions.stack(store.require(nameOrId), status),
    buckets: () => [...buckets.values()],
    tables: () => [...tables.values()],
    async deleteByHand(name) {
      if (tables.has(name)) await dynamoDb.deleteTable(name);
      else if (!buckets.delete(name)) throw new Error(`There is no bucket and no table ${name}`);
    },
  };
}
