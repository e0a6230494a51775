// The commands of a section of the runbook, run in the state that its error has left.

import { expect } from 'vitest';
import { choose } from '../../../cli/choose.ts';
import { commandTable } from '../../../cli/command-table.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { read } from '../../docs/documents.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { roleArnOf, roleNameOf, stackNameOf } from '../subscriber.ts';
import { awsCommand, type Shell, simpleCommands } from './aws-command.ts';
import type { Left } from './cause.ts';

const runbook = read('docs/runbook.md');
const sections = new Map(
  runbook.split(/^## /m).map((section): [string, string] => {
    const end = section.indexOf('\n');
    return [section.slice(0, end), section.slice(end)];
  }),
);

/** What the runbook itself says does not work in a sandbox. */
const [, list = ''] = /All commands work there except these:\n\n(.*?)\n\n/s.exec(runbook) ?? [];
const notServed = [...list.matchAll(/`([a-z][\w-]+\s[a-z][a-z-]+)`/g)].map(([, command = '']) => command);

/** The commands in blocks, and those in sentences. */
function commandsOf(section: string, shell: Shell): string[][] {
  const blocks = [...section.matchAll(/^( *)```sh\n([\s\S]*?)^\1```/gm)].map(([, , text = '']) => text);
  const inline = [
    ...section.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`((?:aws [a-z-]+|npm start --) [a-z-]+[^`]*)`/g),
  ].map(([, text = '']) => text);
  return [...blocks, ...inline]
    .flatMap((text) => simpleCommands(text, shell))
    .filter(
      // Without options a command is but named.
      ({ 0: name, length }) => (name === 'aws' && length > 3) || (name === 'npm' && length > 4),
    );
}

/** How many commands were run, and how many could not be, as the sandbox does not have them or nobody knows here what to fill in. */
export interface Runs {
  common: number;
  own: number;
  ownLeftOut: number;
}

/**
 * Runs the commands of the AWS CLI and of `npm start` in a section, and those of "Find what failed", which is common to all. A command that the
 * sandbox does not have, or in which a person fills in what nobody knows here, is read against the service's model alone.
 */
export async function runSection(sandbox: Sandbox, title: string, left: Left, foreign?: RegExp): Promise<Runs> {
  const shell = shellOf(sandbox, left);
  const run = async (name: string) => {
    // The runbook's example of a subscriber.
    const section = sections.get(name)?.replaceAll(/\bacme\b|<subscriber>/g, left.userName);
    if (section === undefined) throw new Error(`The runbook has no section ${name}`);
    const commands = commandsOf(section, shell).filter((words) => foreign?.test(words.join(' ')) !== true);
    let runs = 0;
    for (const words of commands) {
      const failed = (error: unknown) => expect.fail(`${name}: ${words.join(' ')}: ${error}`);
      if (await runCommand(sandbox, words, shell).catch(failed)) runs += 1;
    }
    return { runs, leftOut: commands.length - runs };
  };
  const { runs: common } = await run('Find what failed');
  const { runs: own, leftOut: ownLeftOut } = await run(title);
  return { common, own, ownLeftOut };
}

/** @returns whether it was run, and not just read */
async function runCommand(sandbox: Sandbox, words: readonly string[], shell: Shell): Promise<boolean> {
  if (words[0] === 'npm') return runNpmStart(sandbox, words.slice(3));
  // What it waits for happens without anybody.
  if (words[2] === 'wait') await sandbox.clock.quiet();
  const command = await awsCommand(words, shell);
  if (command === undefined || command.isOpen || notServed.includes(command.name)) return false;
  await command.run(sandbox.endpoint);
  return true;
}

/** Runs what only reads; a policy to show or to restore is one that a person chooses. */
async function runNpmStart({ endpoint }: Sandbox, args: readonly string[]): Promise<boolean> {
  if (args.includes('')) return false;
  const chosen = choose(args, { name: 'npm start --', isTour: true }, commandTable);
  if (chosen.command === undefined || chosen.command.group !== 'What there is') return false;
  await chosen.command.read(chosen.args).run(sessionFor(endpoint));
  return true;
}

/** Every command of the AWS CLI in the runbook for whose service there is a client, and what reads it against the service's model. */
export function commandsOfRunbook(): [text: string, read: () => Promise<unknown>][] {
  const shell: Shell = { variables: {}, substitute: () => '{}', fill: () => undefined };
  return commandsOf(runbook, shell)
    .filter(([name]) => name === 'aws')
    .map((words) => [words.join(' '), () => awsCommand(words, shell)]);
}

function shellOf({ secretsManager, kms, registryTable, stateMachineArn, cloudFormation }: Sandbox, left: Left): Shell {
  const { userName, keyArn = '', report, user = '', otherExecutionArn } = left;
  const name = userName.toLowerCase();
  const executionArn = report.executionArn ?? '';
  const variables = {
    STAGE: 'sandbox',
    NAME: name,
    SERVICE: registryTable.replace(/-registry$/, ''),
    STACK: stackNameOf(userName),
    CREDENTIALS: `infinstor/sandbox/subscribers/${name}/credentials`,
    EXECUTION: executionArn,
    OPERATION: 'onboard-subscriber',
    KEY: keyArn,
    LOGIN: 'superadmin',
    SECONDARY_USER: user,
    ROLE: roleArnOf(userName),
  };
  const stack = cloudFormation.stack(stackNameOf(userName));
  const policy = () => (keyArn === '' ? '{}' : JSON.stringify(kms.keyPolicy(keyArn)));
  return {
    variables,
    substitute(text) {
      if (/stateMachineArn/.test(text)) return stateMachineArn;
      if (/policy\.json/.test(text)) return policy();
      if (/Stacks\[0\]\.Parameters/.test(text)) {
        const kept = Object.keys(stack?.parameters ?? {});
        return JSON.stringify(kept.map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true })));
      }
      return '{}';
    },
    fill(option, text, words) {
      if (text.startsWith('arn:aws:states:')) return otherExecutionArn;
      if (text === 'file://template.yaml') {
        const retained = '$&\n    DeletionPolicy: Retain\n    Metadata: { retained: true }';
        return stack?.templateBody.replaceAll(/^ {4}Type: AWS::(?:S3::Bucket|DynamoDB::Table)$/gm, retained);
      }
      // What is typed in is what is there.
      if (option === 'secret-string') return secretsManager.value(words[words.indexOf('--secret-id') + 1] ?? '');
      if (option === 'role-name') return roleNameOf(userName);
      return undefined;
    },
  };
}
