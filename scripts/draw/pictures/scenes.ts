import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, start } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account, fixtures, operator } from '../../../sandbox/core/account.ts';
import { parseFault } from '../../../sandbox/core/faults.ts';
import { buildCli } from '../../build-cli.ts';
import { type Ended, runInTerminal } from './pseudo-terminal.ts';

/** A command that is shown in a terminal. */
export interface Scene {
  /** Also that of its picture. */
  name: string;
  /** What follows the name of the program; at each width for another subscriber, where the command changes one. */
  line: (userName: string) => readonly string[];
  /** Whether it begins something, which is over before the other scenes begin. */
  isFirst?: true;
  /** What ends a command that goes on until then. */
  ctrlC?: { after: RegExp };
  /** How lines begin that come in another order each time. */
  inAnyOrder?: RegExp;
  status: number;
}

/** All scenes in their order. One that is added here is tested in terminals, and has a picture. */
export const scenes: readonly Scene[] = [
  { name: 'onboard', line: (userName) => ['onboard', `${userName}.json`], isFirst: true, status: 0 },
  { name: 'plan', line: () => ['plan', 'stark.json'], status: 0 },
  { name: 'list', line: () => ['list'], status: 0 },
  { name: 'status', line: () => ['status', 'globex'], status: 0 },
  { name: 'quotas', line: () => ['quotas'], status: 0 },
  { name: 'doctor', line: () => ['doctor'], inAnyOrder: /^(ok|warn|fail) /, status: 0 },
  { name: 'watch', line: () => ['watch'], ctrlC: { after: /initech[^\n]*\n/ }, status: 130 },
];

/** The widths of terminals, each with the subscriber that is onboarded in it; the pictures are of the second one. */
export const widths = [
  { columns: 60, userName: 'hooli' },
  { columns: 100, userName: 'acme' },
  { columns: 200, userName: 'umbrella' },
] as const;
export const pictured = widths[1];

/** Where scenes are played: what they need is there. */
export interface Stage {
  /** Plays a scene. @param more options and variables beside the usual ones */
  play(scene: Scene, width: (typeof widths)[number], more?: Partial<More>): Promise<Ended>;
  /** Makes what the other scenes need: a subscriber whose onboarding has failed, and one that is being onboarded until the returned function is called. */
  setUp(): Promise<() => void>;
}

interface More {
  options: readonly string[];
  environment: Readonly<Record<string, string>>;
}

const requestFor = (userName: string) => ({
  subscriber: { userName, emailId: `mlops@${userName}.example` },
  encryption: {
    artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
    tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
  },
});

/**
 * Gets everything ready for the scenes, with the command as the package has it.
 * @param sandbox one that nobody else uses
 * @param folder an empty one, where the commands are called
 */
export async function createStage(sandbox: Sandbox, folder: string): Promise<Stage> {
  const bin = join(folder, 'bin');
  const home = join(folder, 'home');
  await mkdir(home);
  await buildCli(bin);
  for (const userName of [...widths.map((width) => width.userName), 'globex', 'stark']) {
    await writeFile(join(folder, `${userName}.json`), JSON.stringify(requestFor(userName)));
  }
  const program = [process.execPath, join(bin, 'infinstor-onboarding.cjs')];
  const environment = {
    PATH: process.env.PATH ?? '',
    // What V8 has compiled is kept there, and no profile is found.
    HOME: home,
    TERM: 'xterm-256color',
    AWS_ENDPOINT_URL: sandbox.endpoint,
    AWS_REGION: account.region,
    AWS_ACCESS_KEY_ID: operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
  };
  return {
    play: ({ line, ctrlC }, { columns, userName }, more = {}) =>
      runInTerminal([...program, ...line(userName), '--stage', 'sandbox', ...(more.options ?? [])], {
        columns,
        folder,
        environment: { ...environment, ...more.environment },
        ...(ctrlC !== undefined && { typed: { after: ctrlC.after, keys: '\x03' } }),
      }),
    async setUp() {
      sandbox.faults.add(parseFault('infinstor:register:error=503'));
      const [node, ...words] = program;
      await new Promise((resolve) => {
        const args = [...words, 'onboard', 'globex.json', '--stage', 'sandbox'];
        execFile(node ?? '', args, { cwd: folder, env: environment }, resolve);
      });
      const { promise: until, resolve: release } = Promise.withResolvers<void>();
      sandbox.faults.add({ service: 'iam', operation: 'GetRole', fault: { kind: 'hold', until }, times: 1 });
      const clients = connect(sandboxAt(sandbox.endpoint));
      await start(clients, sandbox.stateMachineArn, requestFor('initech'));
      clients.sfn.destroy();
      while (sandbox.faults.left() > 0) await sandbox.clock.progress();
      return release;
    },
  };
}
