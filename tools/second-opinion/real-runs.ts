import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { connect, follow, start } from '../../cli/aws/executions.ts';
import { sandboxAt } from '../../cli/target/target.ts';
import { bootSandbox } from '../../sandbox/boot.ts';
import { fixtures } from '../../sandbox/core/account.ts';
import { parseFault } from '../../sandbox/core/faults.ts';
import { type RecordedRun, recordedRun, resultsOf } from './recorded-run.ts';
import type { Script } from './scripted-run.ts';

/** A machine as it is deployed, with an input and with results of its tasks that belong together. */
export interface Machine extends Pick<Script, 'input' | 'results'> {
  name: string;
  definition: string;
}

const subscriber = { userName: 'acme', emailId: 'mlops@acme.example' };
const keys = {
  artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
  tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
};
const user = (userName: string) => ({ userName, emailId: `${userName}@acme.example` });
const offboarding = { subscriber: { userName: 'acme' }, confirm: 'acme' };

/** A build whose role has another name. */
const buildWithRole = '9.9';
const withOtherRole = (template: string) => template.replace('MlflowService-${SubscriberName}', '$&-2');

/** What a subscriber goes through: for each machine, the name of a run, its request and what goes wrong in it. */
const life: readonly [machine: string, name: string, request: Record<string, unknown>, faults?: readonly string[]][] = [
  ['onboard-subscriber', 'refused', { subscriber: { ...subscriber, userName: 'no name' } }],
  [
    'onboard-subscriber',
    'with a token that is refused, and a lost event',
    { subscriber, encryption: keys },
    ['infinstor:add_subscriber:error=401', 'events:StackStatusChange:lose:99'],
  ],
  ['onboard-subscriber', 'again', { subscriber, encryption: keys }],
  [
    'onboard-subscriber',
    'with a stack that fails',
    { subscriber: { ...subscriber, userName: 'beta' } },
    ['infinstor:register:error=503'],
  ],
  ['onboard-subscriber', 'over a stack that was rolled back', { subscriber: { ...subscriber, userName: 'beta' } }],
  ['update-subscriber', 'changed', { subscriber: { ...subscriber, emailId: 'new@acme.example' } }],
  [
    'update-subscriber',
    'refused',
    { subscriber: { ...subscriber, emailId: 'other@acme.example' } },
    ['infinstor:update_subscriber:error=400'],
  ],
  ['upgrade-subscriber', 'nothing to do', { subscriber: { userName: 'acme' }, encryption: keys }],
  [
    'upgrade-subscriber',
    'other encryption',
    { subscriber: { userName: 'acme' }, encryption: { tracking: { type: 'aws-managed' } } },
  ],
  [
    'upgrade-subscriber',
    'another role',
    { subscriber: { userName: 'acme' }, stack: { build: buildWithRole }, allow: ['AWS::IAM::Role'] },
  ],
  ['add-user', 'two', { subscriber: { userName: 'acme' }, users: [user('one'), user('two')] }],
  ['offboard-subscriber', 'not confirmed', { ...offboarding, confirm: 'acmee' }],
  ['offboard-subscriber', 'confirmed', offboarding],
];

/**
 * Runs the deployed machines through a subscriber's life.
 * @returns the runs, and each machine with what its longest run that succeeded was about
 * @throws Error when no run of a machine has succeeded
 */
export async function realRuns(packageFolder: string): Promise<{ runs: RecordedRun[]; machines: Machine[] }> {
  const sandbox = await bootSandbox({ packageFolder, skipIdle: true, schedules: false });
  try {
    const clients = connect(sandboxAt(sandbox.endpoint));
    sandbox.templates.publish(buildWithRole, withOtherRole(sandbox.templates.standIn));
    const runs: RecordedRun[] = [];
    const machines = new Map<string, Machine & { length: number }>();
    for (const [operation, name, request, faults = []] of life) {
      for (const fault of faults) sandbox.faults.add(parseFault(fault));
      const machineArn = sandbox.stateMachineArn.replace('onboard-subscriber', operation);
      const executionArn = await start(clients, machineArn, request);
      await follow(clients, executionArn, () => {});
      await sandbox.clock.quiet();
      const execution = sandbox.states.execution(executionArn);
      const run = recordedRun(`${operation}, ${name}`, execution);
      runs.push(run);
      const { machine, status, history } = execution;
      const known = machines.get(machine.name);
      if (status === 'SUCCEEDED' && history.length > (known?.length ?? 0)) {
        machines.set(machine.name, {
          name: machine.name,
          definition: machine.definitionText,
          input: execution.input,
          results: resultsOf(run),
          length: history.length,
        });
      }
    }
    const { stateMachines = [] } = await clients.sfn.send(new ListStateMachinesCommand({}));
    const strange = stateMachines.filter(({ name = '' }) => !machines.has(name)).map(({ name }) => name);
    if (strange.length > 0) throw new Error(`No run has succeeded of ${strange.join(', ')}: see \`life\``);
    return { runs, machines: [...machines.values()] };
  } finally {
    await sandbox.close();
  }
}
