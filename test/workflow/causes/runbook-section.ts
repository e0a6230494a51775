// The commands of a section of the runbook, run in the state that its error has left.

import { expect } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { read } from '../../docs/documents.ts';
import { roleArnOf, stackNameOf } from '../subscriber.ts';
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
  const inline = [...section.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`(aws [a-z-]+ [a-z-]+[^`]*)`/g)].map(
    ([, text = '']) => text,
  );
  return [...blocks, ...inline]
    .flatMap((text) => simpleCommands(text, shell))
    .filter(
      // Without options a command is but named.
      ({ 0: name, length }) => name === 'aws' && length > 3,
    );
}

/**
 * Runs the commands of the AWS CLI in a section and those of "Find what failed". A command that the sandbox does not have, or in which a
 * person fills in what nobody knows here, is read against the service's model alone.
 * @returns how many were run
 */
export async function runSection(sandbox: Sandbox, title: string, left: Left, foreign?: RegExp): Promise<number> {
  const shell = shellOf(sandbox, left);
  let runs = 0;
  for (const name of ['Find what failed', title]) {
    // The runbook's example of a subscriber.
    const section = sections.get(name)?.replaceAll(/\bacme\b/g, left.userName);
    if (section === undefined) throw new Error(`The runbook has no section ${name}`);
    for (const words of commandsOf(section, shell)) {
      const text = words.join(' ');
      const command = await awsCommand(words, shell).catch((error: unknown) => expect.fail(`${text}: ${error}`));
      if (command === undefined || command.isOpen || foreign?.test(text) || notServed.includes(command.name)) continue;
      await command.run(sandbox.endpoint).catch((error: unknown) => expect.fail(`${name}: ${text}: ${error}`));
      runs += 1;
    }
  }
  return runs;
}

/** Every command of the AWS CLI in the runbook for whose service there is a client, and what reads it against the service's model. */
export function commandsOfRunbook(): [text: string, read: () => Promise<unknown>][] {
  const shell: Shell = { variables: {}, substitute: () => '{}', fill: () => undefined };
  return commandsOf(runbook, shell).map((words) => [words.join(' '), () => awsCommand(words, shell)]);
}

function shellOf({ secretsManager, kms, registryTable, stateMachineArn }: Sandbox, left: Left): Shell {
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
  const policy = () => (keyArn === '' ? '{}' : JSON.stringify(kms.keyPolicy(keyArn)));
  return {
    variables,
    substitute(text) {
      if (/stateMachineArn/.test(text)) return stateMachineArn;
      if (/policy\.json/.test(text)) return policy();
      return '{}';
    },
    fill(option, text, words) {
      if (text.startsWith('arn:aws:states:')) return otherExecutionArn;
      // What is typed in is what is there.
      if (option === 'secret-string') return secretsManager.value(words[words.indexOf('--secret-id') + 1] ?? '');
      return undefined;
    },
  };
}
